"""Chapter 8, the VAE: what a student answers, and the mistakes that are known by name."""

import math

import numpy as np

from ..core import Sequential
from ..nn import GaussianHeads, elu, mlp, sigmoid
from ..probability import bernoulli_nll, gaussian_kl, reparameterize
from .chapter_08_drill import blanks
from .checking import agree, exercise, require

__all__ = ["blanks", "elbo_from_wrong_loss", "implied_sigma", "kl", "minibatch_loss", "negative_elbo", "new_images",
           "way_back"]


# ---- 8.1 remove the 1/2


@exercise(mistakes={
    "Your KL is twice the right one: the 1/2 is missing.":
        lambda mu, logvar: (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=1),
    "The sign is wrong: a KL is never negative.": lambda mu, logvar: -gaussian_kl(mu, logvar),
    "The -1 stands outside of the sum: every latent has its own -1.":
        lambda mu, logvar: ((mu**2 + np.exp(logvar) - logvar).sum(axis=1) - 1) / 2,
    "The -1 is missing: the KL of N(0, I) from itself must be 0.":
        lambda mu, logvar: (mu**2 + np.exp(logvar) - logvar).sum(axis=1) / 2,
    "You read logvar as log sigma: sigma^2 = exp(logvar), not exp(2 logvar).":
        lambda mu, logvar: (mu**2 + np.exp(2 * logvar) - 1 - 2 * logvar).sum(axis=1) / 2,
    "You used sigma = exp(logvar / 2); it must be sigma^2 = exp(logvar).":
        lambda mu, logvar: (mu**2 + np.exp(logvar / 2) - 1 - logvar).sum(axis=1) / 2,
    "mu is not squared.": lambda mu, logvar: (mu + np.exp(logvar) - 1 - logvar).sum(axis=1) / 2,
    "The sign of logvar is wrong: - log sigma^2.":
        lambda mu, logvar: (mu**2 + np.exp(logvar) - 1 + logvar).sum(axis=1) / 2,
    "You took the mean over the latents; the KL is their sum.":
        lambda mu, logvar: gaussian_kl(mu, logvar) / mu.shape[1],
    "You averaged over the batch. A node gives one number per example; only the training loop averages.":
        lambda mu, logvar: gaussian_kl(mu, logvar).mean(),
    "You summed over the batch too: one number per example, please.":
        lambda mu, logvar: gaussian_kl(mu, logvar).sum(),
    "You summed over the wrong axis: axis 0 holds the examples, axis 1 the latents.":
        lambda mu, logvar: (mu**2 + np.exp(logvar) - 1 - logvar).sum(axis=0) / 2,
    "The sum over the latents is missing.": lambda mu, logvar: (mu**2 + np.exp(logvar) - 1 - logvar) / 2,
    "That is the other direction, KL(p || q). The bound has KL(q || p).":
        lambda mu, logvar: ((1 + mu**2) * np.exp(-logvar) - 1 + logvar).sum(axis=1) / 2,
})
def kl(answer, known):
    """(mu, logvar), each (B, Z) -> KL(N(mu, sigma^2) || N(0, I)), (B,), in nats."""
    mu, logvar = np.random.default_rng(8).standard_normal((2, 4, 3))
    value = known(answer, mu, logvar)
    require(np.shape(value) == (4,), f"One number per example: shape (4,), not {np.shape(value)}.")
    zero = np.zeros((4, 3))
    require(agree(known(answer, zero, zero), np.zeros(4)), "At mu = 0 and sigma = 1 q is the prior: KL = 0.")
    require(agree(known(answer, mu, zero), (mu**2).sum(axis=1) / 2), "At sigma = 1 the KL is |mu|^2 / 2.")
    require(agree(known(answer, zero, logvar), (np.exp(logvar) - 1 - logvar).sum(axis=1) / 2),
            "At mu = 0 the KL is the sum of (sigma^2 - 1 - log sigma^2) / 2, and yours is not.")
    require(agree(value, gaussian_kl(mu, logvar)), "It is not the KL. Take one latent, by hand.")


