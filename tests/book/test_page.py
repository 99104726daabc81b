"""show and compare: the chapters show the library's own code, and hold every number against its formula."""

import inspect

import numpy as np
import pytest

from scratchvae import models, nn
from scratchvae.book import page
from scratchvae.probability import gaussian_kl


@pytest.fixture
def shown(monkeypatch):
    """What show displays, as text."""
    sources = []
    monkeypatch.setattr(page, "display", lambda mimes, raw: sources.append(mimes["text/plain"]))
    return sources


def test_the_colours_are_in_the_line_so_that_the_page_needs_no_style_sheet(monkeypatch):
    pages = []
    monkeypatch.setattr(page, "display", lambda mimes, raw: pages.append(mimes["text/html"]))
    page.show(gaussian_kl)
    assert "def</span>" in pages[0] and "<style" not in pages[0]


def test_a_node_is_shown_as_it_is_written_in_its_file(shown):
    page.show(gaussian_kl)
    assert shown[0].startswith("@node\ndef gaussian_kl(mu, logvar):")
    assert shown[0] in inspect.getsource(inspect.getmodule(gaussian_kl.forward))


def test_classes_methods_functions_and_several_at_once_are_shown(shown):
    page.show(models.VAE, models.VAE.negative_elbo, nn.mlp)
    assert [source.split("(")[0].strip() for source in shown] == ["class VAE", "def negative_elbo", "def mlp"]


def test_a_layer_is_shown_by_its_class(shown):
    page.show(nn.Linear(3, 2, np.random.default_rng(0)))
    assert shown[0].startswith("class Linear(Module):")


def test_both_sides_and_the_tolerance_are_printed(capsys):
    page.compare("log 2", np.log(2.0), 0.69314718056, 1e-10)
    assert capsys.readouterr().out == "log 2:  0.6931471806 = 0.6931471806   (difference 5.5e-14, allowed 1.0e-10)\n"


def test_of_arrays_the_largest_difference_counts(capsys):
    page.compare("arrays", np.array([1.0, 2.0]), np.array([1.0, 2.25]), 0.25)
    assert capsys.readouterr().out == "arrays:  1 ... = 1 ...   (difference 2.5e-01, allowed 2.5e-01)\n"
    with pytest.raises(AssertionError, match="arrays: the two sides differ by 0.25, more than 0.2"):
        page.compare("arrays", np.array([1.0, 2.0]), np.array([1.0, 2.25]), 0.2)


def test_an_array_may_be_held_against_one_number(capsys):
    page.compare("all ones", np.ones((2, 3)), 1, 0)
    assert capsys.readouterr().out == "all ones:  1 ... = 1   (difference 0.0e+00, allowed 0.0e+00)\n"


@pytest.mark.parametrize(("left", "right"), [(np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan), (np.inf, 1.0),
                                             ([1.0, np.nan], [1.0, 2.0])])
def test_what_is_no_number_agrees_with_nothing(left, right):
    with pytest.raises(AssertionError, match="differ by"):
        page.compare("a", left, right, 1e300)


@pytest.mark.parametrize(("left", "right", "sentence"), [
    (np.ones(3), np.ones((3, 1)), r"the two sides have the shapes \(3,\) and \(3, 1\)"),
    (np.ones((2, 3)), np.ones(3), r"the shapes \(2, 3\) and \(3,\)"),
    (np.ones(0), np.ones(0), "nothing to compare"),
    (np.ones(0), 1.0, "nothing to compare"),
])
def test_shapes_are_never_stretched_to_fit(left, right, sentence):
    with pytest.raises(AssertionError, match=sentence):
        page.compare("a", left, right, 1e300)
