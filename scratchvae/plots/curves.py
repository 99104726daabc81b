"""Curves and points: learning curves, sweeps, the rate-distortion plane."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from .style import BLUE, GREEN, GREY, ORANGE, finish


def learning_curves(records, title="Learning", unit="nats"):
    """Each term of the loss and their sum over the epochs, on train and test: records as `fit` yields them."""
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


def sweep(values, curves, xlabel, ylabel="nats an image", log=False, title=""):
    """{label: numbers (T,)} or {label: (numbers, standard errors)}: one curve per label, over the values (T,) tried."""
    figure, axis = plt.subplots(figsize=(8, 4.4), layout="constrained")
    looks = zip((BLUE, ORANGE, GREEN, GREY, "black"), ("o-", "s--", "^-.", "D:", "v-"), strict=True)
    for (label, curve), (colour, style) in zip(curves.items(), looks, strict=False):
        y, error = curve if isinstance(curve, tuple) else (curve, None)
        axis.errorbar(values, y, error, fmt=style, color=colour, markersize=5, capsize=3, label=label)
    if log:
        axis.set_xscale("log")
    axis.set_xticks(values, [f"{value:g}" for value in values])
    axis.minorticks_off()
    axis.set_xlabel(xlabel)
    axis.set_ylabel(ylabel)
    axis.grid(alpha=0.3)
    axis.legend()
    return finish(figure, title)


def rate_distortion_plane(rates, distortions, labels, title="Rate and distortion"):
    """One labelled dot per model at (rate E KL, distortion -E log p(x|z)), in nats, joined by a line in this order.

    Along each grey line the sum, -ELBO, is constant.     Alemi et al. 2018
    """
    rates, distortions = np.asarray(rates), np.asarray(distortions)
    figure, axis = plt.subplots(figsize=(7.5, 5), layout="constrained")
    axis.plot(rates, distortions, "o-", color=BLUE, markersize=6)
    for rate, distortion, label in zip(rates, distortions, labels, strict=True):
        axis.annotate(label, (rate, distortion), (7, 6), textcoords="offset points")
    axis.margins(0.12)
    left, right, low, high = edges = axis.axis()
    for total in MaxNLocator(9).tick_values(left + low, right + high):
        axis.axline((left, total - left), slope=-1, color=GREY, linewidth=0.9, linestyle=":")
        x = right - 0.02 * (right - left)
        if 0.03 < (total - x - low) / (high - low) < 0.97:
            axis.text(x, total - x, f"-ELBO {total:g}", color="#555555", fontsize=9, ha="right", va="center",
                      bbox={"facecolor": "white", "edgecolor": "none", "pad": 1})
    axis.axis(edges)
    axis.set_xlabel("rate: KL, nats an image")
    axis.set_ylabel("distortion: reconstruction, nats an image")
    return finish(figure, title)
