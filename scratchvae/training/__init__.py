"""From a model and data to a trained model and its records."""

from .checkpoints import CheckpointError, load_checkpoint, load_parameters, save_checkpoint
from .fit import fit
from .optimizers import SGD, Adam, TextbookAdam, clip_by_norm
from .run import Interrupted, NonFiniteLoss
from .terms import example_terms, mean_terms

__all__ = ["SGD", "Adam", "CheckpointError", "Interrupted", "NonFiniteLoss", "TextbookAdam", "clip_by_norm",
           "example_terms", "fit", "load_checkpoint", "load_parameters", "mean_terms", "save_checkpoint"]
