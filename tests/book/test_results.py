"""The numbers one may quote: what the README shows is what was kept, and what was kept says what it is."""

from pathlib import Path

import pytest

from scratchvae.book.experiments import PAPERS, Experiment
from scratchvae.book.results import PUBLISHED, measure, table
from scratchvae.book.trained import recall
from scratchvae.evaluation import Entry

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_shows_the_table_that_the_command_prints():
    assert table() in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("experiment", PAPERS, ids=lambda e: e.name)
def test_what_was_kept_is_what_is_configured(experiment):
    """The shipped weights are of the configuration that stands in the code, and their bound of the whole test set."""
    facts = recall(experiment.name, experiment.model())
    kept = Experiment(**(facts["experiment"] | {"hidden": tuple(facts["experiment"]["hidden"])}))
    entry = Entry(**facts["bound"])
    assert kept == experiment
    assert len(facts["records"]) == experiment.epochs
    assert entry.quantity == f"-L_{entry.samples}" and entry.images == 10000 and entry.split == "test"
    assert entry.value < sum(facts["records"][-1]["test"].values())        # more draws than in training: a better bound


def test_every_published_number_has_its_network():
    assert set(PUBLISHED) <= {experiment.name for experiment in PAPERS}


def test_measure_trains_and_measures_the_whole_test_set():
    outcome, facts = measure(Experiment("tiny", "digits", hidden=(8,), n_latents=2, epochs=1), draws=5)
    assert facts["bound"]["quantity"] == "-L_5" and facts["bound"]["images"] == 360
    assert facts["records"] == outcome.records and 0 <= facts["active"] <= 2
