"""One step of a training, whoever computes it: batch, forward, mean loss, backward, step of the optimizer."""

import numpy as np

from .diagnose import NonFiniteLoss, first_nonfinite


def take_step(executor, turns, examples, rows, rng, *, weights, rate=1, clip=None):
    """For each turn:  theta <- theta - optimizer(gradient of L),   L = 1/B sum_b sum_t w_t term_t(x_b)

    rows      (B,), which examples are in the batch; rng draws their dynamic bits and the noise, anew for each turn
    weights   {term: w}
    rate      factor of each optimizer's step size, in this step
    clip      the largest norm of the gradient, or None

    -> {term: its sum over the batch}. NonFiniteLoss, with the name of a node, before any parameter is changed by it.
    """
    sums = {}
    for method, names, optimizer in turns:
        if len(turns) > 1:
            clear_gradients(executor.model)                                     # of what another turn has left in them
        constants = draw(executor, examples, rows, rng)
        with np.errstate(all="ignore"):                                         # it is said below, better
            terms, backward = executor.forward(method, constants)               # one (B,) for each name
        totals = [float(term.sum()) for term in terms]
        if not np.isfinite(totals).all():
            raise NonFiniteLoss(first_nonfinite(executor.model, method, constants))
        backward(*(np.full_like(term, weights[name] / len(rows)) for name, term in zip(names, terms, strict=True)))
        sums |= zip(names, executor.all_reduce(totals), strict=True)
        lr, optimizer.lr = optimizer.lr, optimizer.lr * rate
        executor.update(optimizer, clip)                                        # afterwards the gradient is zero
        optimizer.lr = lr
    executor.after_step(constants)
    return sums


def draw(executor, examples, rows, rng):
    """What forward is given: the rows of the batch that this process computes, their dynamic bits, and the noise."""
    batch = examples.batch(executor.rows(rows), rng)
    return batch | executor.model.noise(batch["x"], rng)


def clear_gradients(model):
    """Set every gradient of the model to zero."""
    for p in model.parameters().values():
        p.zero_grad()
