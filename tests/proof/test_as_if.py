"""prove(f, as_if=surrogate, of=module): backwards that are, on purpose, not the derivative of their forward."""

import contextlib

import numpy as np
import pytest

from scratchvae.core import Module, Sequential, gradients_kept, node
from scratchvae.models import IWAE, DReG, mlp_iwae
from scratchvae.nn import Linear, straight_through, tanh
from scratchvae.probability import Gaussian, gaussian_draw, gaussian_kl, gaussian_logpdf
from scratchvae.proof import ProofError, prove, stop_gradient
from scratchvae.proof.dreg import dreg_surrogate


def x(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


def seeded():
    return np.random.default_rng(0)


# ---- of inputs


def test_a_straight_through_estimator_is_refused_as_a_derivative_and_proven_as_if_it_were_not_there():
    p = x(4, 3)
    with pytest.raises(ProofError, match="wrong for input 0"):
        prove(straight_through, p, hard=np.rint(p))
    assert prove(straight_through, p, hard=np.rint(p), as_if=lambda p, hard: p).complex_step <= 1e-12
    as_in_the_papers = lambda p, hard: p + stop_gradient(hard - p)      # noqa: E731
    assert prove(straight_through, p, hard=np.rint(p), as_if=as_in_the_papers).complex_step <= 1e-12


@pytest.mark.parametrize("surrogate", [tanh, tanh.forward, lambda a: np.tanh(a)], ids=["node", "forward", "function"])
def test_a_surrogate_may_be_a_node_or_a_function_of_values(surrogate):
    @node
    def sign(a):
        """A spiking neuron: 0 or 1, with the gradient of tanh."""
        _, backward = tanh.forward(a)
        return (a > 0).astype(a.dtype), backward

    assert prove(sign, x(3, 2), as_if=surrogate).complex_step <= 1e-12


def test_free_bits_have_the_gradient_of_what_is_above_the_floor():
    """Kingma et al. 2016: no gradient where the KL lies below lambda; the value never falls below it."""
    @node
    def free_bits(mu, logvar, *, floor):
        kl, kl_backward = gaussian_kl.forward(mu, logvar)
        return np.maximum(kl, floor), lambda d: kl_backward(d * (kl > floor))

    mu, logvar = x(6, 2), x(6, 2, seed=2)
    kl = gaussian_kl(mu, logvar)
    prove(free_bits, mu, logvar, floor=float(np.median(kl)))
    prove(free_bits, mu, logvar, floor=float(np.median(kl)), as_if=lambda mu, logvar, floor: gaussian_kl(
        mu, logvar) * stop_gradient(gaussian_kl(mu, logvar) > floor))


def test_the_input_that_is_wrong_is_named():
    @node
    def commitment(z, e):
        """|sg(z) - e|^2: the codebook learns, the encoder does not; here it does, by mistake"""
        d = z - e
        return (d * d).sum(axis=1), lambda dl: (2 * dl[:, None] * d, -2 * dl[:, None] * d)

    def stopped(z, e):
        return ((stop_gradient(z) - e) ** 2).sum(axis=1)

    with pytest.raises(ProofError, match=r"^commitment: the gradient is wrong for input 0 \(relative error [^)]*\)\."):
        prove(commitment, x(3, 2), x(3, 2, seed=2), as_if=stopped)


def test_a_surrogate_of_another_shape_is_refused():
    with pytest.raises(ProofError, match=r"as_if must give outputs of the shapes \[\(3, 2\)\], but gives \[\(3,\)\]"):
        prove(tanh, x(3, 2), as_if=lambda a: a.sum(axis=1))


# ---- of parameters


class Game(Module):
    """A generator that is judged by a discriminator, and learns through it."""

    def __init__(self, kept=True, through=True):
        self.G = Linear(2, 3, seeded())
        self.D = Sequential(Linear(3, 4, seeded()), tanh, Linear(4, 1, seeded()))
        self.kept, self.through = kept, through

    def forward(self, *, eps):
        fake, G_backward = self.G.forward(eps)
        judged, D_backward = self.D.forward(fake)

        def backward(dloss):
            with gradients_kept(self.D) if self.kept else contextlib.nullcontext():
                dfake = D_backward(dloss)
            if self.through:
                G_backward(dfake)

        return judged, backward


def test_a_generator_learns_through_a_discriminator_that_learns_nothing():
    game = Game()
    assert prove(game, eps=x(5, 2), of=game.G).complex_step <= 1e-12


def test_a_parameter_that_should_learn_nothing_and_does_is_named():
    game = Game(kept=False)
    with pytest.raises(ProofError, match=r"the gradient of D\.nodes\.0\.W must be exactly 0, for it is no parameter"):
        prove(game, eps=x(5, 2), of=game.G)


def test_one_entry_that_should_learn_nothing_and_does_is_enough():
    class OneEntry(Game):
        def forward(self, *, eps):
            judged, backward = super().forward(eps=eps)

            def leaking(dloss):
                backward(dloss)
                self.D.nodes[2].W.grad[1] += 1e-9 * dloss.sum()

            return judged, leaking

    game = OneEntry()
    with pytest.raises(ProofError, match=r"D\.nodes\.2\.W must be exactly 0, .* its largest entry is \d\.\de-(09|10)"):
        prove(game, eps=x(5, 2), of=game.G)


def test_a_parameter_that_should_learn_and_does_not_is_named():
    game = Game(through=False)
    with pytest.raises(ProofError, match=r"the gradient is wrong for G\.W \([^)]*\), G\.b \([^)]*\)\."):
        prove(game, eps=x(5, 2), of=game.G)


def test_a_module_outside_of_the_node_may_be_what_learns():
    layer = Linear(2, 3, seeded())

    @node
    def through(a):
        y, y_backward = layer.forward(a)
        return 2 * y, lambda dy: y_backward(2 * dy)

    @node
    def forgotten(a):
        return 2 * layer(a), lambda dy: 2 * dy @ layer.W.value.T

    prove(through, x(4, 2), of=layer)
    prove(forgotten, x(4, 2))
    with pytest.raises(ProofError, match=r"wrong for Linear\.W .*, Linear\.b"):
        prove(forgotten, x(4, 2), of=layer)


def test_names_of_both_modules_stay_apart():
    other = Linear(3, 3, seeded())

    class Own(Linear):
        def forward(self, a):
            y, y_backward = super().forward(a)
            z, z_backward = other.forward(y)
            return z, lambda dz: y_backward(z_backward(dz))

    own = Own(2, 3, seeded())
    with pytest.raises(ProofError, match="the gradient of W must be exactly 0"):
        prove(own, x(4, 2), of=other)
    with gradients_stopped(own):
        prove(own, a=x(4, 2), of=other)


@contextlib.contextmanager
def gradients_stopped(module):
    """For a while the module's forward is asked for values alone."""
    forward = module.forward

    def forward_of_constants(*, a):
        y, backward = forward(a)

        def kept(dy):
            with gradients_kept(own_parameters):
                backward(dy)

        return y, kept

    own_parameters = Sequential()
    own_parameters.W, own_parameters.b = module.W, module.b
    module.forward = forward_of_constants
    yield
    del module.forward


# ---- stop_gradient


def test_outside_of_a_proof_it_is_the_value_itself():
    a = x(2, 2)
    assert stop_gradient(a) is a
    prove(tanh, a, as_if=lambda a: stop_gradient(0 * a) + np.tanh(a))
    assert stop_gradient(a) is a
    with pytest.raises(ZeroDivisionError):
        prove(tanh, a, as_if=lambda a: 1 / 0)
    assert stop_gradient(a) is a


def test_several_values_are_given_back_in_their_order():
    @node
    def f(a, b):
        return 3 * a * b, lambda dy: (dy * b, 2 * dy * a)

    def surrogate(a, b):
        return a * stop_gradient(b) + 2 * stop_gradient(a) * b

    assert prove(f, x(3, 2), x(3, 2, seed=2), as_if=surrogate).complex_step <= 1e-12


def test_a_module_is_stopped_with_all_its_parameters():
    class Twice(Sequential):
        """f(f(a)), of which the outer f learns nothing."""

        def forward(self, a):
            y, y_backward = super().forward(a)
            z, z_backward = super().forward(y)

            def backward(dz):
                with gradients_kept(self):
                    dy = z_backward(dz)
                return y_backward(dy)

            return z, backward

    twice = Twice(Linear(2, 2, seeded()), tanh)
    inner = Sequential(*twice.nodes)

    def surrogate(a):
        return stop_gradient(inner)(inner(a))

    assert prove(twice, x(4, 2), as_if=surrogate).complex_step <= 1e-12
    with pytest.raises(ProofError, match=r"wrong for nodes\.0\.W"):
        prove(twice, x(4, 2))


# ---- models


def iwae(estimator, k=3):
    return mlp_iwae(5, [4], 2, seeded(), k=k, activation=tanh, likelihood=Gaussian(0.7), estimator=estimator)


def test_the_gradient_of_the_bound_is_that_of_the_weighted_sum_with_weights_held_fixed():
    """Burda et al. 2016, eq. (14)"""
    model = iwae(IWAE)
    noise = {"x": x(4, 5), "eps": x(4, 3, 2)}
    prove(model, **noise, as_if=lambda x, eps: model.surrogate(
        x=x, eps=eps, v=stop_gradient(model.weights(x=x, eps=eps)))[0])
    with pytest.raises(ProofError, match="wrong for encoder"):
        prove(model, **noise, as_if=lambda x, eps: model.surrogate(x=x, eps=eps, v=model.weights(x=x, eps=eps))[0])


def test_a_draw_without_its_score_term_is_a_draw_of_a_density_held_fixed():
    """Sticking the landing, Roeder et al. 2017: log q(z) has a gradient through z, and none through mu and logvar."""
    def held(mu, logvar, eps, score):
        z = mu + np.exp(logvar / 2) * eps
        return z, gaussian_logpdf(z, stop_gradient(mu), stop_gradient(logvar))

    mu, logvar, eps = x(4, 3), x(4, 3, seed=2), x(4, 3, seed=3)
    assert prove(gaussian_draw, mu, logvar, eps, score=False, as_if=held).complex_step <= 1e-12
    with pytest.raises(ProofError, match="wrong for input 0 .*, input 1"):
        prove(gaussian_draw, mu, logvar, eps, score=False)
    with pytest.raises(ProofError, match="wrong for input 0 .*, input 1"):
        prove(gaussian_draw, mu, logvar, eps, score=True, as_if=held)


def test_dreg_is_no_derivative_of_its_bound_but_that_of_its_surrogate():
    dreg, noise = iwae(DReG), {"x": x(4, 5), "eps": x(4, 3, 2)}
    assert prove(dreg, **noise, as_if=dreg_surrogate(dreg)).complex_step <= 1e-12
    with pytest.raises(ProofError, match="wrong for encoder") as refused:
        prove(dreg, **noise)
    assert "decoder" not in str(refused.value)
    plain = iwae(IWAE)
    with pytest.raises(ProofError, match="wrong for encoder"):
        prove(plain, **noise, as_if=dreg_surrogate(plain))
