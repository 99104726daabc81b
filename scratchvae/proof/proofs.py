"""What is proven: a line for each node and each model of the library, on random shapes, values and seeds."""

import dataclasses

import numpy as np

from .. import core, microbatches, models, nn, probability
from ..probability import flows
from .claim import ProofError
from .collapse import frozen_capacity, frozen_free_bits
from .dreg import dreg_surrogate
from .prove import prove
from .surrogate import stop_gradient


@dataclasses.dataclass
class Draw:
    """A random setting for a proof: sizes as the book names them, and arrays of those sizes."""

    rng: np.random.Generator
    scale: float = 1.0

    def __post_init__(self):
        self.B, self.D, self.H, self.Z = (int(n) for n in self.rng.integers(1, 7, 4))

    def normal(self, *shape):
        return self.scale * self.rng.standard_normal(shape)

    def away_from_0(self, *shape):
        return self.either(-1, 1) * (0.5 + self.rng.random(shape))

    def triangle(self):
        return np.tril(0.3 * self.rng.standard_normal((self.D, self.D)), -1) + np.diag(0.5 + self.rng.random(self.D))

    def pixels(self):
        return self.rng.random((self.B, self.D))

    def data(self):
        """Pixels that a model holds."""
        return self.pixels().astype(np.float32)

    def either(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def vae(self, activation=nn.elu):
        likelihood = self.either(probability.Bernoulli(), probability.Gaussian(0.5), probability.SharedGaussian(0.5),
                                 probability.PixelGaussian(0.3))
        return models.mlp_vae(self.D, [self.H] * self.either(0, 1, 2), self.Z, self.rng, activation=activation,
                              likelihood=likelihood)

    def iwae(self, estimator=models.IWAE):
        return estimator(self.either(self.vae(nn.tanh), self.latent_model()), k=self.either(1, 2, 5))

    def prove_surrogate(self):
        iwae = self.iwae()
        return self.prove_model(iwae, iwae.surrogate, v=self.normal(self.B, iwae.k))

    def prove_dreg(self):
        dreg = self.iwae(models.DReG)
        return self.prove_model(dreg, as_if=dreg_surrogate(dreg))

    def made_vae(self):
        """With a decoder that sees a window of pixels, or all that come before."""
        return models.made_vae((2, self.D), [2 * self.D + self.H] * self.either(0, 1, 2), self.Z, self.rng,
                               radius=self.either(None, 1), activation=nn.tanh)

    def prove_autoregressive(self):
        x = 1.0 * (self.rng.random((self.B, 2 * self.D)) < 0.5)
        seen = {"seen": 1.0 * (self.rng.random(x.shape) < 0.5)} if self.either(True, False) else {}
        return prove(self.made_vae().observation, self.normal(self.B, self.Z), x=x, **seen)

    def prove_dropout(self):
        model = models.DecoderDropout(self.made_vae(), 0.5)
        x = self.rng.random((self.B, 2 * self.D))
        return prove(model, x=x, **model.noise(x, self.rng))

    def kl(self):
        """KLs of each latent, none of them negative, some of them large."""
        return self.normal(self.B, self.Z) ** 2

    def prove_total(self, trained, frozen):
        """A model whose backward is that of `frozen`, a function of kl (B, Z) in which a slope (Z,) is held fixed."""
        def surrogate(*, x, eps):
            plain = models.AnalyticKL(trained.model)
            (nll, _), _ = plain.forward(x=x, eps=eps)
            return nll, frozen(plain.kl_per_latent(x))

        return self.prove_model(trained, as_if=surrogate)

    def prove_straight_through(self):
        soft = self.normal(self.B, self.D)
        return prove(nn.straight_through, soft, hard=np.rint(soft),
                     as_if=lambda soft, hard: soft + stop_gradient(hard - soft))

    def encoder(self):
        """Of x (B, D), which gives a gradient to x."""
        return core.Sequential(*nn.mlp([self.D, self.H], self.rng, activation=nn.tanh),
                               nn.GaussianHeads(self.H, self.Z, self.rng))

    def latent_model(self):
        """A posterior and a prior of which the KL has no formula; they may share the encoder."""
        encoder, observation = self.encoder(), self.vae(nn.tanh).observation
        prior = self.either(self.mixture_prior(), self.vamp_prior(encoder))
        return models.LatentModel(probability.DiagonalGaussian(encoder), observation, prior)

    def mixture_prior(self):
        return probability.GaussianMixturePrior(self.H, self.Z, self.rng)

    def vamp_prior(self, encoder):
        return probability.VampPrior(encoder, self.data(), bounds=self.either(None, (0, 1), (-1, 2)),
                                     learned_weights=self.either(False, True))

    def two_layer_model(self):
        """Of z1 (n,) and z2 (Z,), the one a change of what the other says of it, or not; with a learned prior of z2."""
        n, encoder, first = self.H, self.encoder(), nn.GaussianHeads(self.Z, self.H, self.rng)
        q_z1 = nn.Joined(nn.GaussianHeads(self.D + self.Z, n, self.rng))
        q_z1 = self.either(q_z1, probability.Residual(first, q_z1))
        q_z2 = probability.DiagonalGaussian(encoder)
        posterior = probability.TwoLayerPosterior(q_z2, core.Sequential(nn.tanh), q_z1, n)
        over = self.either(probability.StandardNormal(self.Z), self.vamp_prior(encoder))
        decoder = core.Sequential(nn.Columns(0, n), nn.Linear(n, self.D, self.rng))
        return models.LatentModel(posterior, probability.Observation(decoder, probability.Gaussian(0.5)),
                                  probability.TwoLayerPrior(over, first, n))

    def two_layer_eps(self):
        return self.normal(self.B, self.either(1, 2, 5), self.H + self.Z)

    def prove_draw_first(self):
        posterior = self.two_layer_model().posterior
        return prove(posterior.draw_first, self.normal(self.B, self.D), self.normal(self.B, self.Z),
                     self.normal(self.B, self.H))

    def prove_residual(self):
        change = nn.Joined(nn.GaussianHeads(self.D + self.Z, self.H, self.rng))
        residual = probability.Residual(nn.GaussianHeads(self.Z, self.H, self.rng), change)
        return prove(residual, self.normal(self.B, self.D), self.normal(self.B, self.Z))

    def eps(self):
        return self.normal(self.B, self.either(1, 2, 5), self.Z)

    def prove_posterior(self):
        return prove(probability.DiagonalGaussian(self.encoder()), self.pixels(), self.eps())

    def autoencoder(self, corrupt=None):
        distance = self.either(probability.Bernoulli(), probability.SquaredError())
        return models.mlp_autoencoder(self.D, [self.H] * self.either(0, 1), self.Z, self.rng, activation=nn.tanh,
                                      distance=distance, corrupt=corrupt, tied=self.either(False, True))

    def greys(self, levels):
        """Pixels that lie on levels, the first and the last of them too."""
        return self.rng.integers(0, levels, (self.B, self.D)) / (levels - 1)

    def prove_likelihood(self, likelihood, x):
        return prove(likelihood, self.normal(self.B, self.D * likelihood.outputs), x=x)

    def images(self, channels):
        return self.normal(self.B, 4 + self.D, 4 + self.H, channels)

    def kernel(self):
        """A kernel of 1 to 4 pixels, and how it goes over the image."""
        return {"kernel": self.either(1, 2, 3, 4), "stride": self.either(1, 2, 3), "padding": self.either(0, 1, 2)}

    def convolution(self, layer):
        """A layer and its x. Both choices of the side that is spread out: few channels to many, and many to few."""
        channels = self.either((1, 5), (3, 2))
        return layer(*channels, rng=self.rng, **self.kernel()), self.images(channels[0])

    def prove_layer(self, layer, x):
        """Of a layer whose x is an input; or data, a constant, as if it were built with input_grad=False."""
        layer.input_grad = self.either(True, False)
        return prove(layer, x) if layer.input_grad else prove(layer, x=x)

    def prove_fold(self):
        x, how = self.images(2), self.kernel()
        return prove(nn.fold, nn.unfold(x, **how), size=x.shape[1:3], **how)

    def made(self):
        """Of x (B, D) and a condition (B, Z), in any order."""
        hidden = [self.D + self.H] * self.either(0, 1, 2)
        return nn.MADE(self.D, hidden, self.rng, outputs=self.either(1, 2), n_h=self.Z, activation=nn.tanh,
                       order=self.rng.permutation(self.D), direct=self.either(False, True))

    def one_latent_more(self):
        """So that there are two: a reflection of one is -z, whatever its v, and has no gradient."""
        self.Z += 1
        return self

    def flow_step(self, kind):
        """Of z (B, Z), told h (B, H)."""
        if kind == "IAF":
            net = nn.MADE(self.Z, [self.Z + 1], self.rng, outputs=2, n_h=self.H, activation=nn.tanh)
        else:
            outputs = {"Planar": 2 * self.Z + 1, "Householder": self.Z, "LinearIAF": self.Z * (self.Z - 1) // 2}[kind]
            net = nn.Linear(self.H, outputs, self.rng)
        return getattr(probability, kind)(net)

    def prove_step(self, step):
        return prove(step, self.normal(self.B, self.Z), self.normal(self.B, self.H))

    def flow(self):
        return probability.Flow(*(self.flow_step(self.either(*FLOW_STEPS)) for _ in range(self.either(1, 2, 3))))

    def flow_posterior(self, kind="iaf"):
        encoder = core.Sequential(*nn.mlp([self.D, self.H], self.rng, activation=nn.tanh))
        heads = nn.GaussianHeads(self.H, self.Z, self.rng)
        return models.flow_posterior(kind, encoder, heads, self.rng, activation=nn.tanh)

    def householder_vae(self):
        return models.HouseholderVAE(self.flow_posterior("householder"), self.vae(nn.tanh).observation, self.Z)

    def labels(self, n_classes):
        return self.rng.integers(0, n_classes, self.B)

    def prove_classifier(self):
        model = models.mlp_classifier(self.D, [self.H] * self.either(0, 1), self.Z, self.rng, activation=nn.tanh)
        return prove(model, x=self.pixels(), y=self.labels(self.Z))

    def prove_model(self, model, f=None, **constants):
        x = self.pixels()
        return prove(f or model, x=x, **model.noise(x, self.rng), **constants)


FLOW_STEPS = "Planar", "Householder", "IAF", "LinearIAF"

PROOFS = {
    core.Sequential: lambda t: prove(core.Sequential(*nn.mlp([t.D, t.H, t.Z], t.rng)), t.normal(t.B, t.D)),
    microbatches.MicroBatches: lambda t: prove(
        microbatches.MicroBatches(*nn.mlp([t.D, t.H, t.Z], t.rng), size=t.either(1, 2)), t.normal(t.B, t.D)),
    nn.relu: lambda t: prove(nn.relu, t.normal(t.B, t.D)),
    nn.elu: lambda t: prove(nn.elu, t.normal(t.B, t.D)),
    nn.tanh: lambda t: prove(nn.tanh, t.normal(t.B, t.D)),
    nn.sigmoid: lambda t: prove(nn.sigmoid, t.normal(t.B, t.D)),
    nn.softplus: lambda t: prove(nn.softplus, t.normal(t.B, t.D)),
    nn.Linear: lambda t: t.prove_layer(nn.Linear(t.D, t.H, t.rng), t.normal(t.B, t.D)),
    nn.TiedLinear: lambda t: prove(nn.TiedLinear(nn.Linear(t.D, t.H, t.rng)), t.normal(t.B, t.H)),
    nn.straight_through: lambda t: t.prove_straight_through(),
    nn.unfold: lambda t: prove(nn.unfold, t.images(2), **t.kernel()),
    nn.fold: lambda t: t.prove_fold(),
    nn.flatten: lambda t: prove(nn.flatten, t.images(2)),
    nn.Reshape: lambda t: prove(nn.Reshape(t.H, t.Z, 2), t.normal(t.B, 2 * t.H * t.Z)),
    nn.Conv2d: lambda t: t.prove_layer(*t.convolution(nn.Conv2d)),
    nn.ConvTranspose2d: lambda t: prove(*t.convolution(nn.ConvTranspose2d)),
    nn.Conditioned: lambda t: prove(nn.Conditioned(nn.Linear(t.D + 2, t.H, t.rng)), t.normal(t.B, t.D),
                                    c=t.normal(t.B, 2)),
    nn.MaskedLinear: lambda t: prove(nn.MaskedLinear(t.rng.random((t.D, t.H)) < 0.5, t.rng, n_h=t.Z),
                                     t.normal(t.B, t.D), t.normal(t.B, t.Z)),
    nn.MADE: lambda t: prove(t.made(), t.normal(t.B, t.D), t.normal(t.B, t.Z)),
    nn.Joined: lambda t: prove(nn.Joined(nn.Linear(t.D + t.H, t.Z, t.rng)), t.normal(t.B, t.D), t.normal(t.B, t.H)),
    nn.Columns: lambda t: prove(nn.Columns(*sorted(t.rng.integers(0, t.D + 1, 2))), t.normal(t.B, t.D)),
    nn.GaussianHeads: lambda t: prove(nn.GaussianHeads(t.H, t.Z, t.rng), t.normal(t.B, t.H)),
    probability.reparameterize: lambda t: prove(probability.reparameterize, t.normal(t.B, t.Z), t.normal(t.B, t.Z),
                                                eps=t.normal(t.B, t.Z)),
    probability.gaussian_draw: lambda t: prove(probability.gaussian_draw, *(t.normal(t.B, t.Z) for _ in range(3))),
    probability.DiagonalGaussian: lambda t: t.prove_posterior(),
    flows.planar: lambda t: prove(flows.planar, t.normal(t.B, t.Z), t.normal(t.B, t.Z), t.away_from_0(t.B, t.Z),
                                  t.normal(t.B, 1)),
    flows.householder: lambda t: prove(flows.householder, t.one_latent_more().normal(t.B, t.Z), t.normal(t.B, t.Z)),
    flows.gate: lambda t: prove(flows.gate, *(t.normal(t.B, t.Z) for _ in range(3))),
    flows.shear: lambda t: prove(flows.shear, t.normal(t.B, t.Z), t.normal(t.B, t.Z * (t.Z - 1) // 2)),
    flows.Planar: lambda t: t.prove_step(t.flow_step("Planar")),
    flows.Householder: lambda t: t.prove_step(t.one_latent_more().flow_step("Householder")),
    flows.IAF: lambda t: t.prove_step(t.flow_step("IAF")),
    flows.LinearIAF: lambda t: t.prove_step(t.flow_step("LinearIAF")),
    flows.Flow: lambda t: t.prove_step(t.one_latent_more().flow()),
    flows.FlowPosterior: lambda t: prove(t.flow_posterior(t.either("planar", "iaf", "linear-iaf")), t.pixels(),
                                         t.eps()),
    flows.FlowPosterior.start: lambda t: prove(t.flow_posterior().start, t.pixels(), k=t.either(1, 2, 5)),
    flows.HouseholderPosterior: lambda t: prove(t.one_latent_more().flow_posterior("householder"), t.pixels(),
                                                t.eps()),
    flows.HouseholderPosterior.with_kl: lambda t: prove(t.one_latent_more().flow_posterior("householder").with_kl,
                                                        t.pixels(), eps=t.normal(t.B, t.Z)),
    probability.StandardNormal: lambda t: prove(probability.StandardNormal(t.Z), t.normal(t.B, t.Z)),
    probability.gaussian_mixture_logpdf: lambda t: prove(
        probability.gaussian_mixture_logpdf, t.normal(t.B, t.Z), t.normal(t.H), t.normal(t.H, t.Z), t.normal(t.H, t.Z)),
    probability.GaussianMixturePrior: lambda t: prove(t.mixture_prior(), t.normal(t.B, t.Z)),
    probability.AggregatePosterior: lambda t: prove(probability.AggregatePosterior(t.encoder(), t.data()),
                                                    t.normal(t.B, t.Z)),
    probability.VampPrior: lambda t: prove(t.vamp_prior(t.encoder()), t.normal(t.B, t.Z)),
    probability.TwoLayerPrior: lambda t: prove(t.two_layer_model().prior, t.normal(t.B, t.H + t.Z)),
    probability.TwoLayerPrior.layers: lambda t: prove(t.two_layer_model().prior.layers, t.normal(t.B, t.H + t.Z)),
    probability.TwoLayerPosterior: lambda t: prove(t.two_layer_model().posterior, t.pixels(), t.two_layer_eps()),
    probability.TwoLayerPosterior.layers: lambda t: prove(t.two_layer_model().posterior.layers, t.pixels(),
                                                          t.two_layer_eps()),
    probability.TwoLayerPosterior.draw_first: lambda t: t.prove_draw_first(),
    probability.Residual: lambda t: t.prove_residual(),
    probability.Observation: lambda t: prove(t.vae().observation, t.normal(t.B, t.Z), x=t.pixels()),
    probability.AutoregressiveObservation: lambda t: t.prove_autoregressive(),
    probability.gaussian_kl: lambda t: prove(probability.gaussian_kl, t.normal(t.B, t.Z), t.normal(t.B, t.Z)),
    probability.gaussian_kl_per_latent: lambda t: prove(probability.gaussian_kl_per_latent, t.normal(t.B, t.Z),
                                                        t.normal(t.B, t.Z)),
    probability.monte_carlo_kl: lambda t: prove(probability.monte_carlo_kl, t.normal(t.B, t.Z), t.normal(t.B, t.Z),
                                                eps=t.normal(t.B, t.Z)),
    probability.gaussian_logpdf: lambda t: prove(probability.gaussian_logpdf, *(t.normal(t.B, t.D) for _ in range(3))),
    probability.log_sum_exp: lambda t: prove(probability.log_sum_exp, t.normal(t.B, t.H)),
    probability.log_mean_exp: lambda t: prove(probability.log_mean_exp, t.normal(t.B, t.H)),
    probability.repeat: lambda t: prove(probability.repeat, t.normal(t.B, t.Z), k=t.H),
    probability.multivariate_logpdf: lambda t: prove(probability.multivariate_logpdf, t.normal(t.B, t.D),
                                                     t.normal(t.D), t.triangle()),
    probability.multivariate_kl: lambda t: prove(probability.multivariate_kl, t.normal(t.B, t.D), t.triangle(),
                                                 t.normal(t.B, t.D), t.triangle()),
    probability.gaussian_nll: lambda t: prove(probability.gaussian_nll, t.normal(t.B, t.D), t.normal(t.B, t.D),
                                              x=t.pixels()),
    probability.bernoulli_nll: lambda t: prove(probability.bernoulli_nll, t.normal(t.B, t.D), x=t.pixels()),
    probability.squared_error: lambda t: prove(probability.squared_error, t.normal(t.B, t.D), x=t.pixels()),
    probability.Bernoulli: lambda t: prove(probability.Bernoulli(), t.normal(t.B, t.D), x=t.pixels()),
    probability.Gaussian: lambda t: prove(probability.Gaussian(0.7), t.normal(t.B, t.D), x=t.pixels()),
    probability.bounded_below: lambda t: prove(probability.bounded_below, t.normal(t.B, t.D), low=-0.5),
    probability.bounded_between: lambda t: prove(probability.bounded_between, t.normal(t.B, t.D), low=-0.5, high=2.0),
    probability.SharedGaussian: lambda t: t.prove_likelihood(probability.SharedGaussian(0.7), t.pixels()),
    probability.PixelGaussian: lambda t: t.prove_likelihood(probability.PixelGaussian(0.7), t.pixels()),
    probability.laplace_nll: lambda t: prove(probability.laplace_nll, t.normal(t.B, t.D), t.normal(t.B, t.D),
                                             x=t.pixels()),
    probability.Laplace: lambda t: t.prove_likelihood(probability.Laplace(0.7), t.pixels()),
    probability.continuous_bernoulli_nll: lambda t: prove(probability.continuous_bernoulli_nll,
                                                          t.either(0.1, 1, 10) * t.normal(t.B, t.D), x=t.pixels()),
    probability.ContinuousBernoulli: lambda t: t.prove_likelihood(probability.ContinuousBernoulli(), t.pixels()),
    probability.discretized_logistic_nll: lambda t: prove(
        probability.discretized_logistic_nll, t.normal(t.B, t.D), t.either(-3, 0, 3) + t.normal(t.B, t.D),
        x=t.greys(4), levels=4),
    probability.DiscretizedLogistic: lambda t: t.prove_likelihood(probability.DiscretizedLogistic(5, 0.2), t.greys(5)),
    probability.CategoricalPixels: lambda t: t.prove_likelihood(probability.CategoricalPixels(3), t.greys(3)),
    probability.softmax: lambda t: prove(probability.softmax, t.normal(t.B, t.Z)),
    probability.categorical_nll: lambda t: prove(probability.categorical_nll, t.normal(t.B, t.Z), y=t.labels(t.Z)),
    probability.SquaredError: lambda t: prove(probability.SquaredError(), t.normal(t.B, t.D), x=t.pixels()),
    models.Autoencoder: lambda t: t.prove_model(t.autoencoder()),
    models.DenoisingAutoencoder: lambda t: t.prove_model(t.autoencoder(corrupt=models.gaussian_noise)),
    models.Classifier: lambda t: t.prove_classifier(),
    models.TableEncoder: lambda t: prove(models.TableEncoder(t.B, t.Z), t.normal(2 * t.B, t.D)),
    models.VAE: lambda t: t.prove_model(t.vae()),
    models.VAE.negative_elbo: lambda t: (vae := t.vae()) and t.prove_model(vae, vae.negative_elbo, beta=4.0),
    models.HouseholderVAE: lambda t: t.prove_model(t.one_latent_more().householder_vae()),
    models.LatentModel: lambda t: t.prove_model(t.either(t.latent_model(), t.two_layer_model())),
    models.LatentModel.log_weights: lambda t: prove(t.latent_model().log_weights, t.eps(), x=t.pixels()),
    models.LatentModel.log_joint: lambda t: prove(t.latent_model().log_joint, t.normal(t.B, t.Z), x=t.pixels()),
    models.sum_of_latents: lambda t: prove(models.sum_of_latents, t.kl()),
    models.AnalyticKL: lambda t: t.prove_model(models.AnalyticKL(t.vae(nn.tanh))),
    models.free_bits: lambda t: prove(models.free_bits, t.kl(), nats=0.5, groups=t.either(1, t.Z),
                                      as_if=frozen_free_bits),
    models.FreeBits: lambda t: t.prove_total(models.FreeBits(t.vae(nn.tanh), 0.1), lambda kl: frozen_free_bits(
        kl, nats=0.1, groups=t.Z)),
    models.kl_at_capacity: lambda t: prove(models.kl_at_capacity, t.kl(), gamma=3.0, nats=1.0,
                                           as_if=frozen_capacity),
    models.Capacity: lambda t: t.prove_total(models.Capacity(t.vae(nn.tanh), 3.0, lambda step: 0.2),
                                             lambda kl: frozen_capacity(kl, gamma=3.0, nats=0.2)),
    models.DecoderDropout: lambda t: t.prove_dropout(),
    models.ByLayer: lambda t: t.prove_model(models.ByLayer(t.two_layer_model())),
    models.IWAE: lambda t: t.prove_model(t.iwae()),
    models.IWAE.surrogate: lambda t: t.prove_surrogate(),
    models.DReG: lambda t: t.prove_dreg(),
}


def prove_all(seed=0, draws=3):
    """Yield (name, worst complex-step error, worst central-difference error, the ProofError or None) for each line."""
    for thing, proof in PROOFS.items():
        try:
            found = [proof(Draw(np.random.default_rng([seed, i]))) for i in range(draws)]
            worst = max(p.complex_step for p in found), max(p.central_difference for p in found)
            yield thing.__qualname__, *worst, None
        except ProofError as error:
            yield thing.__qualname__, np.nan, np.nan, error
