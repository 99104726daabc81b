"""From a model and data to a trained model and its records."""

from .checkpoints import CheckpointError, load_checkpoint, load_parameters, model_arrays, save_checkpoint
from .diagnose import NonFiniteLoss
from .epoch import Interrupted
from .fit import fit
from .flat import pack
from .optimizers import SGD, Adam, TextbookAdam, clip_by_norm
from .plain import plain_fit
from .schedules import constant, cosine, cyclical, linear, step_decay, warm_up
from .terms import example_terms, mean_terms
from .watch import draw_each, held_out, keep_best, stop_early

__all__ = ["SGD", "Adam", "CheckpointError", "Interrupted", "NonFiniteLoss", "TextbookAdam", "clip_by_norm", "constant",
           "cosine", "cyclical", "draw_each", "example_terms", "fit", "held_out", "keep_best", "linear",
           "load_checkpoint", "load_parameters", "mean_terms", "model_arrays", "pack", "plain_fit", "save_checkpoint",
           "step_decay", "stop_early", "warm_up"]