@exercise(mistakes={
    "That is 2 KL + nll again, nothing is corrected.": lambda loss, nll: loss,
    "You halved everything; the reconstruction term was right and must stay.": lambda loss, nll: loss / 2,
    "That is 2 KL: what the wrong loss adds to nll. Add half of it to nll.": lambda loss, nll: loss - nll,
    "That is the KL alone. -ELBO is nll + KL.": lambda loss, nll: (loss - nll) / 2,
    "You took the reconstruction term twice and halved nothing: loss + nll = 2 (nll + KL).":
        lambda loss, nll: loss + nll,
    "You doubled the KL once more: it must be halved.": lambda loss, nll: 2 * loss - nll,
    "You subtracted the whole wrong KL: that is nll alone.": lambda loss, nll: nll,
    "The sign of the KL is wrong: -ELBO = nll + KL.": lambda loss, nll: nll - (loss - nll) / 2,
    "That is the ELBO; -ELBO is asked for.": lambda loss, nll: -(loss + nll) / 2,
    "You averaged over the batch: one number per example, please.": lambda loss, nll: ((loss + nll) / 2).mean(),
})
def elbo_from_wrong_loss(answer, known):
    """(loss, nll), each (B,), where loss = nll + 2 KL -> -ELBO = nll + KL, (B,)."""
    nll, right_kl = np.random.default_rng(81).uniform(1, 9, (2, 5))
    value = known(answer, nll + 2 * right_kl, nll)
    require(np.shape(value) == (5,), f"One number per example: shape (5,), not {np.shape(value)}.")
    require(agree(known(answer, nll, nll), nll), "Where the KL is 0, loss = nll, and -ELBO must be nll too.")
    require(agree(known(answer, 2 * right_kl, 0 * nll), right_kl), "Where nll = 0, -ELBO is KL: half of loss.")
    require(agree(value, nll + right_kl), "It is not nll + KL. Solve loss = nll + 2 KL for KL first.")


# ---- 8.2 mean or sum


def total(nll, kl):
    return nll.sum(axis=1) + kl.sum(axis=1)


@exercise(mistakes={
    "You took the mean over pixels and over latents: nll is divided by D, the KL by Z, and beta became D / Z.":
        lambda nll, kl: nll.mean() + kl.mean(),
    "You took the mean over the pixels but the sum over the latents: the weight of the KL is now D times too large.":
        lambda nll, kl: nll.mean() + kl.sum(axis=1).mean(),
    "You took the mean over the latents but the sum over the pixels: the weight of the KL is now Z times too small.":
        lambda nll, kl: nll.sum(axis=1).mean() + kl.mean(),
    "You summed over the batch too: the loss, and with it the step, grows with the size of the batch.":
        lambda nll, kl: total(nll, kl).sum(),
    "You averaged the reconstruction over the batch, but summed the KL over it.":
        lambda nll, kl: nll.sum(axis=1).mean() + kl.sum(),
    "You averaged the KL over the batch, but summed the reconstruction over it.":
        lambda nll, kl: nll.sum() + kl.sum(axis=1).mean(),
    "The KL is missing.": lambda nll, kl: nll.sum(axis=1).mean(),
    "The reconstruction is missing.": lambda nll, kl: kl.sum(axis=1).mean(),
    "The sign of the KL is wrong: it is a cost, and is added.":
        lambda nll, kl: (nll.sum(axis=1) - kl.sum(axis=1)).mean(),
    "That is the ELBO, which is maximized. A loss is minimized: change the sign.":
        lambda nll, kl: -total(nll, kl).mean(),
    "The mean over the batch is missing: one number is asked for.": total,
    "You exchanged the axes: the mean over the pixels, the sum over the batch.":
        lambda nll, kl: nll.sum(axis=0).mean() + kl.sum(axis=0).mean(),
})
def minibatch_loss(answer, known):
    """(nll (B, D), kl (B, Z)), the cost of each pixel and of each latent -> one number, the loss of a step."""
    rng = np.random.default_rng(82)
    nll, kl = rng.uniform(0, 1, (5, 7)), rng.uniform(0, 1, (5, 3))
    loss = known(answer, nll, kl)
    require(np.shape(loss) == (), f"One number, not an array of shape {np.shape(loss)}.")
    twice = known(answer, np.tile(nll, (2, 1)), np.tile(kl, (2, 1)))
    require(agree(twice, loss), "The same images twice in the batch change your loss: average over it.")
    wide = known(answer, np.tile(nll, (1, 2)), kl) - loss
    require(agree(wide, nll.sum(axis=1).mean()), "An image with twice the pixels must have twice the reconstruction.")
    deep = known(answer, nll, np.tile(kl, (1, 2))) - loss
    require(agree(deep, kl.sum(axis=1).mean()), "A code with twice the latents must have twice the KL.")
    require(agree(loss, total(nll, kl).mean()), "It is not the mean over the batch of -ELBO.")


