"""What the command line does: train a model into a folder, evaluate it there, and prove the library."""

import copy
import json
import sys
from pathlib import Path

import numpy as np

from . import plots
from .backend import to_device, to_host
from .datasets import LEVELS, DataError, load, pixels
from .evaluation import as_json, as_table, evaluate, report
from .models import conv_vae, gaussian_noise, mask_noise, mlp_autoencoder, mlp_classifier, mlp_vae
from .probability import (
    Bernoulli,
    Categorical,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    SharedGaussian,
    SquaredError,
)
from .proofs import prove_all
from .trained import recall
from .training import (
    Adam,
    cosine,
    draw_each,
    fit,
    load_checkpoint,
    load_parameters,
    stairs,
    stop_early,
    warm_up,
)

SIZES = {"vae": ([400], 20), "conv-vae": ([], 10), "ae": ([256], 64), "dae": ([], 256)}      # (hidden, latents)
VAES = ("vae", "conv-vae")
SCHEDULES = {        # --schedule: the number of all steps -> the schedule
    "constant": lambda steps: None,
    "stairs": lambda steps: stairs(every=-(-steps // 3)),
    "cosine": lambda steps: cosine(steps=steps),
    "warm-up": lambda steps: warm_up(steps=-(-steps // 10)),
}
LIKELIHOODS = {      # --loss of a vae: (sigma, levels of grey) -> the likelihood
    "bernoulli": lambda sigma, levels: Bernoulli(),
    "gaussian": lambda sigma, levels: Gaussian(sigma),
    "gaussian-shared": lambda sigma, levels: SharedGaussian(sigma),
    "laplace": lambda sigma, levels: Laplace(sigma),
    "continuous-bernoulli": lambda sigma, levels: ContinuousBernoulli(),
    "discretized-logistic": lambda sigma, levels: DiscretizedLogistic(levels),
    "categorical": lambda sigma, levels: Categorical(levels),
}
DISTANCES = {"bernoulli": Bernoulli(), "squared-error": SquaredError()}       # --loss of an autoencoder
LOSSES = (*LIKELIHOODS, "squared-error")
SETTINGS = ("model", "data", "hidden", "latents", "loss", "sigma", "noise")    # what a model is rebuilt from


def train(arguments):
    """Train, evaluate on the whole test set, draw; everything is left in the folder `out`."""
    a = arguments
    if a.model not in VAES and a.beta != 1:
        raise ValueError(f"beta is the weight of the KL of a vae; the {a.model} has none")
    if a.seed < 0:
        raise ValueError(f"seed must be at least 0, but is {a.seed}")
    hidden, latents = SIZES[a.model]
    a.hidden, a.latents = hidden if a.hidden is None else a.hidden, a.latents or latents
    settings = {name: getattr(a, name) for name in SETTINGS}
    folder = Path(a.out or f"runs/{a.model}-{a.data}")
    checkpoint = folder / "checkpoint.npz"
    images = load(a.data)
    x_train, x_test = (pixels(x, LEVELS[a.data]) for x in (images.x_train, images.x_test))
    model = build(settings, x_train.shape[1], np.random.default_rng(a.seed))
    print(f"{a.model} on {a.data}: {sum(p.value.size for p in model.parameters().values())} parameters, "
          f"{len(x_train)} images of {x_train.shape[1]} pixels -> {folder}", flush=True)
    if a.device == "gpu":
        model, x_train, x_test = to_device(model), to_device(x_train), to_device(x_test)
    steps = a.epochs * -(-len(x_train) // a.batch)
    records = fit(model, x_train, x_test=x_test, optimizer=Adam(model, a.lr), epochs=a.epochs, batch_size=a.batch,
                  weights={"kl": a.beta} if a.model in VAES else None, binarization=a.binarization, clip=a.clip,
                  seed=a.seed, checkpoint=checkpoint, resume=a.resume, settings=settings,
                  workers=a.workers, schedule=SCHEDULES[a.schedule](steps))
    records = watched(records, model, x_test, folder, a)
    for record in records:
        print(describe(record), flush=True)
    model, x_test = to_host(model), to_host(x_test)
    entry = evaluate(model, x_test, data=a.data, binarization=a.binarization, seed=a.seed)
    print(entry)
    (folder / "evaluation.json").write_text(as_json([entry]))
    draw(model, x_test, folder, a.seed, entry.unit)
    return 0


def watched(records, model, x_test, folder, arguments):
    """The records, with what the arguments ask for done on the way."""
    def picture(record):
        here = to_host(copy.deepcopy(model))                    # wherever it goes on learning
        return plots.reconstructions(here, to_host(x_test[:16]), f"After epoch {record['epoch']}")

    if arguments.pictures:
        records = draw_each(records, picture, folder / "progress")
    return stop_early(records, arguments.patience) if arguments.patience else records


def build(settings, n_x, rng):
    """The model that the settings describe."""
    s = settings
    allowed = {"vae": LIKELIHOODS, "conv-vae": LOSSES}.get(s["model"], DISTANCES)
    if s["loss"] not in allowed:
        raise ValueError(f"loss of the {s['model']} must be one of {', '.join(allowed)}, but is {s['loss']}")
    if s["model"] == "conv-vae":
        return build_conv_vae(s, n_x, rng)
    if s["model"] == "vae":
        likelihood = LIKELIHOODS[s["loss"]](s["sigma"], LEVELS[s["data"]] + 1)
        return mlp_vae(n_x, s["hidden"], s["latents"], rng, likelihood=likelihood)
    corrupt = {"gaussian": gaussian_noise, "mask": mask_noise}[s["noise"]] if s["model"] == "dae" else None
    return mlp_autoencoder(n_x, s["hidden"], s["latents"], rng, distance=DISTANCES[s["loss"]], corrupt=corrupt)


def build_conv_vae(s, n_x, rng):
    """The convolutional VAE that the settings describe."""
    if n_x != 784:
        raise ValueError(f"the conv-vae is made for 28 x 28 pixels, not for {s['data']}")
    if s["hidden"]:
        raise ValueError("hidden widths are for the other models; the layers of the conv-vae are given")
    if s["loss"] == "squared-error":
        return conv_vae(s["latents"], rng, likelihood=SquaredError())
    return conv_vae(s["latents"], rng, likelihood=LIKELIHOODS[s["loss"]](s["sigma"], LEVELS[s["data"]] + 1))


def describe(record):
    """A record as a line."""
    def sides(split):
        return " ".join(f"{name} {value:.2f}" for name, value in record[split].items())

    return f"epoch {record['epoch']:3d}   train {sides('train')}   test {sides('test')}   {record['seconds']:.1f} s"


def draw(model, x_test, folder, seed, unit):
    """The history as lines of JSON, and every picture that the model can give."""
    _, facts = load_checkpoint(folder / "checkpoint.npz")
    (folder / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in facts["records"]))
    figures = {"reconstructions": plots.reconstructions(model, x_test[:16]),
               "learning": plots.learning_curves(facts["records"], unit=unit)}
    if hasattr(model, "sample") and hasattr(model.likelihood, "sample"):
        figures["samples"] = plots.samples(model, np.random.default_rng(seed))
        if model.n_latents == 2:
            figures["manifold"] = plots.manifold(model)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=120)
    print(f"pictures: {', '.join(f'{folder / name}.png' for name in figures)}")


def evaluate_run(arguments):
    """Measure the model in the folder `run`: a table there and on the screen, and the same as JSON."""
    a, folder = arguments, Path(arguments.run_folder)
    _, facts = load_checkpoint(folder / "checkpoint.npz")
    settings, plan = facts.get("settings") or {}, facts.get("plan") or {}
    if not set(SETTINGS) <= set(settings):
        raise ValueError(f"RUN must be the folder of a `python -m scratchvae train`, but {folder} does not say from "
                         "what its model is rebuilt")
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
    """The features of chapter 4's classifier, of Fashion-MNIST; None for other data, or where it is not to be had."""
    if data != "fashion-mnist":
        return None
    classifier = mlp_classifier(784, [256, 64], 10, np.random.default_rng(0))
    try:
        recall("04_classifier", classifier)
    except DataError as error:
        print(f"scratchvae: no Frechet distance: {error}", file=sys.stderr)
        return None
    return classifier.features


def check(arguments):
    """Print the table of proofs; 1 if one of them fails."""
    failures = []
    print(f"{'backward of':28s}{'complex step':>14s}{'central difference':>20s}")
    for name, complex_step, central, error in prove_all(arguments.seed):
        print(f"{name:28s}{complex_step:14.1e}{central:20.1e}   {'proven' if error is None else 'WRONG'}")
        if error is not None:
            failures.append(error)
    for error in failures:
        print(error)
    return 1 if failures else 0
