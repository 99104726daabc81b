"""A classifier: features of x, and a probability for each class."""

from collections.abc import Sequence

import numpy as np

from ..core import Module, Sequential
from ..nn import Linear, mlp, relu
from ..probability import categorical_nll, softmax
from .model import Model


class Classifier(Model):
    """p(y|x) = softmax(h W + b),  h = features(x).

    `body` is the node that computes the features, `head` the affine layer from them to the logits.
    """

    terms = ("cross_entropy",)
    quantity = "cross-entropy"

    def __init__(self, body: Module, head: Module):
        self.body = body
        self.head = head

    def forward(self, *, x, y):
        """(-log p(y|x),), in nats, of shape (B,); x (B, D), labels y (B,), whole numbers."""
        h, body_backward = self.body.forward(x)
        logits, head_backward = self.head.forward(h)
        nll, nll_backward = categorical_nll.forward(logits, y=y)

        def backward(dnll):
            dlogits = nll_backward(dnll)
            dh = head_backward(dlogits)
            body_backward(dh)

        return (nll,), backward

    def features(self, x: np.ndarray) -> np.ndarray:
        """The values of the last hidden layer, (B, H)."""
        return self.body(x)

    def probabilities(self, x: np.ndarray) -> np.ndarray:
        """p(y|x) for every class, (B, K)."""
        return softmax(self.head(self.features(x)))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """The most probable class, (B,), int64."""
        return self.head(self.features(x)).argmax(axis=1)

    def accuracy(self, x: np.ndarray, y: np.ndarray) -> float:
        """The share of x (B, D) whose most probable class is y (B,)."""
        return float((self.predict(x) == y).mean())


def mlp_classifier(n_x: int, hidden: Sequence[int], n_classes: int, rng: np.random.Generator, *,
                   activation: Module = relu, dtype: type = np.float32) -> Classifier:
    """n_x - hidden - n_classes, e.g. mlp_classifier(784, [256, 64], 10, rng); with no hidden layer, softmax regression.

    The features are the last hidden layer, or x itself if there is none.
    """
    widths = [n_x, *hidden]
    body = Sequential(*mlp(widths, rng, activation=activation, dtype=dtype))
    return Classifier(body, Linear(widths[-1], n_classes, rng, dtype=dtype))
