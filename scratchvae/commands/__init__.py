"""What the command line does: a file for each command, with its options and its work."""

from ..faces import lazily

COMMANDS = {
    "train": "train a model; leaves checkpoint, history and pictures in a folder",
    "evaluate": "measure a trained model: bounds, rate and distortion, active units ...",
    "check": "prove every backward pass of the library",
    "results": "train and measure the networks of the papers, an hour or two",
}
__getattr__, __dir__ = lazily(__name__, dict.fromkeys(COMMANDS, ("",)))
