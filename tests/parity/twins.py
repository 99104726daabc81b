"""What each building block is in PyTorch, as PyTorch's users would write it: twin(f, p, *inputs, **constants).

p(parameter) is the tensor of a Parameter.
"""

import math

from agreement import tensor, torch

from scratchvae import core, microbatches, nn, probability
from scratchvae.probability import flows

D, F = torch.distributions, torch.nn.functional


def channels_first(f):
    """f of images (B, C, H, W), as one of images (B, H, W, C)"""
    return lambda owner, p, x, **how: f(owner, p, x.permute(0, 3, 1, 2), **how).permute(0, 2, 3, 1)


def conv_weights(f, p):
    """W (k k C, D) as (D, C, k, k)"""
    k = f.map.kernel
    return p(f.W).reshape(k, k, -1, p(f.W).shape[1]).permute(3, 2, 0, 1).contiguous()


@channels_first
def conv(f, p, x):
    return F.conv2d(x, conv_weights(f, p), p(f.b), f.map.stride, f.map.padding)


@channels_first
def conv_transpose(f, p, x):
    how = f.map
    output_padding = f.grow - how.kernel + 2 * how.padding + how.stride
    return F.conv_transpose2d(x, conv_weights(f, p), p(f.b), how.stride, how.padding, output_padding)


def unfold(f, p, x, *, kernel, stride, padding):
    """torch.nn.functional.unfold gives (B, C k k, h w)."""
    h, w = ((n + 2 * padding - kernel) // stride + 1 for n in x.shape[1:3])
    patches = F.unfold(x.permute(0, 3, 1, 2), kernel, padding=padding, stride=stride)
    return patches.reshape(len(x), -1, kernel**2, h, w).permute(0, 3, 4, 2, 1).reshape(len(x), h, w, -1)


def fold(f, p, patches, *, size, kernel, stride, padding):
    B, h, w, _ = patches.shape
    columns = patches.reshape(B, h, w, kernel**2, -1).permute(0, 4, 3, 1, 2).reshape(B, -1, h * w)
    return F.fold(columns, size, kernel, padding=padding, stride=stride).permute(0, 2, 3, 1)


def softplus(x):
    """PyTorch's is x from x = 20 on, which is wrong by 2e-9; here it is asked to go on."""
    return F.softplus(x, threshold=700)


def normal(mu, logvar):
    return D.Normal(mu, torch.exp(logvar / 2))


STANDARD = D.Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))


def monte_carlo_kl(f, p, mu, logvar, *, eps):
    q = normal(mu, logvar)
    z = q.loc + q.scale * eps
    return (q.log_prob(z) - STANDARD.log_prob(z)).sum(1)


def multivariate_kl(f, p, mu, L, prior_mu, prior_L):
    return D.kl_divergence(D.MultivariateNormal(mu, scale_tril=L.tril()),
                           D.MultivariateNormal(prior_mu, scale_tril=prior_L.tril()))


def pixel_gaussian(f, p, y, *, x):
    mu, a = y.chunk(2, dim=1)
    return -normal(mu, f.low + softplus(a - f.low)).log_prob(x).sum(1)


def discretized_logistic_nll(f, p, mu, logscale, *, x, levels):
    """-log (F(upper) - F(lower)), by logarithms of the smaller tail, so that the difference keeps its digits."""
    half = 0.5 / (levels - 1)
    upper, lower = ((x + h - mu) / torch.exp(logscale) for h in (half, -half))
    upper, lower = torch.where(x > 1 - half, math.inf, upper), torch.where(x < half, -math.inf, lower)
    upper, lower = torch.where(upper + lower > 0, -lower, upper), torch.where(upper + lower > 0, -upper, lower)
    finite = torch.where(lower.isinf(), upper.clamp(max=0) - 1e3, lower)      # F is 0 there too, and no inf - inf
    high, low = F.logsigmoid(upper), F.logsigmoid(finite)
    return -(high + torch.log(-torch.expm1(low - high))).sum(1)


def discretized_logistic(f, p, y, *, x):
    mu, a = y.chunk(2, dim=1)
    return discretized_logistic_nll(f, p, mu, f.low + softplus(a - f.low), x=x, levels=f.levels)


def categorical(f, p, logits, *, x):
    levels = D.Categorical(logits=logits.reshape(*x.shape, f.levels))
    return -levels.log_prob(torch.round(x * (f.levels - 1))).sum(1)


