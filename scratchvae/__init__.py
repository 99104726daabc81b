"""Variational autoencoders by hand: NumPy layers whose backward passes are written out, and proven.

    import scratchvae as sv
    vae = sv.models.mlp_vae(784, [400], 20, np.random.default_rng(0))

Each room is imported when it is first asked for.
"""

from .faces import lazily

__version__ = "0.1.0"

ROOMS = ("backend", "book", "core", "datasets", "evaluation", "models", "nn", "plots", "probability", "proof",
         "training")
__getattr__, __dir__ = lazily(__name__, dict.fromkeys(ROOMS, ("",)))
