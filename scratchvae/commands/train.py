"""`scratchvae train`: train a model into a folder, evaluate it there, draw it."""

import json
from pathlib import Path

import numpy as np

from ..backend import to_device, to_host
from ..datasets import BINARIZATIONS, LEVELS, load, pixels
from ..evaluation import as_json, evaluate
from ..training import Adam, cosine, draw_each, fit, linear, load_checkpoint, step_decay, stop_early, warm_up
from .models import DENSITIES, LOSSES, SETTINGS, SIZES, build
from .options import positive

WITH_BETA = ("vae", "conv-vae")
WITH_DENSITIES = ("vae", "iwae")
POSTERIORS, PRIORS = ("gaussian", "planar", "householder", "iaf", "linear-iaf"), ("normal", "mixture", "vamp")
SCHEDULES = {        # --schedule: the number of all steps -> the schedule
    "constant": lambda steps: None,
    "step-decay": lambda steps: step_decay(every=-(-steps // 3)),
    "cosine": lambda steps: cosine(steps=steps),
    "warm-up": lambda steps: warm_up(steps=-(-steps // 10)),
}


def add_to(command):
    """The options of `train`."""
    command.set_defaults(run=run)
    command.description = (
        "Train a model. The folder --out then holds checkpoint.npz, history.jsonl (a record an epoch), evaluation.json "
        "(the test set, in nats an image) and the pictures. Ctrl-C saves and stops.")
    add = command.add_argument
    add("--model", choices=tuple(SIZES), default="vae",
        help="variational autoencoder, importance-weighted autoencoder, the vae with convolutions (of 28 x 28 pixels), "
             "autoencoder, or denoising autoencoder")
    add("--data", choices=tuple(LEVELS), default="fashion-mnist", help="the data set")
    add("--hidden", type=positive(int), nargs="*", help="widths of the hidden layers (vae and iwae: 400, ae: 256)")
    add("--latents", type=positive(int), help="width of the code z (vae and iwae: 20, conv-vae: 10, ae: 64, dae: 256)")
    add("--loss", choices=LOSSES, default="bernoulli",
        help="-log p(x|z) for the vae (all but squared-error) and the conv-vae; the distance for ae and dae "
             "(bernoulli, squared-error); categorical has 256 outputs a pixel, on digits 17")
    add("--posterior", choices=POSTERIORS, default=DENSITIES["posterior"],
        help="q(z|x) of the vae and the iwae: a diagonal Gaussian, or one with a flow behind it")
    add("--prior", choices=PRIORS, default=DENSITIES["prior"],
        help="p(z) of the vae and the iwae: N(0, I), a mixture of Gaussians, or a VampPrior")
    add("--components", type=positive(int), default=DENSITIES["components"],
        help="components of the mixture, pseudo-inputs of the VampPrior")
    add("--draws", type=positive(int), default=5, help="k, the draws of z for each image, of the iwae")
    add("--sigma", type=positive(float), default=0.3,
        help="standard deviation of --loss gaussian; where gaussian-shared and laplace begin to learn theirs")
    add("--noise", choices=("gaussian", "mask"), default="gaussian", help="how the dae's images are corrupted")
    add("--epochs", type=positive(int), default=10, help="how often every image is seen")
    add("--batch", type=positive(int), default=128, help="images a step")
    add("--lr", type=positive(float), default=1e-3, help="step size of Adam")
    add("--schedule", choices=tuple(SCHEDULES), default="constant",
        help="the step size over time: as it is; halved twice on the way; down to 0 along a cosine; up from 0 at first")
    add("--patience", type=positive(int), help="stop when so many epochs in a row have not improved the test terms")
    add("--pictures", action="store_true", help="draw reconstructions after every epoch, into OUT/progress")
    add("--beta", type=positive(float), default=1.0, help="weight of the KL term of the vae; 1 is the ELBO")
    add("--kl-warm-up", type=positive(int), metavar="EPOCHS",
        help="the weight of the KL term of the vae rises linearly from 0 to beta in so many epochs")
    add("--clip", type=positive(float), help="largest norm of the gradient")
    add("--binarization", choices=BINARIZATIONS, default="none",
        help="black-and-white pixels drawn for every batch, drawn once, or grey ones as they are")
    add("--seed", type=int, default=0, help="of weights, order and noise; the same seed gives the same bits")
    add("--workers", type=positive(int), default=1, help="processes that share each batch (Linux on x86-64)")
    add("--device", choices=("cpu", "gpu"), default="cpu", help="where it is computed; a GPU is used through CuPy")
    add("--out", default=None, help="the folder (default: runs/MODEL-DATA)")
    add("--resume", action="store_true", help="go on with the run in --out, if there is one")


def run(arguments):
    """Train, evaluate on the whole test set, draw; everything is left in the folder `out`."""
    a = complete(arguments)
    settings, folder = {name: getattr(a, name) for name in (*SETTINGS, *DENSITIES)}, Path(a.out)
    images = load(a.data)
    x_train, x_test = (pixels(x, LEVELS[a.data]) for x in (images.x_train, images.x_test))
    model = build(settings, x_train.shape[1], np.random.default_rng(a.seed), x_train)
    print(f"{a.model} on {a.data}: {sum(p.value.size for p in model.parameters().values())} parameters, "
          f"{len(x_train)} images of {x_train.shape[1]} pixels -> {folder}", flush=True)
    if a.device == "gpu":
        model, x_train, x_test = to_device(model), to_device(x_train), to_device(x_test)
    steps_an_epoch = -(-len(x_train) // a.batch)
    steps = a.epochs * steps_an_epoch
    records = fit(model, x_train, x_test=x_test, optimizer=Adam(model, a.lr), epochs=a.epochs, batch_size=a.batch,
                  weights=weights(a, steps_an_epoch), binarization=a.binarization, clip=a.clip,
                  seed=a.seed, checkpoint=folder / "checkpoint.npz", resume=a.resume, settings=settings,
                  workers=a.workers, schedule=SCHEDULES[a.schedule](steps))
    for record in watched(records, model, x_test, folder, a):
        print(describe(record), flush=True)
    leave(to_host(model), to_host(x_test), folder, a)
    return 0


def weights(arguments, steps_an_epoch):
    """The weight of the KL, a number or a schedule; None for a model that has no such term."""
    a = arguments
    if a.model not in WITH_BETA:
        return None
    return {"kl": linear(steps=a.kl_warm_up * steps_an_epoch, stop=a.beta) if a.kl_warm_up else a.beta}


def complete(arguments):
    """The arguments, with what was not given; ValueError, on one line, for what does not go together."""
    a, (hidden, latents) = arguments, SIZES[arguments.model]
    if a.model not in WITH_BETA and a.beta != 1:
        raise ValueError(f"beta is the weight of the KL of a vae; the {a.model} has none")
    if a.model not in WITH_BETA and a.kl_warm_up:
        raise ValueError(f"kl-warm-up is for the KL of a vae; the {a.model} has none")
    for name, usual in DENSITIES.items():
        if a.model not in WITH_DENSITIES and getattr(a, name) != usual:
            raise ValueError(f"{name} is an option of {' and '.join(WITH_DENSITIES)}, not of the {a.model}")
    if a.seed < 0:
        raise ValueError(f"seed must be at least 0, but is {a.seed}")
    a.hidden, a.latents = hidden if a.hidden is None else a.hidden, a.latents or latents
    a.out = a.out or f"runs/{a.model}-{a.data}"
    return a


def watched(records, model, x_test, folder, arguments):
    """The records, with what the arguments ask for done on the way."""
    if arguments.pictures:
        from .pictures import after_epoch

        records = draw_each(records, after_epoch(model, x_test[:16]), folder / "progress")
    return stop_early(records, arguments.patience) if arguments.patience else records


def describe(record):
    """A record as a line."""
    def sides(split):
        return " ".join(f"{name} {value:.2f}" for name, value in record[split].items())

    return f"epoch {record['epoch']:3d}   train {sides('train')}   test {sides('test')}   {record['seconds']:.1f} s"


def leave(model, x_test, folder, arguments):
    """The ledger of the test set, the history as lines of JSON, and every picture that the model can give."""
    from .pictures import draw_run  # here: nothing else that this command does needs matplotlib

    a = arguments
    entry = evaluate(model, x_test, data=a.data, binarization=a.binarization, seed=a.seed)
    print(entry)
    (folder / "evaluation.json").write_text(as_json([entry]))
    _, facts = load_checkpoint(folder / "checkpoint.npz")
    (folder / "history.jsonl").write_text("".join(json.dumps(record) + "\n" for record in facts["records"]))
    pictures = draw_run(model, x_test, facts["records"], entry.unit, a.seed, folder)
    print(f"pictures: {', '.join(map(str, pictures))}")
