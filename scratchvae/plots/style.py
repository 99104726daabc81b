"""What all figures share: colours that everyone can tell apart, and how a figure is finished."""

import matplotlib.pyplot as plt

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"     # colour-blind safe, Okabe & Ito 2008
CLASSES = ("#332288", "#88CCEE", "#44AA99", "#117733", "#999933", "#DDCC77", "#CC6677", "#882255", "#AA4499",
           "#000000")       # ten classes, for colour-blind eyes too: Paul Tol's "muted", and black
MARKERS = "os^vD<>pH*"      # and a shape for each, where colours are still similar


def finish(figure, title):
    """The figure with its title, closed."""
    if title:
        figure.suptitle(title, fontsize=15)
    plt.close(figure)               # so that a notebook shows it once: as the value of its cell
    return figure
