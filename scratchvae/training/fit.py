"""Training: minibatch in, one step, and after each epoch a record."""

from pathlib import Path

from tqdm.auto import tqdm

from ..backend import make_rng, on_host
from ..checks import require_positive
from ..datasets import binarize_once
from .checkpoints import CheckpointError
from .interrupt import interruptible
from .run import Interrupted, Run
from .schedules import name_of
from .team import Team
from .terms import BITS, labels, mean_terms, term_weights
from .threads import OneThread, Threads, threads_for


def fit(model, x_train, *, optimizer, epochs, x_test=None, y_train=None, y_test=None, batch_size=128, weights=None,
        binarization="none", clip=None, seed=0, checkpoint=None, resume=False, settings=None, workers=1, schedule=None,
        progress=True):
    """Train, and yield one record an epoch:

        {"epoch": 1, "train": {"reconstruction": 128.4, "kl": 20.3}, "test": {...}, "seconds": 2.1,
         "binarization": "none"}

    The terms of the loss apart, each in nats an image (or the unit of the model's distance); "train" is the mean
    over the epoch while the model learned, "test" that of the whole test set after it, with one draw an image.

    x_train, x_test   (N, D), float, or Pixels; in [0, 1] where the likelihood is Bernoulli; on a GPU if the model is
                      there (see backend.py), and then so are the labels
    y_train, y_test   (N,), the labels, for a model whose forward asks for y
    weights           {term: factor in the training loss}, e.g. {"kl": beta}; 1 where not given
    binarization      "dynamic", "static" or "none" (see datasets.py)
    clip              the largest norm of the gradient, or None
    seed              of the order and of all draws: the same seed gives the same bits, on as many cores
    checkpoint        a path; written after each epoch and at Ctrl-C. resume=True goes on from it, if it is there
    settings          JSON-able facts to keep in the checkpoint
    workers           processes that share the work; the same number gives the same bits (see team.py). One process
                      shares large steps among threads (see threads.py)
    schedule          step -> factor of the optimizer's step size (see schedules.py), or None: always 1
    """
    for name, value in {"epochs": epochs, "batch_size": batch_size, "workers": workers,
                        "clip": 1 if clip is None else clip}.items():
        require_positive(**{name: value})
    check_place(model, optimizer, workers, {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test})
    check_data(model, x_train, y_train, "train")
    if x_test is not None:
        check_data(model, x_test, y_test, "test")
    plan = {"batch_size": batch_size, "weights": term_weights(model, weights), "binarization": binarization,
            "clip": clip, "seed": seed, "examples": len(x_train), "lr": optimizer.lr, "workers": workers,
            "schedule": name_of(schedule)}
    team = team_of(model, optimizer, workers, batch_size, x_train, y_train)
    run = Run(model, optimizer, team, plan, checkpoint, settings, schedule)
    if checkpoint is not None and Path(checkpoint).exists():
        if not resume:
            raise CheckpointError(f"checkpoint {checkpoint} is already there; resume=True (--resume) goes on from it, "
                                  "another path starts anew")
        run.load()
    x_train = binarize_once(x_train, binarization, make_rng([seed, BITS], like=x_train))
    with tqdm(total=epochs * run.steps_an_epoch, initial=run.steps_done, unit="step",
              disable=None if progress else True) as bar:
        while run.epoch < epochs:
            with interruptible() as interrupted:
                run.train_an_epoch(x_train, y_train, interrupted, bar.update)
                record = run.close_epoch({} if x_test is None else
                                         mean_terms(model, x_test, binarization, seed, y=y_test))
            bar.set_postfix({name: f"{value:.1f}" for name, value in (record["test"] or record["train"]).items()})
            yield record
            if interrupted():
                raise Interrupted(run.where_it_stopped())


def team_of(model, optimizer, workers, batch_size, x, y):
    """Who takes the steps: several processes, or this one with as many threads as are worth it."""
    if workers > 1:
        return Team(model, optimizer, workers)
    if hasattr(optimizer, "theta") and on_host(model):
        first = slice(1)
        example = {"x": x[first], **labels(y, first), **model.noise(x[first], make_rng(0, like=x))}
        threads = threads_for(model, example, batch_size)
        if threads > 1:
            return Threads(model, optimizer, threads)
    return OneThread(model, optimizer)


def check_data(model, x, y, split):
    """ValueError, in one sentence, unless x is a float matrix that the model can explain, with a label each in y."""
    if x.ndim != 2 or x.dtype != model.dtype or not len(x):
        raise ValueError(f"x_{split} must be of shape (N, D) and {model.dtype} as the model is, "
                         f"but is of shape {x.shape} and {x.dtype}")
    if y is not None and len(y) != len(x):
        raise ValueError(f"y_{split} must have a label for each of {len(x)} examples, but has {len(y)}")
    for start in range(0, len(x), 10_000):
        model.check(x[start:start + 10_000], f"x_{split}")


def check_place(model, optimizer, workers, data):
    """ValueError, in one sentence, unless all arrays lie where the model does, in the computer's memory or a GPU's."""
    here, place = on_host(model), "in the computer's memory" if on_host(model) else "on a GPU"
    for name, a in data.items():
        if a is not None and on_host(a) != here:
            raise ValueError(f"{name} must be {place}, as the model is; to_device and to_host (backend.py) move it")
    if hasattr(optimizer, "theta") and on_host(optimizer.theta.value) != here:
        raise ValueError(f"optimizer must be made when the model is {place} already: it packs what it finds")
    if workers > 1 and not here:
        raise ValueError(f"workers must be 1 on a GPU, but is {workers}")
