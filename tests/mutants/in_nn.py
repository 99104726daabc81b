"""Mistakes in layers, their gradients and their first weights."""

from mutant import Mutant

FROM_SCRATCH = ("https://github.com/oreilly-japan/deep-learning-from-scratch/blob/"
                "0781cbef51f0bafdcd760d6f76a7efb289aeaaf2/common/layers.py")

MUTANTS = [
    Mutant(
        name="incoming gradient changed in place",
        mistake="ReLU goes back by `dout[mask] = 0; dx = dout`: whoever else holds dout loses it",
        seen=FROM_SCRATCH,
        module="nn.activations",
        edits={"return dy * (y > 0)": "dy[y <= 0] = 0\n        return dy"},
        caught_by="test_gradcheck.py::test_every_backward_is_proven[relu]"),
    Mutant(
        name="ReLU forgets the gradient from above",
        mistake="ReLU goes back by `g = 1 if y > 0 else 0`, the chain rule left out",
        seen="https://github.com/haifengl/smile/issues/528",
        module="nn.activations",
        edits={"return dy * (y > 0)": "return 0 * dy + (y > 0)"},
        caught_by="test_gradcheck.py::test_every_backward_is_proven[relu]"),
    Mutant(
        name="input kept on self",
        mistake="the layer keeps `self.x`: used twice, both ways back see the second x",
        seen=FROM_SCRATCH,
        module="nn.linear",
        edits={"W, b = self.W, self.b\n": "W, b, self.x = self.W, self.b, x\n",
               "W.grad += x.T @ dy": "W.grad += self.x.T @ dy"},
        caught_by="test_gradcheck.py::test_every_backward_is_proven[Linear]"),
    Mutant(
        name="gradient overwritten",
        mistake="`self.dW = np.dot(self.x.T, dout)`: of a layer used twice, the first gradient is lost",
        seen=FROM_SCRATCH,
        module="nn.linear",
        edits={"W.grad += x.T @ dy": "W.grad[...] = x.T @ dy"},
        caught_by="test_gradcheck.py::test_every_backward_is_proven[Linear]"),
    Mutant(
        name="one number for all first weights",
        mistake="one random draw, used again for every weight of a neuron",
        seen="https://github.com/EurekaLabsAI/micrograd/pull/2",
        module="nn.initialization",
        edits={"return rng.uniform(-limit, limit, shape or (n_in, n_out))":
               "return rng.uniform(-limit, limit) * (rng.random(shape or (n_in, n_out)) >= 0)"},
        caught_by="test_distributions.py::test_initial_weights_have_the_variance_of_the_paper[glorot_uniform-0.004]"),
]
