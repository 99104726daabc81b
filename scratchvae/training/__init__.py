"""From a model and data to a trained model and its records."""

from .checkpoints import CheckpointError, load_checkpoint, load_parameters, save_checkpoint
from .fit import fit
from .flat import pack
from .optimizers import SGD, Adam, TextbookAdam, clip_by_norm
from .run import Interrupted, NonFiniteLoss
from .schedules import constant, cosine, stairs, warm_up
from .terms import example_terms, mean_terms
from .watch import draw_each, held_out, keep_best, stop_early

__all__ = ["SGD", "Adam", "CheckpointError", "Interrupted", "NonFiniteLoss", "TextbookAdam", "clip_by_norm", "constant",
           "cosine", "draw_each", "example_terms", "fit", "held_out", "keep_best", "load_checkpoint",
           "load_parameters", "mean_terms", "pack", "save_checkpoint", "stairs", "stop_early", "warm_up"]
