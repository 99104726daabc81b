"""What the command line does: a file for each command, with its options and its work."""

from . import check, evaluate, results, train

COMMANDS = (train, evaluate, check, results)
