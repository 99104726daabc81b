"""Optimizers, schedules and first weights are those of PyTorch."""

import math

import numpy as np
import pytest
from agreement import tensor, torch

from scratchvae.core import Module, Parameter
from scratchvae.nn import Conv2d, ConvTranspose2d, glorot_uniform, he_normal
from scratchvae.training import SGD, Adam, TextbookAdam, clip_by_norm, constant, cosine, step_decay, warm_up
from scratchvae.training.optimizers import BLOCK


class Two(Module):
    """Two parameters, together longer than what an optimizer takes at a time."""

    def __init__(self, rng):
        self.a = Parameter(rng.standard_normal((300, BLOCK // 250)))
        self.b = Parameter(rng.standard_normal(7))


def gradients(step, p, rng):
    """Noise over eight powers of ten, sometimes nothing at all, and a pull towards 0."""
    scale = 10.0 ** rng.integers(-6, 3)
    return 0 * p.value if 100 < step < 200 else scale * rng.standard_normal(p.value.shape) + 0.01 * p.value


@pytest.mark.parametrize(("ours", "theirs", "settings"), [
    (Adam, "Adam", {"lr": 0.02}),
    (Adam, "Adam", {"lr": 0.001, "beta1": 0.8, "beta2": 0.95, "eps": 1e-3}),
    (TextbookAdam, "Adam", {"lr": 0.02}),
    (SGD, "SGD", {"lr": 0.01}),
    (SGD, "SGD", {"lr": 0.01, "momentum": 0.9}),
])
def test_five_hundred_steps(ours, theirs, settings):
    rng = np.random.default_rng(0)
    module = Two(rng)
    twins = {name: tensor(p.value) for name, p in module.parameters().items()}
    renamed = dict(settings)
    if "beta1" in settings:
        renamed["betas"] = renamed.pop("beta1"), renamed.pop("beta2")
    optimizer, their_optimizer = ours(module, **settings), getattr(torch.optim, theirs)(twins.values(), **renamed)
    for step in range(500):
        for name, p in module.parameters().items():
            g = gradients(step, p, rng)
            p.grad += g
            twins[name].grad = tensor(g)
        optimizer.step()
        their_optimizer.step()
    for name, p in module.parameters().items():
        np.testing.assert_allclose(p.value, twins[name].numpy(), rtol=1e-10, atol=1e-10)
        assert not p.grad.any()


def test_clipping_is_that_of_torch_but_for_the_millionth_it_adds_to_the_norm():
    for limit in (0.5, 1e3):
        rng = np.random.default_rng(1)
        theta, twin = Parameter(np.zeros(50)), torch.zeros(50, dtype=torch.float64, requires_grad=True)
        theta.grad[:] = rng.standard_normal(50)
        twin.grad = tensor(theta.grad)
        norm = clip_by_norm(theta, limit)
        assert norm == pytest.approx(float(torch.nn.utils.clip_grad_norm_([twin], limit)), rel=1e-14)
        added = (norm + 1e-6) / norm if norm > limit else 1
        np.testing.assert_allclose(theta.grad, added * twin.grad.numpy(), rtol=1e-13)


def rates(make, steps):
    """What a scheduler of PyTorch does to a learning rate of 1, step by step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    for _ in range(steps):
        yield scheduler.get_last_lr()[0]
        optimizer.step()
        scheduler.step()


SCHEDULERS = torch.optim.lr_scheduler


@pytest.mark.parametrize(("schedule", "make"), [
    (constant(), lambda optimizer: SCHEDULERS.ConstantLR(optimizer, factor=1)),
    (step_decay(every=7, factor=0.3), lambda optimizer: SCHEDULERS.StepLR(optimizer, 7, 0.3)),
    (cosine(steps=60), lambda optimizer: SCHEDULERS.CosineAnnealingLR(optimizer, 60)),
    (cosine(steps=60, last=0.1), lambda optimizer: SCHEDULERS.CosineAnnealingLR(optimizer, 60, eta_min=0.1)),
    (warm_up(steps=10), lambda optimizer: SCHEDULERS.LinearLR(optimizer, 0.1, 1, 9)),
    (warm_up(steps=10, then=cosine(steps=50)), lambda optimizer: SCHEDULERS.SequentialLR(
        optimizer, [SCHEDULERS.LinearLR(optimizer, 0.1, 1, 9), SCHEDULERS.CosineAnnealingLR(optimizer, 50)], [9])),
], ids=lambda thing: getattr(thing, "__name__", ""))
def test_the_rate_of_each_step(schedule, make):
    np.testing.assert_allclose([schedule(t) for t in range(60)], list(rates(make, 60)), rtol=1e-12, atol=1e-14)


def assert_drawn_alike(a, b):
    """The second and the fourth moments of two samples of weights agree within 5 standard errors."""
    for power in (2, 4):
        x, y = a.ravel() ** power, b.ravel() ** power
        error = math.hypot(x.std() / math.sqrt(x.size), y.std() / math.sqrt(y.size))
        assert abs(x.mean() - y.mean()) < 5 * error


@pytest.mark.parametrize(("n_in", "n_out"), [(784, 400), (20, 400), (300, 7)])
def test_glorot_and_he(n_in, n_out):
    rng, empty = np.random.default_rng(0), torch.empty(n_out, n_in, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    glorot, he = glorot_uniform(n_in, n_out, rng), he_normal(n_in, n_out, rng)
    theirs = torch.nn.init.xavier_uniform_(empty.clone(), generator=generator).numpy()
    assert_drawn_alike(glorot, theirs)
    bound = math.sqrt(6 / (n_in + n_out))
    assert 0.99 * bound < min(np.abs(glorot).max(), np.abs(theirs).max())
    assert max(np.abs(glorot).max(), np.abs(theirs).max()) <= bound
    assert_drawn_alike(he, torch.nn.init.kaiming_normal_(empty.clone(), generator=generator).numpy())


def test_convolutions_start_like_xavier_at_stride_one():
    """At another stride an input reaches fewer outputs than Xavier's rule for kernels counts; ours counts them."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    for kind, shape in ((Conv2d, (64, 32, 4, 4)), (ConvTranspose2d, (32, 64, 4, 4))):
        ours = kind(32, 64, 4, rng, dtype=np.float64).W.value
        theirs = torch.nn.init.xavier_uniform_(torch.empty(*shape, dtype=torch.float64), generator=generator).numpy()
        assert_drawn_alike(ours, theirs)
        assert ours.size == theirs.size and np.abs(ours).max() <= math.sqrt(6 / (16 * 96))
