"""The explorer: sliders that move the picture for whoever sits before them, a figure for everyone else."""

import importlib.util

import jupyter_client
import nbformat
import numpy as np
import pytest
from matplotlib.figure import Figure
from nbclient import NotebookClient

from scratchvae import plots
from scratchvae.book import explorer
from scratchvae.models import mlp_vae

pytestmark = pytest.mark.slow

CELL = """
import numpy as np
from scratchvae.book.explorer import explore
from scratchvae.models import mlp_vae
explore(mlp_vae(16, [5], 3, np.random.default_rng(0)))
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def vae():
    return mlp_vae(16, [5], 3, np.random.default_rng(0))


@pytest.fixture
def somebody(monkeypatch):
    monkeypatch.setattr(explorer, "attended", lambda: True)


def test_each_slider_moves_its_own_latent(vae, somebody):
    z = np.array([0.5, -1.0, 2.0], np.float32)
    picture, controls = explorer.explore(vae, z, dimensions=[2, 0]).children
    third, first = controls.children
    assert [(s.description, s.value, s.min, s.max) for s in (third, first)] == [("z3", 2, -3, 3), ("z1", 0.5, -3, 3)]
    assert picture.value == plots.png(vae.decode(z[None])[0])
    third.value = -1.25
    assert picture.value == plots.png(vae.decode(np.array([[0.5, -1.0, -1.25]], np.float32))[0])
    first.value = 3
    assert picture.value == plots.png(vae.decode(np.array([[3.0, -1.0, -1.25]], np.float32))[0])
    assert np.array_equal(z, np.array([0.5, -1.0, 2.0], np.float32))


def test_a_start_beyond_the_limit_widens_it(vae, somebody):
    _, controls = explorer.explore(vae, np.array([0, 4.5, 0])).children
    assert [(s.value, s.min, s.max) for s in controls.children] == [(v, -4.5, 4.5) for v in (0, 4.5, 0)]


def test_where_nobody_is_there_is_a_figure(vae):
    z = np.array([0.5, -1.0, 2.0], np.float32)
    figure = explorer.explore(vae, z, dimensions=[1])
    expected = plots.traversals(vae, z, [1], np.linspace(-3, 3, 11))
    assert isinstance(figure, Figure)
    assert np.array_equal(figure.axes[0].images[0].get_array(), expected.axes[0].images[0].get_array())


def test_without_ipywidgets_nobody_can_move_a_slider(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert explorer.attended() is False


def test_a_model_of_many_latents_gets_eight_sliders(somebody):
    _, controls = explorer.explore(mlp_vae(16, [5], 20, np.random.default_rng(0))).children
    assert [s.description for s in controls.children] == [f"z{j}" for j in range(1, 9)]


@pytest.mark.parametrize(("z", "dimensions", "said"), [
    (np.zeros(2), None, r"z must be one code of 3 latents, but has shape \(2,\)"),
    (np.zeros((1, 3)), None, r"but has shape \(1, 3\)"),
    (None, [0, 3], r"dimensions must be latents from 0 to 2, but are \[0, 3\]"),
    (None, [-1], r"dimensions must be latents from 0 to 2, but are \[-1\]"),
])
def test_what_cannot_be_explored_is_refused(vae, z, dimensions, said):
    with pytest.raises(ValueError, match=said):
        explorer.explore(vae, z, dimensions)


def outputs(client, allow_stdin):
    """The mime types of what CELL displays."""
    kinds = set()

    def collect(message):
        kinds.update(message["content"].get("data", {}))

    reply = client.execute_interactive(CELL, allow_stdin=allow_stdin, output_hook=collect, timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]
    return kinds


def test_a_kernel_shows_sliders_to_a_person_and_a_figure_to_a_program():
    with jupyter_client.run_kernel(kernel_name="python3") as client:
        assert WIDGET in outputs(client, allow_stdin=True)
        assert outputs(client, allow_stdin=False) == {"image/png", "text/plain"}


def test_an_executed_page_holds_the_figure_and_no_widget():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, kernel_name="python3", timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert "widgets" not in notebook.metadata
