"""A model from what the command line, or a checkpoint, says of it."""

from ..datasets import LEVELS
from ..models import IWAE, conv_vae, flow_vae, gaussian_noise, mask_noise, mlp_autoencoder, mlp_prior_vae
from ..probability import (
    Bernoulli,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    SharedGaussian,
    SquaredError,
)

SIZES = {            # --model: (hidden, latents), unless told otherwise
    "vae": ([400], 20),
    "iwae": ([400], 20),
    "conv-vae": ([], 10),
    "ae": ([256], 64),
    "dae": ([], 256),
}
LIKELIHOODS = {      # --loss of a vae: (sigma, levels of grey) -> the likelihood
    "bernoulli": lambda sigma, levels: Bernoulli(),
    "gaussian": lambda sigma, levels: Gaussian(sigma),
    "gaussian-shared": lambda sigma, levels: SharedGaussian(sigma),
    "laplace": lambda sigma, levels: Laplace(sigma),
    "continuous-bernoulli": lambda sigma, levels: ContinuousBernoulli(),
    "discretized-logistic": lambda sigma, levels: DiscretizedLogistic(levels),
    "categorical": lambda sigma, levels: CategoricalPixels(levels),
}
DISTANCES = {"bernoulli": Bernoulli(), "squared-error": SquaredError()}       # --loss of an autoencoder
LOSSES = (*LIKELIHOODS, "squared-error")
SETTINGS = ("model", "data", "hidden", "latents", "loss", "sigma", "noise", "draws")     # what a model is rebuilt from
DENSITIES = {"posterior": "gaussian", "prior": "normal", "components": 100}              # and a vae or an iwae of these


def build(settings, n_x, rng, images=None):
    """The model that the settings describe; a VampPrior starts from some of the images (N, n_x)."""
    s = DENSITIES | settings
    allowed = {"vae": LIKELIHOODS, "iwae": LIKELIHOODS, "conv-vae": LOSSES}.get(s["model"], DISTANCES)
    if s["loss"] not in allowed:
        raise ValueError(f"loss of the {s['model']} must be one of {', '.join(allowed)}, but is {s['loss']}")
    if s["model"] == "conv-vae":
        return build_conv_vae(s, n_x, rng)
    if s["model"] in ("vae", "iwae"):
        return build_latent_model(s, n_x, rng, images)
    corrupt = {"gaussian": gaussian_noise, "mask": mask_noise}[s["noise"]] if s["model"] == "dae" else None
    return mlp_autoencoder(n_x, s["hidden"], s["latents"], rng, distance=DISTANCES[s["loss"]], corrupt=corrupt)


def build_latent_model(s, n_x, rng, images):
    """The vae or the iwae, with the prior and the posterior that the settings name."""
    likelihood = LIKELIHOODS[s["loss"]](s["sigma"], LEVELS[s["data"]] + 1)
    model = mlp_prior_vae(n_x, s["hidden"], s["latents"], rng, likelihood=likelihood, prior=s["prior"],
                          n_components=s["components"], images=images)
    if s["posterior"] != "gaussian":
        model = flow_vae(model, s["posterior"], rng)
    return IWAE(model, s["draws"]) if s["model"] == "iwae" else model


def build_conv_vae(s, n_x, rng):
    """The convolutional VAE that the settings describe."""
    if n_x != 784:
        raise ValueError(f"the conv-vae is made for 28 x 28 pixels, not for {s['data']}")
    if s["hidden"]:
        raise ValueError("hidden widths are for the other models; the layers of the conv-vae are given")
    if s["loss"] == "squared-error":
        return conv_vae(s["latents"], rng, likelihood=SquaredError())
    return conv_vae(s["latents"], rng, likelihood=LIKELIHOODS[s["loss"]](s["sigma"], LEVELS[s["data"]] + 1))
