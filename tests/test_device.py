"""Every node and every model on a device: the values and gradients of the host, at every line of PROOFS.

Each test runs twice: with the pretend device of pretend.py, everywhere; and, where CuPy finds a GPU, on that.
"""

import copy
import sys

import numpy as np
import pretend
import pytest

from scratchvae import backend, core, models, nn, probability
from scratchvae.backend import make_rng, to_device, to_host
from scratchvae.core import Module
from scratchvae.datasets import LEVELS, load, pixels
from scratchvae.proof import proofs
from scratchvae.training import SGD, Adam, NonFiniteLoss, TextbookAdam, fit, load_parameters


@pytest.fixture(params=["pretend", pytest.param("gpu", marks=pytest.mark.gpu)])
def device(request, monkeypatch):
    """The pretend device, or a real one."""
    if request.param == "pretend":
        monkeypatch.setitem(sys.modules, "cupy", pretend.cupy())
        return
    try:
        backend.gpu()
    except ValueError as reason:
        pytest.skip(str(reason))


def in_precision(dtype, thing):
    """An array of floats, or all that a Module learns, in this precision; anything else as it is."""
    if isinstance(thing, Module):
        return backend.move(thing, lambda a: in_precision(dtype, a))
    return thing.astype(dtype) if isinstance(thing, np.ndarray) and thing.dtype.kind == "f" else thing


def moved(thing):
    return to_device(thing) if isinstance(thing, (np.ndarray, Module)) else thing


def owner_of(f):
    return f if isinstance(f, Module) else getattr(f, "__self__", None)


def there_and_back(f, inputs, constants, dout=None):
    """(outputs, gradients of the inputs and the parameters, dout) of a node, a Module or a method of one."""
    y, backward = (f.forward if isinstance(f, Module) else f)(*inputs, **constants)
    y = y if isinstance(y, tuple) else (y,)
    if dout is None:
        rng = np.random.default_rng(0)
        dout = [rng.standard_normal(a.shape).astype(a.dtype) for a in y]
    parameters = owner_of(f).parameters().values() if isinstance(owner_of(f), Module) else []
    for p in parameters:
        p.grad[...] = 0
    dx = backward(*dout)
    dx = () if dx is None else dx if isinstance(dx, tuple) else (dx,)
    return y, [*dx, *(p.grad for p in parameters)], dout


def same_there(f, *inputs, as_if=None, of=None, **constants):
    """In the place of `prove`: what f gives on the device is, up to rounding, what it gives on the host in float64.

    In each precision, to 200 roundings of the largest number that comes out, or of 1. On a device that gets every
    result of every operation wrong by up to two units in the last place, 50 were needed at most.
    """
    exact = None
    for dtype in (np.float64, np.float32):
        g = copy.deepcopy(f)                                             # a method is copied with its owner
        in_precision(dtype, owner_of(g))
        given = [in_precision(dtype, np.asarray(x)) for x in inputs]
        told = {name: in_precision(dtype, c) for name, c in constants.items()}
        y, gradients, dout = there_and_back(g, given, told)
        here = [np.copy(a) for a in (*y, *gradients)]
        moved(owner_of(g))
        y, gradients, _ = there_and_back(g, [moved(x) for x in given], {k: moved(c) for k, c in told.items()},
                                         [moved(d) for d in dout])
        assert not any(isinstance(a, np.ndarray) for a in (*y, *gradients))
        there = [to_host(a) for a in (*y, *gradients)]
        assert [(a.dtype, a.shape) for a in here] == [(a.dtype, a.shape) for a in there]
        exact = exact or here
        rounding = np.finfo(dtype).eps * max(1, *(np.abs(a).max(initial=0) for a in exact))
        assert max(np.abs(a - b).max(initial=0) for a, b in zip(there, exact, strict=True)) <= 200 * rounding


@pytest.mark.parametrize("thing", proofs.PROOFS, ids=lambda thing: thing.__qualname__)
def test_every_line_of_the_proofs_is_the_same_on_the_device(thing, device, monkeypatch):
    monkeypatch.setattr(proofs, "prove", same_there)
    for i in range(3):
        proofs.PROOFS[thing](proofs.Draw(np.random.default_rng([0, i])))


