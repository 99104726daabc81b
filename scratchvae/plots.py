"""Every figure of the book. Each function takes numbers and returns a matplotlib Figure, shown nowhere yet."""

import math
import statistics

import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"     # colour-blind safe, Okabe & Ito 2008


def tile(images, columns):
    """Flat square images (N, D) as one picture, `columns` to a row, with a black pixel between them."""
    side = math.isqrt(images.shape[1])
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * columns, side, side), images.dtype)
    sheet[:len(images)] = images.reshape(-1, side, side)
    framed = np.pad(sheet, ((0, 0), (0, 1), (0, 1)))
    return framed.reshape(rows, columns, side + 1, side + 1).swapaxes(1, 2).reshape(rows * (side + 1), -1)


def show_images(panels, columns, title=""):
    """{label: images (N, D)}: one sheet of pictures a label, side by side or, if wide, one above the other."""
    wide = columns > 10
    shape = (len(panels), 1) if wide else (1, len(panels))
    sheets = [tile(images, columns) for images in panels.values()]
    height, width = sheets[0].shape
    scale = (10 if wide else 10 / len(panels)) / width
    size = (10, (height * scale + 0.4) * (len(panels) if wide else 1) + 0.3)
    figure, axes = plt.subplots(*shape, figsize=size, squeeze=False, layout="constrained")
    for axis, label, sheet in zip(axes.flat, panels, sheets, strict=True):
        axis.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.set_title(label, fontsize=13)
        axis.axis("off")
    return finish(figure, title)


def reconstructions(model, x, title="Originals and reconstructions"):
    """The images x (N, D), N up to about 16, above what the model makes of them."""
    return show_images({"originals x": x, "reconstructions": np.clip(model.reconstruct(x), 0, 1)}, len(x), title)


def samples(model, rng, n=64, title="New images from the prior"):
    """n new images, z ~ N(0, I): their means E[x|z], and draws x ~ p(x|z), of the same z."""
    means, draws = model.sample(n, rng)
    columns = math.isqrt(n)
    return show_images({"means E[x|z]": np.clip(means, 0, 1), "draws x ~ p(x|z)": np.clip(draws, 0, 1)}, columns, title)


def manifold(model, columns=20, title="The latent plane, decoded"):
    """E[x|z] on a grid over the plane of a model with 2 latents, evenly spaced in the prior's probability.

    Kingma & Welling 2014, figure 4.
    """
    if model.n_latents != 2:
        raise ValueError(f"model must have 2 latents to draw its plane, but has {model.n_latents}")
    quantile = statistics.NormalDist().inv_cdf
    ticks = np.array([quantile((i + 0.5) / columns) for i in range(columns)], np.float32)
    z = np.stack(np.meshgrid(ticks, ticks[::-1]), axis=-1).reshape(-1, 2)
    figure, axis = plt.subplots(figsize=(7, 7), layout="constrained")
    axis.imshow(np.clip(tile(model.decode(z), columns), 0, 1), cmap="gray", vmin=0, vmax=1)
    places = np.linspace(0, columns - 1, 5).round().astype(int)
    side = math.isqrt(model.decode(z[:1]).shape[1]) + 1
    centers, labels = (places + 0.5) * side, [f"{ticks[i]:.1f}" for i in places]
    axis.set_xticks(centers, labels)
    axis.set_yticks(centers, labels[::-1])
    axis.grid(visible=False)
    axis.set_xlabel("z1")
    axis.set_ylabel("z2")
    return finish(figure, title)


def learning_curves(records, title="Learning", unit="nats"):
    """Each term of the loss by itself, and their sum, over the epochs: train and test."""
    terms = list(records[0]["train"])
    panels = terms if len(terms) == 1 else [*terms, "sum"]
    figure, axes = plt.subplots(1, len(panels), figsize=(1 + 4 * len(panels), 3.6), squeeze=False, layout="constrained")
    epochs = [record["epoch"] for record in records]
    for axis, panel in zip(axes.flat, panels, strict=True):
        for split, colour, style in (("train", BLUE, "o-"), ("test", ORANGE, "s--")):
            if records[0][split]:
                values = [sum(r[split].values()) if panel == "sum" else r[split][panel] for r in records]
                axis.plot(epochs, values, style, color=colour, markersize=4, label=split)
        axis.set_title(" + ".join(terms) if panel == "sum" else panel, fontsize=13)
        axis.set_xlabel("epoch")
        axis.set_ylabel(f"{unit} an image")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.grid(alpha=0.3)
        axis.legend()
    return finish(figure, title)


def finish(figure, title):
    """The figure with its title, closed."""
    if title:
        figure.suptitle(title, fontsize=15)
    plt.close(figure)               # so that a notebook shows it once: as the value of its cell
    return figure