def through(f, p, *ys, **constants):
    """f(*ys), of any module of ours: a Sequential node by node, everything else by its twin."""
    if isinstance(f, core.Sequential):
        for g in f.nodes:
            ys = (through(g, p, *ys),)
        return ys[0]
    return TWINS[f if isinstance(f, core.node) else type(f)](f, p, *ys, **constants)


def gaussian_draw(f, p, mu, logvar, eps, *, score=True):
    """z and log q(z); without its score term, of a density that knows nothing of the parameters."""
    q = normal(mu, logvar)
    z = q.loc + q.scale * eps
    density = q if score else D.Normal(q.loc.detach(), q.scale.detach())
    return z, density.log_prob(z).sum(1)


def diagonal_gaussian(f, p, x, eps, *, score=True):
    mu, logvar = (torch.repeat_interleave(a, eps.shape[1], 0) for a in through(f.encoder, p, x))
    return gaussian_draw(f, p, mu, logvar, eps.flatten(0, 1), score=score)


def planar(f, p, z, u, w, b):
    """Rezende & Mohamed 2015, appendix A.1, as the formulas stand there: |1 + v . psi|"""
    p_, n = (u * w).sum(1, keepdim=True), (w * w).sum(1, keepdim=True)
    v = u + (-1 + softplus(p_) - p_) * w / n
    t = torch.tanh((z * w).sum(1, keepdim=True) + b)
    return z + v * t, torch.log(torch.abs(1 + (v * (1 - t**2) * w).sum(1)))


def householder(f, p, z, v):
    H = torch.eye(z.shape[1], dtype=z.dtype) - 2 * v[:, :, None] * v[:, None] / (v * v).sum(1)[:, None, None]
    return (H @ z[:, :, None])[:, :, 0]


def gate(f, p, z, m, a):
    s = torch.sigmoid(a)
    return s * z + (1 - s) * m, F.logsigmoid(a).sum(1)


def shear(f, p, z, l):
    Z = z.shape[1]
    L = torch.eye(Z, dtype=z.dtype).repeat(len(z), 1, 1)
    L[:, *torch.tril_indices(Z, Z, -1)] = l
    return (L @ z[:, :, None])[:, :, 0]


def planar_step(f, p, z, h):
    return planar(f, p, z, *through(f.net, p, h).split([z.shape[1], z.shape[1], 1], 1))


def volume_preserving(step):
    return lambda f, p, z, h: (step(f, p, z, through(f.net, p, h)), torch.zeros_like(z[:, 0]))


def iaf_step(f, p, z, h):
    return gate(f, p, z, *through(f.net, p, z, h).chunk(2, 1))


def flow(f, p, z, h):
    log_det = 0
    for step in f.steps:
        z, more = through(step, p, z, h)
        log_det = log_det + more
    return z, log_det


def start(f, p, x, *, k=1):
    """(mu, logvar, h), each row k times"""
    h = through(f.encoder, p, x)
    return tuple(torch.repeat_interleave(a, k, 0) for a in (*through(f.heads, p, h), h))


def flow_posterior(f, p, x, eps):
    mu, logvar, h = start(f, p, x, k=eps.shape[1])
    z, log_q = gaussian_draw(f, p, mu, logvar, eps.flatten(0, 1))
    z, log_det = flow(f.flow, p, z, h)
    return z, log_q - log_det


def with_kl(f, p, x, *, eps):
    mu, logvar, h = start(f, p, x)
    z, _ = flow(f.flow, p, mu + normal(mu, logvar).stddev * eps, h)
    return z, D.kl_divergence(normal(mu, logvar), STANDARD).sum(1)


def mixture_logpdf(f, p, z, logits, mu, logvar):
    return D.MixtureSameFamily(D.Categorical(logits=logits), D.Independent(normal(mu, logvar), 1)).log_prob(z)


def vamp_prior(f, p, z):
    """The mixture of q(z|u_k), u in its range; its weights learn, or are a buffer."""
    u = p(f.u) if f.bounds is None else bounded_between(f, p, p(f.u), **f.bounds)
    logits = p(f.logits) if isinstance(f.logits, core.Parameter) else torch.zeros(len(u), dtype=u.dtype)
    return mixture_logpdf(f, p, z, logits, *through(f.encoder, p, u))


def aggregate_posterior(f, p, z):
    x = tensor(f.x.value).double()
    return mixture_logpdf(f, p, z, torch.zeros(len(x), dtype=x.dtype), *through(f.encoder, p, x))


