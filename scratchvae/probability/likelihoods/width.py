"""The width of a bell around mu: one Parameter for all pixels, or one output of the decoder for each."""

import numpy as np


def with_one_width(nll, mu, log_width, *, x):
    """nll.forward at a log-width that is one Parameter of shape (1,): it is broadcast, so its gradient is a sum."""
    value, nll_backward = nll.forward(mu, np.zeros_like(mu) + log_width.value, x=x)

    def backward(dnll):
        dmu, dlog_width = nll_backward(dnll)
        log_width.grad += dlog_width.sum()
        return dmu

    return value, backward


def halves(y):
    """The two outputs for each pixel: y (B, 2 D) -> (B, D) and (B, D)."""
    if y.ndim != 2 or y.shape[1] % 2:
        raise ValueError(f"y must have two outputs for each pixel, shape (B, 2 D), but has {y.shape}")
    D = y.shape[1] // 2
    return y[:, :D], y[:, D:]
