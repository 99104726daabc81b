"""`python -m scratchvae train`, `evaluate`, `check` and `results`."""

import argparse
import sys

from . import __version__
from .commands import COMMANDS
from .commands.options import Parser
from .datasets import DataError
from .training import CheckpointError, NonFiniteLoss

EXAMPLES = """
examples:
  python -m scratchvae train                                         a VAE learns Fashion-MNIST, half a minute
  python -m scratchvae train --data mnist --latents 2                with a latent plane to look at
  python -m scratchvae train --model dae --noise mask                an autoencoder that repairs images
  python -m scratchvae train --model conv-vae --loss squared-error --beta 5 --lr 5e-4 --epochs 20 --pictures
                                                                     the convolutional VAE of many lessons
  python -m scratchvae train --model iwae --data mnist --binarization dynamic --draws 5
                                                                     the importance-weighted autoencoder
  python -m scratchvae train --out runs/mine --epochs 20 --resume    go on with a run that was stopped
  python -m scratchvae evaluate runs/mine                            bounds, rate, active units ... of the test set
  python -m scratchvae check                                         every backward pass, proven
"""


def parser():
    """The command line, which explains itself."""
    top = Parser(prog="python -m scratchvae", description="Variational autoencoders by hand, in NumPy.",
                 epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"scratchvae {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    for command in COMMANDS:
        command.add_to(subparsers)
    return top


def main(argv=None):
    """Run a command; its exit status. What the user can mend is said in one sentence."""
    arguments = parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, CheckpointError, DataError, NonFiniteLoss) as error:
        print(f"scratchvae: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        print(f"\nscratchvae: {stop if str(stop) else 'stopped; every finished epoch is saved'}; "
              "--resume goes on from there", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
