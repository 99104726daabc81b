"""Every figure of the book. Each function takes numbers and returns a matplotlib Figure without displaying it."""

from .curves import learning_curves, rate_distortion_plane, sweep
from .images import png, reconstructions, samples, show_images, strips, tile, traversals
from .latent import latent_map, manifold
from .style import BLUE, GREEN, GREY, ORANGE, finish

__all__ = ["BLUE", "GREEN", "GREY", "ORANGE", "finish", "latent_map", "learning_curves", "manifold", "png",
           "rate_distortion_plane", "reconstructions", "samples", "show_images", "strips", "sweep", "tile",
           "traversals"]
