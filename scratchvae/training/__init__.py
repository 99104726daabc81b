"""From a model and data to a trained model and its records."""

from .checkpoints import CheckpointError, load_checkpoint, load_parameters, save_checkpoint
from .fit import Interrupted, NonFiniteLoss, example_terms, fit, mean_terms
from .optimizers import SGD, Adam, TextbookAdam, clip_by_norm

__all__ = ["SGD", "Adam", "CheckpointError", "Interrupted", "NonFiniteLoss", "TextbookAdam", "clip_by_norm",
           "example_terms", "fit", "load_checkpoint", "load_parameters", "mean_terms", "save_checkpoint"]