# ---- a whole training


def digits(dtype=np.float32):
    """1000 images of handwritten digits: 10 steps an epoch."""
    return pixels(load("digits").x_train[:1000], LEVELS["digits"], dtype)


def vae(dtype=np.float32, seed=0):
    return models.mlp_vae(64, [32], 4, np.random.default_rng(seed), dtype=dtype)


def trained(model, x, optimizer=Adam, epochs=10, **options):
    """(all parameters as one vector on the host, the records) of a training of 10 steps an epoch."""
    records = list(fit(model, x, x_test=x[:100], optimizer=optimizer(model), epochs=epochs, batch_size=100,
                       progress=False, **options))
    return np.concatenate([to_host(p.value).ravel() for p in model.parameters().values()]), records


def curve(records):
    return np.array([[*record["train"].values(), *record["test"].values()] for record in records])


@pytest.mark.parametrize("binarization", ["none", "static", "dynamic"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_a_hundred_steps_give_the_same_curve(device, dtype, tolerance, binarization):
    """The noise is the same, so only rounding differs, and a hundred steps carry it on."""
    options = {"binarization": binarization, "clip": 50.0}
    _, here = trained(vae(dtype), digits(dtype), **options)
    _, there = trained(to_device(vae(dtype)), to_device(digits(dtype)), **options)
    assert len(here) == len(there) == 10 and curve(here)[-1].sum() < curve(here)[0].sum()
    np.testing.assert_allclose(curve(there), curve(here), rtol=tolerance)


@pytest.mark.parametrize("optimizer", [Adam, TextbookAdam, lambda model: SGD(model, lr=0.01, momentum=0.9)])
def test_every_optimizer_steps_there_as_here(device, optimizer):
    here, _ = trained(vae(np.float64), digits(np.float64), optimizer, epochs=7)      # past a flush of the moments
    there, _ = trained(to_device(vae(np.float64)), to_device(digits(np.float64)), optimizer, epochs=7)
    np.testing.assert_allclose(there, here, rtol=1e-8, atol=1e-10)


def test_the_same_seed_gives_the_same_weights_order_and_noise(device):
    here, there = vae(), to_device(vae())
    for a, b in zip(here.parameters().values(), there.parameters().values(), strict=True):
        assert not isinstance(b.value, np.ndarray) and np.array_equal(a.value, to_host(b.value))
    x = digits()
    for draw in (lambda rng: rng.permutation(50), lambda rng: rng.standard_normal((3, 2), np.float32),
                 lambda rng: rng.random((3, 2), np.float32), lambda rng: rng.standard_exponential(4, np.float32),
                 lambda rng: rng.integers(0, 9, 5)):
        a, b = draw(make_rng([3, 1], like=x)), draw(make_rng([3, 1], like=there))
        assert a.dtype == b.dtype and not isinstance(b, np.ndarray) and np.array_equal(a, to_host(b))


def test_a_resumed_run_ends_in_the_same_bits(device, tmp_path):
    x, path = to_device(digits()), tmp_path / "checkpoint.npz"
    whole, records = trained(to_device(vae()), x, epochs=4, binarization="dynamic")
    trained(to_device(vae()), x, epochs=2, binarization="dynamic", checkpoint=path)
    rest, later = trained(to_device(vae(seed=9)), x, epochs=4, binarization="dynamic", checkpoint=path, resume=True)
    assert np.array_equal(whole, rest) and np.array_equal(curve(records)[2:], curve(later))


def test_a_checkpoint_of_the_device_is_read_on_the_host(device, tmp_path):
    parameters, _ = trained(to_device(vae()), to_device(digits()), epochs=1, checkpoint=tmp_path / "checkpoint.npz")
    model = vae(seed=9)
    load_parameters(model, tmp_path / "checkpoint.npz")
    assert np.array_equal(parameters, np.concatenate([p.value.ravel() for p in model.parameters().values()]))


def test_a_classifier_learns_from_labels_on_the_device(device):
    data = load("digits")
    x, y = digits(np.float64), data.y_train[:1000]
    curves = []
    for place in (lambda thing: thing, to_device):
        model = place(models.mlp_classifier(64, [16], 10, np.random.default_rng(0), dtype=np.float64))
        curves.append(curve(fit(model, place(x), y_train=place(y), optimizer=Adam(model), epochs=2, progress=False)))
    np.testing.assert_allclose(*curves, rtol=1e-10)


def test_a_loss_that_is_not_finite_names_the_node_there_too(device):
    model = vae()
    model.encoder.nodes[-1].logvar.b.value[:] = 1e4
    model = to_device(model)
    with pytest.raises(NonFiniteLoss, match="step 1: the first node with such an output is reparameterize"):
        trained(model, to_device(digits()), epochs=1)


@pytest.mark.parametrize("likelihood", [
    probability.Bernoulli(), probability.Gaussian(0.5), probability.SharedGaussian(0.5), probability.PixelGaussian(),
    probability.Laplace(), probability.ContinuousBernoulli(), probability.DiscretizedLogistic(5),
    probability.CategoricalPixels(5)], ids=lambda likelihood: type(likelihood).__name__)
def test_means_and_samples_are_made_there(device, likelihood):
    likelihood = in_precision(np.float64, copy.deepcopy(likelihood))
    y = np.random.default_rng(0).standard_normal((4, 6 * likelihood.outputs))
    mean, draw = likelihood.mean(y), likelihood.sample(y, make_rng(1, like=y))
    moved(likelihood)
    there = to_device(y)
    np.testing.assert_allclose(to_host(likelihood.mean(there)), mean, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(to_host(likelihood.sample(there, make_rng(1, like=there))), draw, rtol=1e-9, atol=1e-9)


def the_priors(rng):
    def encoder():
        return core.Sequential(*nn.mlp([6, 5], rng), nn.GaussianHeads(5, 3, rng))

    x = rng.random((7, 6))
    return [probability.StandardNormal(3), probability.GaussianMixturePrior(4, 3, rng),
            probability.AggregatePosterior(encoder(), x), probability.VampPrior(encoder(), x),
            probability.TwoLayerPrior(probability.VampPrior(encoder(), x), nn.GaussianHeads(3, 2, rng), 2)]


@pytest.mark.parametrize("i", range(5))
def test_priors_are_drawn_from_there(device, i):
    prior = in_precision(np.float64, the_priors(np.random.default_rng(0))[i])
    draws = prior.sample(50, np.random.default_rng(1), np.float64)
    moved(prior)
    there = prior.sample(50, make_rng(1, like=to_device(draws)), np.float64)
    np.testing.assert_allclose(to_host(there), draws, rtol=1e-9, atol=1e-9)


# ---- what does not go


@pytest.mark.parametrize(("misplaced", "sentence"), [
    ("x", r"x_train must be on a GPU, as the model is; to_device and to_host \(backend.py\) move it"),
    ("model", "x_train must be in the computer's memory, as the model is"),
    ("optimizer", "optimizer must be made when the model is on a GPU already: it packs what it finds"),
    ("workers", "workers must be 1 on a GPU, but is 2"),
])
def test_what_lies_elsewhere_is_named_before_anything_is_done(device, misplaced, sentence):
    model, x = vae(), digits()
    optimizer = Adam(model)
    model = model if misplaced == "model" else to_device(model)
    optimizer = optimizer if misplaced == "optimizer" else Adam(model)
    x = x if misplaced == "x" else to_device(x)
    with pytest.raises(ValueError, match="^" + sentence):
        fit(model, x, optimizer=optimizer, epochs=1, workers=1 + (misplaced == "workers"))


def test_arrays_of_both_kinds_never_mix(device):
    x = digits()
    with pytest.raises(TypeError):
        np.asarray(to_device(x))
    with pytest.raises(TypeError):
        to_device(x) + x
    with pytest.raises(TypeError):
        vae()(x=to_device(x), eps=np.zeros((len(x), 4), np.float32))