@exercise(mistakes={
    "That is sigma^2; sigma is asked for.": lambda n_pixels, weight: n_pixels * weight / 2,
    "The 2 is missing: the Gaussian has |x - y|^2 / (2 sigma^2).":
        lambda n_pixels, weight: math.sqrt(n_pixels * weight),
    "The number of pixels is missing: your loss took a mean over them.": lambda n_pixels, weight: math.sqrt(weight / 2),
    "The weight is missing: divide the whole loss by it first, so that the KL stands alone.":
        lambda n_pixels, weight: math.sqrt(n_pixels / 2),
    "The weight is on the wrong side: a larger weight of the KL means a larger sigma.":
        lambda n_pixels, weight: math.sqrt(n_pixels / (2 * weight)),
    "That is 1 / sigma.": lambda n_pixels, weight: math.sqrt(2 / (n_pixels * weight)),
    "The 2 is on the wrong side: |x - y|^2 / (n w) = |x - y|^2 / (2 sigma^2).":
        lambda n_pixels, weight: math.sqrt(2 * n_pixels * weight),
    "That is log sigma^2; sigma is asked for.": lambda n_pixels, weight: math.log(n_pixels * weight / 2),
    "You divided by the number of pixels; the mean divides the error by it, so sigma^2 is multiplied by it.":
        lambda n_pixels, weight: math.sqrt(weight / (2 * n_pixels)),
})
def implied_sigma(answer, known):
    """(n_pixels, weight) -> sigma of the Gaussian p(x|z) that mean_d (x_d - y_d)^2 + weight KL silently assumes."""
    sigma = known(answer, 784, 1.0)
    require(np.shape(sigma) == (), f"One number, not an array of shape {np.shape(sigma)}.")
    require(sigma > 0, "sigma is a standard deviation: it must be positive.")
    for n_pixels, weight in ((784, 1.0), (10, 1.0), (784, 0.01), (2, 3.0)):
        sigma = known(answer, n_pixels, weight)
        ratio = (1 / n_pixels) / weight * 2 * sigma**2       # of the two costs of one squared pixel, per nat of KL
        require(agree(ratio, 1.0), f"With {n_pixels} pixels and weight {weight}, one unit of squared error costs "
                                   f"{1 / n_pixels / weight:.4g} nats of KL in that loss, but 1 / (2 sigma^2) = "
                                   f"{1 / (2 * sigma**2):.4g} in a Gaussian with your sigma.")


# ---- 8.3 sample or mean


def cost(nll_of, mu, logvar, eps, sigma=lambda logvar: np.exp(logvar / 2), over=np.mean):
    """`over` (the mean) over k of nll_of(mu + sigma eps_k), plus the KL: (B,)."""
    return over([nll_of(mu + sigma(logvar) * e) for e in eps], axis=0) + gaussian_kl(mu, logvar)