def two_layer_prior(f, p, z):
    """(log p(z1|z2), log p(z2))"""
    z1, z2 = z.tensor_split([f.n_first], 1)
    return normal(*through(f.first, p, z2)).log_prob(z1).sum(1), through(f.top, p, z2)


def two_layer_posterior(f, p, x, eps, *, score=True):
    """(z, log q(z1|x, z2), log q(z2|x))"""
    eps1, eps2 = eps.tensor_split([f.n_first], 2)
    z2, log_q2 = through(f.top, p, x, eps2, score=score)
    h = torch.repeat_interleave(through(f.features, p, x), eps.shape[1], 0)
    z1, log_q1 = draw_first(f, p, h, z2, eps1.flatten(0, 1), score=score)
    return torch.cat([z1, z2], 1), log_q1, log_q2


def summed(layers):
    """The log q of both layers as one."""
    def twin(*given, **options):
        z, *log_q = layers(*given, **options)
        return z, sum(log_q)
    return twin


def draw_first(f, p, h, z2, eps, *, score=True):
    """z1 and log q(z1|x, z2); without its score term, of a density in which z2 alone is no constant."""
    q = normal(*through(f.first, p, h, z2))
    z1 = q.loc + q.scale * eps
    density = q if score else normal(*through(f.first, lambda parameter: p(parameter).detach(), h.detach(), z2))
    return z1, density.log_prob(z1).sum(1)


def residual(f, p, h, z2):
    return tuple(a + b for a, b in zip(through(f.prior, p, z2), through(f.change, p, h, z2), strict=True))


def bounded_between(f, p, a, *, low, high):
    return low + (high - low) * torch.sigmoid(a)


def bernoulli_nll(f, p, logits, *, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)


def squared_error(f, p, y, *, x):
    return F.mse_loss(y, x, reduction="none").sum(1)


def gaussian_heads(f, p, h):
    return through(f.mu, p, h), through(f.logvar, p, h)


def masked_linear(f, p, x, h=None):
    y = F.linear(x, (p(f.W) * tensor(f.mask.value)).T, p(f.b))
    return y if h is None else y + h @ p(f.V)


def made(f, p, x, h=None):
    *hidden, last = f.layers
    a = x
    for layer in hidden:
        a = through(f.activation, p, masked_linear(layer, p, a, h))
    return masked_linear(last, p, torch.cat([a, x], 1) if f.direct else a, h)


def autoregressive(f, p, z, *, x, seen=None):
    shown = x if seen is None else torch.where(seen > 0, x, 0.5)
    return bernoulli_nll(f, p, made(f.decoder, p, shown, z), x=x)


def continuous_bernoulli(f, p, logits, *, x):
    """PyTorch's distribution takes 1 - p and so loses digits in white pixels; from |a| = 8 on the integral itself."""
    near = -D.ContinuousBernoulli(logits=logits.clamp(-8, 8)).log_prob(x)
    size = logits.abs().clamp(min=1)
    far = logits.clamp(min=0) + torch.log(-torch.expm1(-size) / size) - logits * x
    return torch.where(logits.abs() < 8, near, far).sum(1)


