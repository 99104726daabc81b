"""The same models in PyTorch, written as its users write them: modules, autograd, torch.optim.Adam."""

import math
import shutil
import time

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

HALF_LOG_2_PI = math.log(2 * math.pi) / 2


class VAE(nn.Module):
    """-ELBO of shape (B,): with Bernoulli pixels, or, where there is a beta, squared error + beta KL."""

    def __init__(self, encoder, n_hidden, n_latents, decoder, beta=None):
        super().__init__()
        self.encoder = encoder
        self.mu, self.logvar = nn.Linear(n_hidden, n_latents), nn.Linear(n_hidden, n_latents)
        self.decoder, self.beta, self.draws = decoder, beta, (n_latents,)

    def forward(self, x, eps):
        h = self.encoder(x)
        mu, logvar = self.mu(h), self.logvar(h)
        y = self.decoder(mu + torch.exp(logvar / 2) * eps)
        kl = (mu * mu + logvar.exp() - 1 - logvar).sum(1) / 2
        if self.beta is None:
            return binary_cross_entropy_with_logits(y, x, reduction="none").sum(1) + kl
        return mse_loss(y, x, reduction="none").sum(1) + self.beta * kl


class IWAE(VAE):
    """-L_k of shape (B,), k draws of z for each x."""

    def __init__(self, encoder, n_hidden, n_latents, decoder, k):
        super().__init__(encoder, n_hidden, n_latents, decoder)
        self.draws = (k, n_latents)

    def forward(self, x, eps):
        h = self.encoder(x)
        mu, logvar = self.mu(h)[:, None], self.logvar(h)[:, None]
        z = mu + torch.exp(logvar / 2) * eps
        logits = self.decoder(z)
        nll = binary_cross_entropy_with_logits(logits, x[:, None].expand_as(logits), reduction="none").sum(2)
        log_prior = -(z * z / 2 + HALF_LOG_2_PI).sum(2)
        log_q = -(eps * eps / 2 + logvar / 2 + HALF_LOG_2_PI).sum(2)
        return math.log(eps.shape[1]) - torch.logsumexp(log_prior - nll - log_q, 1)


def mlp(hidden=400, latents=20):
    return VAE(nn.Sequential(nn.Linear(784, hidden), nn.ReLU()), hidden, latents,
               nn.Sequential(nn.Linear(latents, hidden), nn.ReLU(), nn.Linear(hidden, 784)))


def conv():
    encoder = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)), nn.Conv2d(1, 32, 4, 1, 2), nn.ReLU(), nn.Conv2d(32, 32, 4, 2, 1), nn.ReLU(),
        nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(), nn.Flatten())
    decoder = nn.Sequential(
        nn.Linear(10, 3136), nn.ReLU(), nn.Unflatten(1, (64, 7, 7)), nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.ReLU(),
        nn.ConvTranspose2d(32, 32, 4, 2, 1, output_padding=1), nn.ReLU(), nn.ConvTranspose2d(32, 1, 4, 1, 2),
        nn.Flatten())
    return VAE(encoder, 3136, 10, decoder, beta=5.0)