@exercise(mistakes={
    "You put z = mu: that is no bound. E_q asks for samples z = mu + sigma * eps.":
        lambda nll_of, mu, logvar, eps: nll_of(mu) + gaussian_kl(mu, logvar),
    "You took the mean of the samples first, and their cost after: E f(z) is not f(E z).":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps.mean(axis=0, keepdims=True)),
    "You used exp(logvar) as sigma; it is sigma^2. sigma = exp(logvar / 2).":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps, np.exp),
    "You used logvar itself as sigma. sigma = exp(logvar / 2).":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps, lambda logvar: logvar),
    "You summed over the draws; an expectation is their mean.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps, over=np.sum),
    "You used only the first draw.": lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps[:1]),
    "You used only the last draw.": lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps[-1:]),
    "You took the best of the draws; an expectation is their mean.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps, over=np.min),
    "The KL is missing: that is the reconstruction term alone.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps) - gaussian_kl(mu, logvar),
    "The sign of the KL is wrong: -ELBO = nll + KL.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps) - 2 * gaussian_kl(mu, logvar),
    "The KL is counted once for every draw; it is counted once.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps) + (len(eps) - 1) * gaussian_kl(mu, logvar),
    "That is the ELBO; -ELBO is asked for.": lambda nll_of, mu, logvar, eps: -cost(nll_of, mu, logvar, eps),
    "You took the mean over the batch too: one number per example, please.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, mu, logvar, eps).mean(),
    "You drew z from the prior: eps itself. q(z|x) has mean mu and standard deviation sigma.":
        lambda nll_of, mu, logvar, eps: cost(nll_of, 0 * mu, 0 * logvar, eps) + gaussian_kl(mu, logvar),
    "You took log-mean-exp over the draws: that is the IWAE bound with half of its terms (chapter 12).":
        lambda nll_of, mu, logvar, eps: gaussian_kl(mu, logvar) - np.log(
            np.mean([np.exp(-nll_of(mu + np.exp(logvar / 2) * e)) for e in eps], axis=0)),
})
def negative_elbo(answer, known):
    """(nll_of, mu (B, Z), logvar (B, Z), eps (K, B, Z)) -> -ELBO, (B,), the mean of K draws; nll_of: (B, Z) -> (B,)."""
    rng = np.random.default_rng(83)
    mu, logvar = rng.standard_normal((2, 4, 3))
    eps = rng.standard_normal((6, 4, 3))

    def quadratic(z):
        return (z * z).sum(axis=1)

    value = known(answer, quadratic, mu, logvar, eps)
    require(np.shape(value) == (4,), f"One number per example: shape (4,), not {np.shape(value)}.")
    flat = known(answer, lambda z: np.full(len(z), 5.0), mu, logvar, eps)
    require(agree(flat, 5 + gaussian_kl(mu, logvar)),
            "Where every z costs 5 nats, -ELBO must be 5 + KL, however many draws.")
    still = known(answer, quadratic, mu, logvar, 0 * eps)
    require(agree(still, quadratic(mu) + gaussian_kl(mu, logvar)), "With eps = 0 every draw is mu, and yours is not.")
    require(agree(value, cost(quadratic, mu, logvar, eps)), "It is not the mean over the draws of nll, plus the KL.")
    both = np.concatenate([eps, -eps])
    exact = (mu**2 + np.exp(logvar) * (eps**2).mean(axis=0)).sum(axis=1) + gaussian_kl(mu, logvar)
    require(agree(known(answer, quadratic, mu, logvar, both), exact),
            "For |z|^2 with draws in pairs +eps and -eps the mean is |mu|^2 + |sigma eps|^2; yours differs.")


def fresh(decoder, z):
    return sigmoid(decoder(z))


