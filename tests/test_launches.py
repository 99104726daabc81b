"""How many kernels a step launches on a GPU, counted with the pretend device; and what a fused kernel computes."""

import sys

import numpy as np
import pretend
import pytest

from scratchvae.backend import KERNELS, fused, kernel, to_device, to_host
from scratchvae.models import mlp_vae
from scratchvae.training import Adam, fit

STEPS, LIMIT = 5, 100


@pytest.fixture(autouse=True)
def device(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", pretend.cupy())


def launches_of_a_step():
    """{operation: how often in a step}, of the VAE of the README in its second epoch."""
    model = to_device(mlp_vae(784, [400], 20, np.random.default_rng(0)))
    x = to_device(np.random.default_rng(0).random((128 * STEPS, 784), np.float32))
    records = fit(model, x, optimizer=Adam(model), epochs=2, batch_size=128, progress=False)
    next(records)
    pretend.LAUNCHES.clear()
    next(records)
    return {operation: n / STEPS for operation, n in pretend.LAUNCHES.most_common() if n}


def test_a_step_launches_few_kernels(capsys):
    launches = launches_of_a_step()
    print(f"\n{sum(launches.values()):.1f} launches a step: {launches}")
    assert sum(launches.values()) < LIMIT



@fused
def adam(g, beta1, beta2, lr, eps, theta, M, V):
    """As in the optimizer, in other words."""
    M[...] = beta1 * M + g
    V[...] = beta2 * V + g * g
    theta[...] = theta - lr * M / (np.sqrt(V) + eps)


def test_on_the_host_a_fused_function_runs_as_it_is_written_and_on_a_device_as_one_kernel():
    rng = np.random.default_rng(0)
    g, theta, M, V = rng.random((4, 10))
    there = [to_device(a) for a in (g, theta, M, V)]
    adam(g, 0.9, 0.999, 0.1, 1e-8, theta, M, V)
    pretend.LAUNCHES.clear()
    adam(there[0], 0.9, 0.999, 0.1, 1e-8, *there[1:])
    assert pretend.LAUNCHES == {"adam": 1}
    for here, moved in zip((theta, M, V), there[1:], strict=True):
        np.testing.assert_allclose(to_host(moved), here, rtol=1e-14)


def test_a_kernel_is_made_once():
    cupy = pretend.cupy()
    assert kernel(cupy, "adam") is kernel(cupy, "adam") is not kernel(pretend.cupy(), "adam")


@pytest.mark.parametrize("name", KERNELS)
def test_cupy_compiles_every_kernel(name):
    """Of a CuPy that is really installed."""
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed: pip install 'scratchvae[gpu]'")
    cupy.ElementwiseKernel(*KERNELS[name], name)