def iwae():
    return IWAE(nn.Sequential(nn.Linear(784, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh()), 200, 50, nn.Sequential(
        nn.Linear(50, 200), nn.Tanh(), nn.Linear(200, 200), nn.Tanh(), nn.Linear(200, 784)), k=50)


MODELS = {"conv": conv, "iwae": iwae}


def twin(kind, model):
    """The PyTorch model of this kind with the weights of `model`, one of ours."""
    values = [ours.value for ours in model.parameters().values()]
    theirs = mlp(values[0].shape[1], model.n_latents) if kind == "mlp" else MODELS[kind]()
    theirs.to(torch.from_numpy(values[0]).dtype)
    for p, value in zip(theirs.parameters(), values, strict=True):
        p.data[...] = as_theirs(value, p)
    return theirs


def as_theirs(a, p):
    """A parameter of ours, or its gradient, laid out as PyTorch's p is."""
    a = torch.tensor(a)
    for axis, size in enumerate(a.shape):
        if size == 3136:                                       # the numbers of a 7 x 7 image: channels come first there
            a = a.index_select(axis, torch.arange(3136).reshape(49, 64).T.reshape(-1))
    if p.ndim == 4:                                            # a kernel, ours (k k a, b), theirs (b, a, k, k)
        return a.reshape(*p.shape[2:], p.shape[1], p.shape[0]).permute(3, 2, 0, 1)
    return a.T if p.ndim == 2 else a


class Training:
    """A plain loop, for one slice at a time."""

    def __init__(self, workload, fused=False, compiled=False, device="cpu"):
        self.model = twin(workload.kind, workload.model()).to(device)
        self.loss = torch.compile(self.model) if compiled else self.model
        self.adam = torch.optim.Adam(self.model.parameters(), lr=workload.lr, fused=fused)
        self.images = torch.from_numpy(workload.images()).reshape(-1, 784).to(device)
        self.batch, self.device = workload.batch, device

    def __next__(self):
        total = 0.0
        for rows in torch.randperm(len(self.images), device=self.device).split(self.batch):
            x = self.images[rows].float().div_(255)
            eps = torch.randn(len(x), *self.model.draws, device=self.device)
            loss = self.loss(x, eps).mean()
            self.adam.zero_grad()
            loss.backward()
            self.adam.step()
            total += loss.item()
        return total


def default(workload):
    """PyTorch as it comes."""
    return Training(workload)


def tuned(workload):
    """Fused Adam, subnormal numbers flushed to zero; images with channels first or last, whichever is faster here."""
    torch.set_flush_denormal(True)
    first = Training(workload, fused=True)
    if workload.kind != "conv":
        return first
    last = Training(workload, fused=True)
    last.model.to(memory_format=torch.channels_last)
    return min((first, last), key=seconds_of_the_second_slice)


def compiled(workload):
    """torch.compile and fused Adam."""
    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        raise RuntimeError("torch.compile needs a C++ compiler, and there is none here")
    return Training(workload, fused=True, compiled=True)


@torch.no_grad()
def again(task, workload):
    """A generator: each `next` does the task once, nothing learned from it."""
    model, x = twin("mlp", workload.model()), torch.from_numpy(workload.bits())
    while True:
        yield TASKS[task](model, x)


def bound(model, x, k=1000, images=20, draws=100):
    """The mean L_k, 2000 rows of the decoder at a time: of 200, 500, 1000, 2000 and 5000 the fastest, or next to it."""
    found = []
    for few in x.split(images):
        h = model.encoder(few)
        mu, logvar = model.mu(h)[:, None], model.logvar(h)[:, None]
        found.append(torch.logsumexp(torch.cat([
            log_weights(model, few, mu, logvar, torch.randn(len(few), draws, *model.draws))
            for _ in range(0, k, draws)], 1), 1) - math.log(k))
    return torch.cat(found).mean().item()


def log_weights(model, x, mu, logvar, eps):
    """log p(x|z) + log p(z) - log q(z|x) in float64, x (B, D), eps (B, k, Z) -> (B, k)."""
    z = mu + torch.exp(logvar / 2) * eps
    logits = model.decoder(z)
    nll = binary_cross_entropy_with_logits(logits, x[:, None].expand_as(logits), reduction="none").sum(2)
    return (((eps * eps + logvar) - z * z).sum(2) / 2 - nll).double()


def elbo(model, x, batch=500):
    return sum(model(few, torch.randn(len(few), *model.draws)).sum().item() for few in x.split(batch)) / len(x)


def sample(model, x, batch=500):
    """As many images as x has, a batch at a time."""
    return torch.cat([torch.bernoulli(torch.sigmoid(model.decoder(torch.randn(len(few), *model.draws))))
                      for few in x.split(batch)])


TASKS = {"bound": bound, "elbo": elbo, "sample": sample}


def seconds_of_the_second_slice(training):
    next(training)
    start = time.perf_counter()
    next(training)
    return time.perf_counter() - start