TWINS = {
    core.Sequential: through,
    microbatches.MicroBatches: through,
    nn.relu: lambda f, p, x: F.relu(x),
    nn.elu: lambda f, p, x: F.elu(x),
    nn.tanh: lambda f, p, x: torch.tanh(x),
    nn.sigmoid: lambda f, p, x: torch.sigmoid(x),
    nn.softplus: lambda f, p, x: softplus(x),
    nn.Linear: lambda f, p, x: F.linear(x, p(f.W).T, p(f.b)),
    nn.TiedLinear: lambda f, p, h: F.linear(h, p(f.W), p(f.b)),
    nn.Conditioned: lambda f, p, x, *, c: through(f.net, p, torch.cat([x, c], 1)),
    nn.Joined: lambda f, p, a, b: through(f.net, p, torch.cat([a, b], 1)),
    nn.Columns: lambda f, p, x: x[:, f.start:f.stop],
    nn.straight_through: lambda f, p, soft, *, hard: soft + (hard - soft).detach(),
    nn.unfold: unfold,
    nn.fold: fold,
    nn.flatten: lambda f, p, x: torch.flatten(x, 1),
    nn.Reshape: lambda f, p, x: torch.unflatten(x, 1, f.shape),
    nn.Conv2d: conv,
    nn.ConvTranspose2d: conv_transpose,
    nn.MaskedLinear: masked_linear,
    nn.MADE: made,
    nn.GaussianHeads: gaussian_heads,
    probability.reparameterize: lambda f, p, mu, logvar, *, eps: mu + normal(mu, logvar).stddev * eps,
    probability.gaussian_kl: lambda f, p, mu, logvar: D.kl_divergence(normal(mu, logvar), STANDARD).sum(1),
    probability.gaussian_kl_per_latent: lambda f, p, mu, logvar: D.kl_divergence(normal(mu, logvar), STANDARD),
    probability.monte_carlo_kl: monte_carlo_kl,
    probability.gaussian_logpdf: lambda f, p, x, mu, logvar: normal(mu, logvar).log_prob(x).sum(1),
    probability.gaussian_draw: gaussian_draw,
    probability.DiagonalGaussian: diagonal_gaussian,
    flows.planar: planar,
    flows.householder: householder,
    flows.gate: gate,
    flows.shear: shear,
    flows.Planar: planar_step,
    flows.Householder: volume_preserving(householder),
    flows.IAF: iaf_step,
    flows.LinearIAF: volume_preserving(shear),
    flows.Flow: flow,
    flows.FlowPosterior: flow_posterior,
    flows.FlowPosterior.start: start,
    flows.HouseholderPosterior: flow_posterior,
    flows.HouseholderPosterior.with_kl: with_kl,
    probability.StandardNormal: lambda f, p, z: STANDARD.log_prob(z).sum(1),
    probability.gaussian_mixture_logpdf: mixture_logpdf,
    probability.GaussianMixturePrior: lambda f, p, z: mixture_logpdf(f, p, z, p(f.logits), p(f.mu), p(f.logvar)),
    probability.AggregatePosterior: aggregate_posterior,
    probability.VampPrior: vamp_prior,
    probability.TwoLayerPrior: lambda f, p, z: sum(two_layer_prior(f, p, z)),
    probability.TwoLayerPrior.layers: two_layer_prior,
    probability.TwoLayerPosterior: summed(two_layer_posterior),
    probability.TwoLayerPosterior.layers: two_layer_posterior,
    probability.TwoLayerPosterior.draw_first: draw_first,
    probability.Residual: residual,
    probability.Observation: lambda f, p, z, *, x: through(f.likelihood, p, through(f.decoder, p, z), x=x),
    probability.AutoregressiveObservation: autoregressive,
    probability.log_sum_exp: lambda f, p, a: torch.logsumexp(a, -1),
    probability.log_mean_exp: lambda f, p, log_w: torch.logsumexp(log_w, 1) - math.log(log_w.shape[1]),
    probability.repeat: lambda f, p, x, *, k: torch.repeat_interleave(x, k, 0),
    probability.multivariate_logpdf: lambda f, p, x, mu, L: D.MultivariateNormal(mu, scale_tril=L).log_prob(x),
    probability.multivariate_kl: multivariate_kl,
    probability.gaussian_nll: lambda f, p, mu, logvar, *, x: -normal(mu, logvar).log_prob(x).sum(1),
    probability.bernoulli_nll: bernoulli_nll,
    probability.squared_error: squared_error,
    probability.Bernoulli: bernoulli_nll,
    probability.Gaussian: lambda f, p, mu, *, x: -D.Normal(mu, f.sigma).log_prob(x).sum(1),
    probability.SquaredError: squared_error,
    probability.bounded_below: lambda f, p, a, *, low: low + softplus(a - low),
    probability.bounded_between: bounded_between,
    probability.SharedGaussian: lambda f, p, mu, *, x: -normal(mu, p(f.logvar)).log_prob(x).sum(1),
    probability.PixelGaussian: pixel_gaussian,
    probability.laplace_nll: lambda f, p, mu, logscale, *, x: -D.Laplace(mu, logscale.exp()).log_prob(x).sum(1),
    probability.Laplace: lambda f, p, mu, *, x: -D.Laplace(mu, p(f.logscale).exp()).log_prob(x).sum(1),
    probability.continuous_bernoulli_nll: continuous_bernoulli,
    probability.ContinuousBernoulli: continuous_bernoulli,
    probability.discretized_logistic_nll: discretized_logistic_nll,
    probability.DiscretizedLogistic: discretized_logistic,
    probability.CategoricalPixels: categorical,
    probability.softmax: lambda f, p, logits: torch.softmax(logits, 1),
    probability.categorical_nll: lambda f, p, logits, *, y: F.cross_entropy(logits, y, reduction="none"),
}
