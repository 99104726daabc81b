"""`python -m scratchvae train`, `evaluate`, `check` and `results`."""

import argparse
import sys

from . import __version__, commands
from .datasets import BINARIZATIONS, LEVELS, DataError
from .results import results
from .training import CheckpointError, NonFiniteLoss

EXAMPLES = """
examples:
  python -m scratchvae train                                         a VAE learns Fashion-MNIST, half a minute
  python -m scratchvae train --data mnist --latents 2                with a latent plane to look at
  python -m scratchvae train --model dae --noise mask                an autoencoder that repairs images
  python -m scratchvae train --model conv-vae --loss squared-error --beta 5 --lr 5e-4 --epochs 20 --pictures
                                                                     the convolutional VAE of many lessons
  python -m scratchvae train --out runs/mine --epochs 20 --resume    go on with a run that was stopped
  python -m scratchvae evaluate runs/mine                            bounds, rate, active units ... of the test set
  python -m scratchvae check                                         every backward pass, proven
"""


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message):
        sys.exit(f"{self.prog}: {message}; --help explains all options")


def positive(kind):
    """The type of an option that must be a positive int or float."""
    def convert(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    convert.__name__ = f"positive {'whole number' if kind is int else 'number'}"
    return convert


def parser():
    """The command line, which explains itself."""
    top = Parser(prog="python -m scratchvae", description="Variational autoencoders by hand, in NumPy.",
                 epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--version", action="version", version=f"scratchvae {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, parser_class=Parser)
    add_train(subparsers)
    add_evaluate(subparsers)
    check = subparsers.add_parser("check", help="prove every backward pass of the library",
                                  description="Prove the backward of every node and model: a table with the error of "
                                              "each against the complex step (at most 1e-12) and central differences.")
    check.add_argument("--seed", type=int, default=0, help="of the random shapes and values")
    check.set_defaults(run=commands.check)
    add_results(subparsers)
    return top


def add_train(subparsers):
    """The options of `train`."""
    train = subparsers.add_parser(
        "train", help="train a model; leaves checkpoint, history and pictures in a folder",
        description="Train a model. The folder --out then holds checkpoint.npz, history.jsonl (a record an epoch), "
                    "evaluation.json (the test set, in nats an image) and the pictures. Ctrl-C saves and stops.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = train.add_argument
    add("--model", choices=tuple(commands.SIZES), default="vae",
        help="variational autoencoder, the same with convolutions (of 28 x 28 pixels), autoencoder, or denoising "
             "autoencoder")
    add("--data", choices=tuple(LEVELS), default="fashion-mnist", help="the data set")
    add("--hidden", type=positive(int), nargs="*", help="widths of the hidden layers (vae: 400, ae: 256, dae: none)")
    add("--latents", type=positive(int), help="width of the code z (vae: 20, conv-vae: 10, ae: 64, dae: 256)")
    add("--loss", choices=commands.LOSSES, default="bernoulli",
        help="-log p(x|z) for the vae (all but squared-error) and the conv-vae; the distance for ae and dae "
             "(bernoulli, squared-error); categorical has 256 outputs a pixel, on digits 17")
    add("--sigma", type=positive(float), default=0.3,
        help="standard deviation of --loss gaussian; where gaussian-shared and laplace begin to learn theirs")
    add("--noise", choices=("gaussian", "mask"), default="gaussian", help="how the dae's images are corrupted")
    add("--epochs", type=positive(int), default=10, help="how often every image is seen")
    add("--batch", type=positive(int), default=128, help="images a step")
    add("--lr", type=positive(float), default=1e-3, help="step size of Adam")
    add("--schedule", choices=tuple(commands.SCHEDULES), default="constant",
        help="the step size over time: as it is; halved twice on the way; down to 0 along a cosine; up from 0 at first")
    add("--patience", type=positive(int), help="stop when so many epochs in a row have not improved the test terms")
    add("--pictures", action="store_true", help="draw reconstructions after every epoch, into OUT/progress")
    add("--beta", type=positive(float), default=1.0, help="weight of the KL term of the vae; 1 is the ELBO")
    add("--clip", type=positive(float), help="largest norm of the gradient")
    add("--binarization", choices=BINARIZATIONS, default="none",
        help="black-and-white pixels drawn for every batch, drawn once, or grey ones as they are")
    add("--seed", type=int, default=0, help="of weights, order and noise; the same seed gives the same bits")
    add("--workers", type=positive(int), default=1, help="processes that share each batch (Linux on x86-64)")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="where it is computed; a GPU is used through CuPy")
    add("--out", default=None, help="the folder (default: runs/MODEL-DATA)")
    add("--resume", action="store_true", help="go on with the run in --out, if there is one")
    train.set_defaults(run=commands.train)


def add_evaluate(subparsers):
    """The options of `evaluate`."""
    evaluate = subparsers.add_parser(
        "evaluate", help="measure a trained model: bounds, rate and distortion, active units ...",
        description="Measure the model of a run. The folder then holds evaluation.md, the table that is printed, and "
                    "evaluation.json, in which every number says what it is, of which images, and from how many draws.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = evaluate.add_argument
    add("run_folder", metavar="RUN", help="the folder that `train` left")
    add("--samples", type=positive(int), default=100, help="k of the importance-weighted bound L_k")
    add("--images", type=positive(int), help="how many images; all, if not given")
    add("--split", choices=("test", "train"), default="test", help="which images")
    add("--seed", type=int, help="of all draws; that of the training, if not given")
    evaluate.set_defaults(run=commands.evaluate_run)


def add_results(subparsers):
    """The options of `results`."""
    command = subparsers.add_parser(
        "results", help="train and measure the networks of the papers, an hour or two",
        description="Train the networks of the papers with the settings in scratchvae/experiments.py, measure -L_5000 "
                    "on the whole test sets, keep weights and records in data/trained/ and print the table of the "
                    "README. What is interrupted goes on from its checkpoints.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    add = command.add_argument
    add("--samples", type=positive(int), default=5000, help="draws of z an image for the bound")
    add("--workers", type=positive(int), default=2, help="networks trained at a time, each on one thread")
    add("--out", default="runs/results", help="the folder of the checkpoints")
    command.set_defaults(run=results)


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
