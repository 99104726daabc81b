"""What every likelihood answers, as the docstring of `Likelihood` says it."""

import inspect

import numpy as np
import pytest

from scratchvae import probability
from scratchvae.core import Module, Parameter
from scratchvae.probability import (
    Bernoulli,
    CategoricalPixels,
    ContinuousBernoulli,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    Likelihood,
    PixelGaussian,
    SharedGaussian,
    SquaredError,
)

DESCRIBED = {
    "Bernoulli": Bernoulli(),
    "CategoricalPixels(levels=17)": CategoricalPixels(17),
    "ContinuousBernoulli": ContinuousBernoulli(),
    "DiscretizedLogistic(levels=256)": DiscretizedLogistic(),
    "Gaussian(sigma=0.3)": Gaussian(0.3),
    "Laplace(scale=0.2)": Laplace(),
    "PixelGaussian": PixelGaussian(),
    "SharedGaussian(sigma=0.25)": SharedGaussian(0.25),
    "SquaredError": SquaredError(),
}
BITS, GREY = np.array([[0.0, 1.0, 1.0]]), np.array([[0.0, 0.5, 1.0]])


def test_every_likelihood_is_here():
    every = {thing for thing in vars(probability).values() if inspect.isclass(thing) and issubclass(thing, Likelihood)}
    assert {type(likelihood) for likelihood in DESCRIBED.values()} == every - {Likelihood}


@pytest.mark.parametrize("name", DESCRIBED)
def test_it_describes_itself_with_the_numbers_that_make_it_what_it_is(name):
    assert DESCRIBED[name].describe() == name


def test_the_description_has_the_number_as_it_is_now():
    shared = SharedGaussian(0.25)
    shared.logvar.value[:] = 0
    assert shared.describe() == "SharedGaussian(sigma=1)"


@pytest.mark.parametrize("name", DESCRIBED)
def test_only_what_is_no_density_has_a_flaw_on_bits_and_cannot_be_sampled(name):
    likelihood = DESCRIBED[name]
    assert likelihood.is_density == hasattr(likelihood, "sample") == (likelihood.flaw(BITS) == "")
    assert likelihood.unit == ("nats" if likelihood.is_density else "squared pixels")


def test_the_flaws_in_words():
    assert Bernoulli().flaw(GREY) == "cross-entropy of grey pixels, no likelihood"
    assert SquaredError().flaw(GREY) == "squared error in place of nats, neither a likelihood nor a bound"
    assert [name for name, likelihood in DESCRIBED.items() if likelihood.flaw(GREY)] == ["Bernoulli", "SquaredError"]


@pytest.mark.parametrize("name", DESCRIBED)
def test_forward_and_mean_have_the_shapes_of_the_protocol(name):
    likelihood, x = DESCRIBED[name], BITS.repeat(2, axis=0)
    y = np.zeros((2, 3 * likelihood.outputs))
    assert likelihood(y, x=x).shape == (2,) and likelihood.mean(y).shape == (2, 3)
    likelihood.check(x, "x")


@pytest.mark.parametrize("name", DESCRIBED)
@pytest.mark.parametrize(("bad", "count"), [
    (np.nan, "1 entries are nan and 0 inf"), (-np.inf, "0 entries are nan and 1 inf")])
def test_what_is_not_finite_is_counted_by_every_one(name, bad, count):
    with pytest.raises(ValueError, match=f"^x_train must be finite, but {count}$"):
        DESCRIBED[name].check(np.array([[0.0, bad]]), "x_train")


@pytest.mark.parametrize(("likelihood", "sentence"), [
    (Bernoulli(), "x must lie in .0, 1. for a Bernoulli, but runs from -0.5 to 1.0"),
    (ContinuousBernoulli(), "x must lie in .0, 1. for a continuous Bernoulli, but runs from -0.5 to 1.0"),
    (CategoricalPixels(3), "x must lie in .0, 1., but runs from -0.5 to 1.0"),
])
def test_pixels_outside_of_zero_and_one_are_refused(likelihood, sentence):
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        likelihood.check(np.array([[-0.5, 1.0]]), "x")


def test_a_likelihood_of_ones_own_needs_three_methods():
    class Logistic(Likelihood):
        def __init__(self):
            self.logscale = Parameter(np.zeros(1))

        def forward(self, mu, *, x):
            return np.zeros(len(x)), lambda dnll: 0 * mu

    likelihood = Logistic()
    assert isinstance(likelihood, Module) and list(likelihood.parameters()) == ["logscale"]
    assert likelihood.describe() == "Logistic" and likelihood.flaw(GREY) == "" and likelihood.outputs == 1


@pytest.mark.parametrize("make", [Laplace, SharedGaussian])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_learned_width_has_the_precision_that_is_asked_for(make, dtype):
    likelihood, x = make(0.5, dtype=dtype), GREY.astype(dtype)
    assert likelihood.dtype == dtype and make().dtype == np.float32
    assert likelihood(np.zeros_like(x), x=x).dtype == dtype
