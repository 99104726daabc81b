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
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[relu]"),
    Mutant(
        name="ReLU forgets the gradient from above",
        mistake="ReLU goes back by `g = 1 if y > 0 else 0`, the chain rule left out",
        seen="https://github.com/haifengl/smile/issues/528",
        module="nn.activations",
        edits={"return dy * (y > 0)": "return 0 * dy + (y > 0)"},
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[relu]"),
    Mutant(
        name="input kept on self",
        mistake="the layer keeps `self.x`: used twice, both ways back see the second x",
        seen=FROM_SCRATCH,
        module="nn.linear",
        edits={"W, b = self.W, self.b\n": "W, b, self.x = self.W, self.b, x\n",
               "W.accumulate(x.T, dy)": "W.accumulate(self.x.T, dy)"},
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[Linear]"),
    Mutant(
        name="gradient overwritten",
        mistake="`self.dW = np.dot(self.x.T, dout)`: of a layer used twice, the first gradient is lost",
        seen=FROM_SCRATCH,
        module="nn.linear",
        edits={"W.accumulate(x.T, dy)": "W.grad[...] = x.T @ dy"},
        caught_by="proof/test_proofs.py::test_every_backward_is_proven[Linear]"),
    Mutant(
        name="one number for all first weights",
        mistake="one random draw, used again for every weight of a neuron",
        seen="https://github.com/EurekaLabsAI/micrograd/pull/2",
        module="nn.initialization",
        edits={"return rng.uniform(-limit, limit, shape or (n_in, n_out))":
               "return rng.uniform(-limit, limit) * (rng.random(shape or (n_in, n_out)) >= 0)"},
        caught_by="test_distributions.py::test_initial_weights_have_the_variance_of_the_paper[glorot_uniform-0.004]"),
    Mutant(
        name="transposed convolution that is no transpose",
        mistake="ConvTranspose2d with the kernel the other way round: `<Conv x, y>` is not `<x, ConvT y>`",
        seen="https://github.com/patrick-kidger/equinox/issues/728",
        module="nn.conv",
        edits={"W, b, to_x = self.W, self.b, self.map":
                   "def turned(W):\n"
                   "            k = self.map.kernel\n"
                   "            return W.reshape(k, k, -1)[::-1, ::-1].reshape(W.shape)\n\n"
                   "        W, b, to_x = self.W, self.b, self.map",
               "W.grad += to_x.gradient(dX, to_x.lay_y(x))": "W.grad += turned(to_x.gradient(dX, to_x.lay_y(x)))",
               "to_x.value(dX, W.value)": "to_x.value(dX, turned(W.value))",
               "to_x.adjoint(to_x.lay_y(x), W.value, size, b.value)":
                   "to_x.adjoint(to_x.lay_y(x), turned(W.value), size, b.value)"},
        caught_by="nn/test_conv.py::test_transposed_convolution_is_the_adjoint"),
    Mutant(
        name="output padding not in the size",
        mistake="the size of a transposed convolution, `stride (n - 1) + kernel - 2 padding`, without output_padding",
        seen="https://github.com/pytorch/pytorch/issues/98129",
        module="nn.conv",
        edits={"self.grow = kernel - 2 * padding + output_padding - stride":
               "self.grow = kernel - 2 * padding - stride"},
        caught_by="nn/test_conv.py::test_the_convolutional_vae_has_the_published_shapes"),
    Mutant(
        name="Glorot without its brackets",
        mistake="`sqrt(2 / fan_in + fan_out)`",
        seen="https://github.com/mlverse/torch/issues/555",
        module="nn.initialization",
        edits={"math.sqrt(6 / (n_in + n_out))": "math.sqrt(6 / n_in + n_out)"},
        caught_by="test_distributions.py::test_initial_weights_have_the_variance_of_the_paper[glorot_uniform-0.004]"),
    Mutant(
        name="He without its 2",
        mistake="variance `1 / n_in` under the name of He: a ReLU network that fades from layer to layer",
        seen="https://github.com/LBANN/lbann/pull/316",
        module="nn.initialization",
        edits={"math.sqrt(2 / n_in)": "math.sqrt(1 / n_in)"},
        caught_by="test_distributions.py::test_he_keeps_the_second_moment_through_relu_layers"),
]
