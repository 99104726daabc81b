"""The latent plane: what its points decode to, and where the data lie on it."""

import math
import statistics

import matplotlib.pyplot as plt
import numpy as np

from .images import tile
from .style import CLASSES, MARKERS, finish


def manifold(model, columns=20, title="The latent plane, decoded"):
    """E[x|z] on a grid over the plane of a model with 2 latents, evenly spaced in probability under N(0, I).

    Kingma & Welling 2014, figure 4. Raises ValueError unless Z = 2.
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


def latent_map(z, labels, names=None, title="The codes, by class"):
    """Codes z (N, 2) as dots; each of up to 10 labels (N,) has a colour, a marker and a name (by default its number).

    The name is written at the medians of the class. Raises ValueError for other shapes, or more than 10 labels.
    """
    classes = np.unique(labels)
    if z.shape[1] != 2 or len(classes) > len(CLASSES):
        raise ValueError(f"z must be (N, 2) and labels at most {len(CLASSES)} classes, but there are {z.shape[1]} "
                         f"latents and {len(classes)} classes")
    figure, axis = plt.subplots(figsize=(8, 7), layout="constrained")
    for k, colour, marker in zip(classes, CLASSES, MARKERS, strict=False):
        name, mine = str(k) if names is None else names[k], z[labels == k]
        axis.scatter(*mine.T, s=12, color=colour, marker=marker, alpha=0.6, linewidths=0, label=name)
        axis.text(*np.median(mine, axis=0), name, fontsize=12, weight="bold", ha="center", va="center", zorder=3,
                  bbox={"facecolor": "white", "edgecolor": colour, "linewidth": 2, "boxstyle": "round,pad=0.2"})
    axis.set_xlabel("z1")
    axis.set_ylabel("z2")
    axis.set_aspect("equal")
    for handle in axis.legend(loc="center left", bbox_to_anchor=(1, 0.5), markerscale=2.5).legend_handles:
        handle.set_alpha(1)
    return finish(figure, title)
