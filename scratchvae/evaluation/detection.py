"""How well a score separates two kinds of examples."""

import numpy as np


def auc(scores, odd_scores):
    """P(a score of the odd kind is higher than one of the usual kind), the area under the ROC curve; ties count 1/2.

    scores (N,), odd_scores (M,) -> a number: 1/2 for a score without information, 1 for a perfect one.
    Computed from ranks, as Mann & Whitney 1947; nothing is assumed about the shape of the two distributions.
    """
    order = np.sort(scores)
    below = np.searchsorted(order, odd_scores, side="left")
    not_above = np.searchsorted(order, odd_scores, side="right")
    return float((below + not_above).mean() / (2 * len(scores)))