@exercise(mistakes={
    "You returned the two in the wrong order: first the means, then the draws.":
        lambda decoder, z, u: ((u < fresh(decoder, z)).astype(float), fresh(decoder, z)),
    "The comparison is reversed: a pixel is 1 with probability p, that is where u < p.":
        lambda decoder, z, u: (fresh(decoder, z), (u > fresh(decoder, z)).astype(float)),
    "You rounded the mean; a draw flips a coin for every pixel: u < p.":
        lambda decoder, z, u: (fresh(decoder, z), (fresh(decoder, z) > 0.5).astype(float)),
    "Your draws are the means again. A draw is 0 or 1.": lambda decoder, z, u: (fresh(decoder, z), fresh(decoder, z)),
    "The decoder gives logits: sigmoid turns them into probabilities.":
        lambda decoder, z, u: (decoder(z), (u < decoder(z)).astype(float)),
    "Your means are right but your draws compare u with the logits; compare it with the probabilities.":
        lambda decoder, z, u: (fresh(decoder, z), (u < decoder(z)).astype(float)),
    "Your draws are right, but your means are the logits: sigmoid is missing there.":
        lambda decoder, z, u: (decoder(z), (u < fresh(decoder, z)).astype(float)),
    "You added the noise to the mean, as for a Gaussian; a Bernoulli flips a coin: u < p.":
        lambda decoder, z, u: (fresh(decoder, z), fresh(decoder, z) + u),
    "You used one coin for all the pixels of an image: each pixel has its own u.":
        lambda decoder, z, u: (fresh(decoder, z), (u[:, :1] < fresh(decoder, z)).astype(float)),
    "You used the coins of the first image for all images.":
        lambda decoder, z, u: (fresh(decoder, z), (u[:1] < fresh(decoder, z)).astype(float)),
    "You multiplied the mean by the noise; a coin is a comparison: u < p.":
        lambda decoder, z, u: (fresh(decoder, z), fresh(decoder, z) * u),
})
def new_images(answer, known):
    """(decoder, z (B, Z), u (B, D) uniform on [0, 1)) -> (means E[x|z], draws x ~ p(x|z)), each (B, D)."""
    rng = np.random.default_rng(84)
    W, z, u = rng.standard_normal((3, 6)), rng.standard_normal((5, 3)), rng.random((5, 6))

    def decoder(z):
        return z @ W

    pair = known(answer, decoder, z, u)
    require(isinstance(pair, tuple | list) and len(pair) == 2, "Return two arrays: (means, draws).")
    means, draws = (np.asarray(a) for a in known(answer, decoder, z, u))
    for name, a in (("means", means), ("draws", draws)):
        require(a.shape == (5, 6), f"{name} must have shape (5, 6), one row per image, not {a.shape}.")
    require(agree(means, sigmoid(z @ W)), "The means are not E[x|z] = sigmoid(decoder(z)).")
    require(set(np.unique(draws)) <= {0, 1}, "A draw from a Bernoulli is 0 or 1, nothing between.")
    sure = np.asarray(known(answer, lambda z: np.tile([-80.0, 80.0, 0.0], (len(z), 2)), z, u)[1])
    require((sure[:, [0, 3]] == 0).all() and (sure[:, [1, 4]] == 1).all(),
            "A pixel with probability 0 must never be drawn, one with probability 1 always.")
    require(agree(sure[:, [2, 5]], u[:, [2, 5]] < 0.5), "A pixel with probability 1/2 is 1 where its own u < 1/2.")
    require(agree(draws, u < means), "The draws are not u < p, pixel by pixel.")


# ---- 8.4 the backward of the VAE


def route(dloss, beta, backwards, *, z=1, kl=1, beta_nll=1):
    """The backward of the VAE with a weight for each of its branches: 1 is right, 0 leaves the branch out."""
    dz = backwards["decoder"](backwards["nll"](beta_nll * dloss))
    dmu_z, dlogvar_z = backwards["sample"](dz)
    dmu_kl, dlogvar_kl = backwards["kl"](beta * dloss)
    return backwards["encoder"](z * dmu_z + kl * dmu_kl, z * dlogvar_z + kl * dlogvar_kl)


def crossed(dloss, beta, backwards):
    dmu_z, dlogvar_z = backwards["sample"](backwards["decoder"](backwards["nll"](dloss)))
    dmu_kl, dlogvar_kl = backwards["kl"](beta * dloss)
    return backwards["encoder"](dlogvar_z + dlogvar_kl, dmu_z + dmu_kl)


