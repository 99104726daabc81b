"""The smallest model, taken from the docstring that says what a model is, through all that is done with models."""

import ast
import math
import re
import textwrap

import numpy as np

from scratchvae.core import Parameter
from scratchvae.evaluation import evaluate, report
from scratchvae.models import Model
from scratchvae.proof import prove
from scratchvae.training import Adam, fit, load_parameters


def from_the_docstring():
    """The class that stands in Model's docstring."""
    code = textwrap.dedent(re.search(r"( {8}class Mean.*?)\n\n {4}\w", Model.__doc__, re.DOTALL).group(1))
    world = {"Model": Model, "Parameter": Parameter, "np": np, "math": math}
    exec(compile(ast.parse(code), "docstring", "exec"), world)
    return world["Mean"]


def test_the_smallest_model_is_trained_evaluated_and_resumed(tmp_path):
    Mean, rng = from_the_docstring(), np.random.default_rng(0)
    x = (3 + rng.standard_normal((500, 2))).astype(np.float32)
    prove(Mean(2), x=x[:4].astype(float))

    def train(epochs, **options):
        model = Mean(2)
        records = list(fit(model, x, x_test=x[:100], optimizer=Adam(model, 0.05), epochs=epochs,
                           checkpoint=tmp_path / "mean.npz", progress=False, **options))
        return model, records

    train(10)
    model, records = train(40, resume=True)
    assert [record["epoch"] for record in records] == list(range(11, 41))
    np.testing.assert_allclose(model.mu.value, x.mean(axis=0), atol=0.05)
    (entry,) = report(model, x, data="toy")
    assert entry == evaluate(model, x, data="toy") and entry.quantity == "loss" and entry.samples == 0
    assert math.isclose(entry.value, ((x - model.mu.value) ** 2 / 2 + math.log(2 * math.pi) / 2).sum(axis=1).mean(),
                        rel_tol=1e-6)
    other = Mean(2)
    load_parameters(other, tmp_path / "mean.npz")
    np.testing.assert_array_equal(other.mu.value, model.mu.value)
