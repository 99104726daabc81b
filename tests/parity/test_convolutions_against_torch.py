"""Convolutions of every kernel, stride, padding and output_padding, on images that are not square."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
from agreement import agree
from twins import through

from scratchvae.nn import Conv2d, ConvTranspose2d


@hypothesis.given(seed=st.integers(0, 2**32 - 1), kernel=st.integers(1, 5), stride=st.integers(1, 4),
                  padding=st.integers(0, 3), c_in=st.integers(1, 9), c_out=st.integers(1, 9))
@hypothesis.settings(max_examples=80, deadline=None, derandomize=True)
def test_values_and_gradients_are_those_of_torch(seed, kernel, stride, padding, c_in, c_out):
    rng = np.random.default_rng(seed)
    least = max(1, kernel - 2 * padding)
    x = rng.standard_normal((rng.integers(1, 4), *(least + rng.integers(0, 7, 2)), c_in))
    agree(through, Conv2d(c_in, c_out, kernel, rng, stride=stride, padding=padding), x)
    back = ConvTranspose2d(c_in, c_out, kernel, rng, stride=stride, padding=padding,
                           output_padding=int(rng.integers(0, stride)))
    if min(back.size_out(x)) >= 1:
        agree(through, back, x)
