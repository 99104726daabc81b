"""The command line: `scratchvae`, or `python -m scratchvae`, with train, evaluate, check and results."""

import argparse
import importlib
import sys
from pathlib import Path

from . import __version__
from .commands import COMMANDS
from .commands.options import Formatter, Parser

EXAMPLES = {
    "train": "a VAE learns Fashion-MNIST, half a minute",
    "train --data mnist --latents 2": "with a latent plane to draw",
    "train --model dae --noise mask": "an autoencoder that repairs images",
    "train --model conv-vae --loss squared-error --beta 5 --lr 5e-4 --epochs 20 --pictures":
        "the convolutional VAE of many lessons",
    "train --model iwae --data mnist --binarization dynamic --draws 5": "the importance-weighted autoencoder",
    "train --out runs/mine --epochs 20 --resume": "go on with a run that was stopped",
    "evaluate runs/mine": "bounds, rate, active units ... of the test set",
    "check": "every backward pass, proven",
}


def program():
    """What the user typed to get here."""
    return "python -m scratchvae" if Path(sys.argv[0]) == Path(__file__) else "scratchvae"


def parser(arguments):
    """The command line, which explains itself; of the commands, only those among the arguments are imported."""
    lines = (f"  {program()} {command}\n      {what}\n" for command, what in EXAMPLES.items())
    top = Parser(prog=program(), description="Variational autoencoders by hand, in NumPy.",
                 epilog=f"examples:\n{''.join(lines)}", formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"scratchvae {__version__}")
    subparsers = top.add_subparsers(title="commands", metavar="COMMAND", dest="command", parser_class=Parser)
    for name, what in COMMANDS.items():
        command = subparsers.add_parser(name, help=what, formatter_class=Formatter)
        if name in arguments:
            importlib.import_module(f".commands.{name}", __package__).add_to(command)
    return top


def main(argv=None):
    """Run a command; its exit status. What the user can correct is said in one sentence."""
    argv = sys.argv[1:] if argv is None else argv
    top = parser(argv)
    arguments = top.parse_args(argv)
    if arguments.command is None:
        top.print_help()
        return 0
    try:
        return arguments.run(arguments)
    except errors_of_the_user() as error:
        print(f"scratchvae: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\nscratchvae: {stop if str(stop) else 'stopped; every finished epoch is saved'}; "
              "--resume goes on from there", file=sys.stderr)
        return 130


def errors_of_the_user():
    """The exceptions whose message is for the user."""
    from .datasets import DataError  # here: --help needs no NumPy
    from .training import CheckpointError, NonFiniteLoss

    return ValueError, CheckpointError, DataError, NonFiniteLoss


if __name__ == "__main__":
    sys.exit(main())
