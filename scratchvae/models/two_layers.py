"""A VAE whose latents stand in two layers, z = [z1, z2].     Tomczak & Welling 2018"""

from collections.abc import Sequence

import numpy as np

from ..core import Module, Sequential
from ..nn import Columns, GaussianHeads, Joined, Linear, mlp, relu
from ..probability import (
    Bernoulli,
    DiagonalGaussian,
    Likelihood,
    Observation,
    Residual,
    TwoLayerPosterior,
    TwoLayerPrior,
)
from .latent import LatentModel
from .priors import make_prior, pseudo_inputs


class ByLayer(LatentModel):
    """The same model, trained on the same -ELBO, with the KL of each layer as a term of its own.

    So each has a weight of its own, e.g. fit(ByLayer(model), ..., weights={"kl_2": warm_up(...)}). posterior and prior
    must have `layers`, as TwoLayerPosterior and TwoLayerPrior do.
    """

    terms = ("reconstruction", "kl_1", "kl_2")

    def __init__(self, model: LatentModel):
        super().__init__(model.posterior, model.observation, model.prior)
        self.model = model

    @property
    def one_draw(self):
        """The model that it trains."""
        return self.model

    def parameters(self):
        """Those of the model that it trains, under their names there."""
        return self.model.parameters()

    def forward(self, *, x, eps, **condition):
        """(-log p(x|z), log q(z1|x, z2) - log p(z1|z2), log q(z2|x) - log p(z2)), each (B,), in nats; eps (B, Z)."""
        (z, log_q1, log_q2), posterior_backward = self.posterior.layers(x, eps[:, None], **condition)
        nll, observation_backward = self.observation.forward(z, x=x, **condition)
        (log_p1, log_p2), prior_backward = self.prior.layers(z, **condition)

        def backward(dnll, dkl_1, dkl_2):
            dz = observation_backward(dnll) + prior_backward(-dkl_1, -dkl_2)
            posterior_backward(dz, dkl_1, dkl_2)

        return (nll, log_q1 - log_p1, log_q2 - log_p2), backward


def mlp_two_layer_vae(n_x: int, hidden: Sequence[int], n_latents: tuple[int, int], rng: np.random.Generator, *,
                      activation: Module = relu, likelihood: Likelihood | None = None, prior: str = "normal",
                      n_components: int = 500, images: np.ndarray | None = None, residual: bool = True,
                      skip: bool = True, dtype: type = np.float32) -> LatentModel:
    """n_latents = (Z1, Z2), every network with the widths `hidden`: mlp_two_layer_vae(784, [300, 300], (40, 40), rng)

        q(z2|x)        x - hidden - (mu, logvar)              p(z2)           by its name, see make_prior
        q(z1|x, z2)    [x - hidden, z2] - H - (mu, logvar)    p(z1|z2)        z2 - hidden reversed - (mu, logvar)
                                                              p(x|z1, z2)     [z1, z2] - hidden reversed - x

    H         the last of the hidden widths
    residual  q(z1|x, z2) is a change of p(z1|z2), see Residual
    skip      the decoder reads z2 too; if False, only z1: p(x|z1)
    images    (N, n_x), at some of which the pseudo-inputs of prior="vamp" start, or None: nearly black
    """
    (n1, n2), likelihood = n_latents, likelihood or Bernoulli()
    there, back = [n_x, *hidden], [*reversed(hidden)]
    options = {"rng": rng, "activation": activation, "dtype": dtype}
    top, features = gaussian_net(there, n2, input_grad=False, **options), mlp(there, input_grad=False, **options)
    change = Joined(gaussian_net([there[-1] + n2, *hidden[-1:]], n1, **options))
    first = gaussian_net([n2, *back], n1, **options)
    read = [n1 + n2 if skip else n1, *back]
    decoder = [*([] if skip else [Columns(0, n1)]), *mlp(read, **options),
               Linear(read[-1], n_x * likelihood.outputs, rng, dtype=dtype)]
    u = pseudo_inputs(n_components, n_x, rng, images) if prior == "vamp" else None
    p_z2 = make_prior(prior, n2, rng, n_components=n_components, encoder=top, u=u, dtype=dtype)
    q_z1 = Residual(first, change) if residual else change
    return LatentModel(TwoLayerPosterior(DiagonalGaussian(top), Sequential(*features), q_z1, n1),
                       Observation(Sequential(*decoder), likelihood), TwoLayerPrior(p_z2, first, n1))


def gaussian_net(sizes, n_latents, rng, *, activation, input_grad=True, dtype):
    """Through the widths `sizes` to (mu, logvar), each (B, n_latents)."""
    return Sequential(*mlp(sizes, rng, activation=activation, input_grad=input_grad, dtype=dtype),
                      GaussianHeads(sizes[-1], n_latents, rng, dtype=dtype))
