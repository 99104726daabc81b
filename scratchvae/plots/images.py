"""Images in rows and columns: reconstructions, new samples, and paths from one code to another."""

import io
import math

import matplotlib.pyplot as plt
import numpy as np

from ..evaluation import traverse
from .style import finish


def tile(images, columns):
    """Flat square images (N, D) as one picture, `columns` per row, one black pixel apart."""
    side = math.isqrt(images.shape[1])
    rows = -(-len(images) // columns)
    sheet = np.zeros((rows * columns, side, side), images.dtype)
    sheet[:len(images)] = images.reshape(-1, side, side)
    framed = np.pad(sheet, ((0, 0), (0, 1), (0, 1)))
    return framed.reshape(rows, columns, side + 1, side + 1).swapaxes(1, 2).reshape(rows * (side + 1), -1)


def png(x, scale=10):
    """One flat square image (D,), grey from 0 to 1, as the bytes of a PNG file of scale x scale per pixel."""
    side = math.isqrt(x.size)
    file = io.BytesIO()
    enlarged = np.kron(x.reshape(side, side), np.ones((scale, scale), x.dtype))
    plt.imsave(file, enlarged, cmap="gray", vmin=0, vmax=1, format="png")
    return file.getvalue()


def show_images(panels, columns, title=""):
    """{label: images (N, D)}: one panel per label, side by side, or one above the other if columns > 10."""
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
    """The images x (N, D), N up to about 16, above their reconstructions by the model."""
    return show_images({"originals x": x, "reconstructions": np.clip(model.reconstruct(x), 0, 1)}, len(x), title)


def samples(model, rng, n=64, title="New images from the prior"):
    """n new images, z ~ p(z): the means E[x|z], and draws x ~ p(x|z) at the same z."""
    draws, z = model.sample(n, rng)
    means = model.decode(z)
    columns = math.isqrt(n)
    return show_images({"means E[x|z]": np.clip(means, 0, 1), "draws x ~ p(x|z)": np.clip(draws, 0, 1)}, columns, title)


def strips(rows, ticks, xlabel="", title=""):
    """{label: images (T, D)}: one row of images per label, with ticks (T,) under the columns."""
    columns = len(ticks)
    sheet = tile(np.concatenate(list(rows.values())), columns)
    height, width = sheet.shape
    figure, axis = plt.subplots(figsize=(10, 9 * height / width + 0.9), layout="constrained")
    axis.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axis.set_xticks((np.arange(columns) + 0.5) * width / columns, [f"{tick:.3g}" for tick in ticks])
    axis.set_yticks((np.arange(len(rows)) + 0.5) * height / len(rows), list(rows))
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.set_xlabel(xlabel)
    return finish(figure, title)


def traversals(model, z, dimensions, values, title="One latent at a time"):
    """E[x|z] where one latent of z (Z,) takes the values (columns) and the others are fixed: one row per dimension."""
    rows = {f"z{j + 1}": np.clip(model.decode(traverse(z, j, values)), 0, 1) for j in dimensions}
    return strips(rows, values, "value of the latent", title)