def half_forked(dloss, beta, backwards, *, of_mu):
    dmu_z, dlogvar_z = backwards["sample"](backwards["decoder"](backwards["nll"](dloss)))
    dmu_kl, dlogvar_kl = backwards["kl"](beta * dloss)
    return backwards["encoder"](dmu_z + dmu_kl * (not of_mu), dlogvar_z + dlogvar_kl * of_mu)


@exercise(mistakes={
    "The gradient of the KL never reaches the encoder: only that of the reconstruction does. A fork adds.":
        lambda *a: route(*a, kl=0),
    "The gradient of the reconstruction never reaches the encoder: only that of the KL does. A fork adds.":
        lambda *a: route(*a, z=0),
    "You subtracted the KL's gradients; a fork adds.": lambda *a: route(*a, kl=-1),
    "beta is missing: the KL's backward is called with beta * dloss.":
        lambda dloss, beta, backwards: route(dloss, 1.0, backwards),
    "beta multiplies both terms here; it belongs to the KL alone.":
        lambda dloss, beta, backwards: route(dloss, beta, backwards, beta_nll=beta),
    "beta multiplies the reconstruction here; it belongs to the KL.":
        lambda dloss, beta, backwards: route(dloss, 1.0, backwards, beta_nll=beta),
    "The two heads are crossed: the encoder's backward takes dmu first, then dlogvar.": crossed,
    "The KL's dmu is lost: at mu, too, the fork adds.": lambda *a: half_forked(*a, of_mu=True),
    "The KL's dlogvar is lost: at logvar, too, the fork adds.": lambda *a: half_forked(*a, of_mu=False),
    "You averaged dloss over the batch once more; the training loop has already done so.":
        lambda dloss, beta, backwards: route(dloss / len(dloss), beta, backwards),
    "You began with ones: backward is given dloss, and must use it.":
        lambda dloss, beta, backwards: route(np.ones_like(dloss), beta, backwards),
})
def way_back(answer, known):
    """(dloss (B,), beta, {"encoder", "sample", "decoder", "nll", "kl": backward}) -> dx, of nll + beta KL."""
    rng = np.random.default_rng(85)
    x, eps, dloss = rng.random((4, 6)), rng.standard_normal((4, 2)), rng.standard_normal(4)
    encoder_net = Sequential(*mlp([6, 5], rng, activation=elu, dtype=np.float64),
                             GaussianHeads(5, 2, rng, dtype=np.float64))
    decoder_net = Sequential(*mlp([2, 5, 6], rng, activation=elu, dtype=np.float64))
    calls = dict.fromkeys(("encoder", "sample", "decoder", "nll", "kl"), 0)

    def counted(name, backward):
        def wrapped(*gradients):
            calls[name] += 1
            return backward(*gradients)

        return wrapped

    (mu, logvar), encoder = encoder_net.forward(x)
    z, sample = reparameterize.forward(mu, logvar, eps=eps)
    logits, decoder = decoder_net.forward(z)
    closures = (encoder, sample, decoder, bernoulli_nll.forward(logits, x=x)[1], gaussian_kl.forward(mu, logvar)[1])
    backwards = {name: counted(name, closure) for name, closure in zip(calls, closures, strict=True)}
    dx = known(answer, dloss, 2.0, backwards)
    right = dict.fromkeys(calls, 1)
    silent = [name for name, n in calls.items() if n == 0]
    require(not silent, f"You never called the backward of: {', '.join(silent)}. No gradient passes through it.")
    require(calls == right, "Call every backward once: a second call adds its gradients a second time.")
    require(np.shape(dx) == x.shape, f"Return what the encoder's backward returns, dx of shape {x.shape}.")
    require(agree(dx, route(dloss, 2.0, backwards)), "dx is not the gradient of nll + beta KL.")
    require(agree(known(answer, dloss, 0.0, backwards), route(dloss, 0.0, backwards)),
            "With beta = 0 only the reconstruction may have a gradient.")
    require(agree(known(answer, 0 * dloss, 2.0, backwards), np.zeros_like(x)), "With dloss = 0 dx must be 0.")
