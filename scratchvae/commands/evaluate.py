"""`scratchvae evaluate RUN`: measure what `train` has left in a folder."""

import sys
from pathlib import Path

import numpy as np

from ..book.trained import recall
from ..datasets import LEVELS, DataError, load, pixels
from ..evaluation import as_json, as_table, report
from ..models import mlp_classifier
from ..training import load_checkpoint, load_parameters
from .models import SETTINGS, build
from .options import positive


def add_to(command):
    """The options of `evaluate`."""
    command.set_defaults(run=run)
    command.description = (
        "Measure the model of a run. The folder then holds evaluation.md, the table that is printed, and "
        "evaluation.json, in which every number says what it is, of which images, and from how many draws.")
    add = command.add_argument
    add("run_folder", metavar="RUN", help="the folder that `train` left")
    add("--samples", type=positive(int), default=100, help="k of the importance-weighted bound L_k")
    add("--images", type=positive(int), help="how many images; all, if not given")
    add("--split", choices=("test", "train"), default="test", help="which images")
    add("--seed", type=int, help="of all draws; that of the training, if not given")


def run(arguments):
    """Measure the model in the folder `run`: a table there and on the screen, and the same as JSON."""
    a, folder = arguments, Path(arguments.run_folder)
    if a.seed is not None and a.seed < 0:
        raise ValueError(f"seed must be at least 0, but is {a.seed}")
    _, facts = load_checkpoint(folder / "checkpoint.npz")
    settings, plan = facts.get("settings") or {}, facts.get("plan") or {}
    if not set(SETTINGS) <= set(settings):
        raise ValueError(f"RUN must be the folder of a `scratchvae train`, but {folder} does not say from what its "
                         "model is rebuilt")
    data, seed = settings["data"], plan["seed"] if a.seed is None else a.seed
    images = load(data)
    x = pixels(images.x_test if a.split == "test" else images.x_train, LEVELS[data])[:a.images]
    model = build(settings, x.shape[1], np.random.default_rng(0))
    load_parameters(model, folder / "checkpoint.npz")
    entries = report(model, x, data=data, split=a.split, binarization=plan["binarization"], samples=a.samples,
                     seed=seed, features=classifier_features(data))
    table = f"# {folder.name}\n\n{as_table(entries)}"
    (folder / "evaluation.md").write_text(table)
    (folder / "evaluation.json").write_text(as_json(entries))
    print(table, end="")
    return 0


def classifier_features(data):
    """The features of chapter 4's classifier, of Fashion-MNIST; None for other data, or where it cannot be read."""
    if data != "fashion-mnist":
        return None
    classifier = mlp_classifier(784, [256, 64], 10, np.random.default_rng(0))
    try:
        recall("04_classifier", classifier)
    except DataError as error:
        print(f"scratchvae: no Frechet distance: {error}", file=sys.stderr)
        return None
    return classifier.features
