"""Each well-known mistake, put into the library, is seen by the check that is named for it; which passes without it."""

import concurrent.futures
import dataclasses
import os

import pytest
from catalogue import MUTANTS
from mutant import SAYS_NO, StaleMutant, ask
from table import README, written

pytestmark = pytest.mark.slow

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}


@pytest.fixture(scope="module")
def answers(request):
    """{name: the answer to come} of the mutants that are asked for, two at a time; None: of the library as it is."""
    names = {item.callspec.params["name"] for item in request.session.items if "answers" in item.fixturenames}
    mutants = [mutant for mutant in MUTANTS if mutant.name in names]
    with concurrent.futures.ThreadPoolExecutor(min(2, os.cpu_count())) as pool:
        yield {None: pool.submit(ask, sorted({mutant.caught_by for mutant in mutants})),
               **{mutant.name: pool.submit(ask, [mutant.caught_by], mutant) for mutant in mutants}}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_mistake_is_caught(name, answers):
    said = answers[name].result().get(BY_NAME[name].caught_by, "not run")
    assert said != "passed", f"{name} survives: {BY_NAME[name].caught_by} passes with it"
    assert said in SAYS_NO, f"{name} was not caught but broke: {BY_NAME[name].caught_by} ended with {said}"


@pytest.mark.parametrize("name", BY_NAME)
def test_its_check_passes_on_the_library_as_it_is(name, answers):
    assert answers[None].result().get(BY_NAME[name].caught_by, "not run") == "passed"


def test_no_mutant_stands_twice():
    assert len(BY_NAME) == len(MUTANTS) == len({str(mutant.edits) for mutant in MUTANTS})


def test_a_mutant_whose_line_is_gone_is_an_error_and_no_catch():
    stale = dataclasses.replace(MUTANTS[0], edits={"a line that was never there": "another"})
    with pytest.raises(StaleMutant, match="replaces a text that stands in scratchvae.* 0 times, not once"):
        stale.applied_to("some source")
    assert ask([stale.caught_by], stale).get(stale.caught_by) not in {"passed", *SAYS_NO}


def test_a_mistake_that_changes_nothing_survives():
    harmless = dataclasses.replace(MUTANTS[0], edits={old: old for old in MUTANTS[0].edits})
    assert ask([harmless.caught_by], harmless) == {harmless.caught_by: "passed"}


def test_the_readme_shows_this_catalogue():
    text = README.read_text(encoding="utf-8")
    assert text == written(text), "the README's table is another: python tests/mutants/table.py writes it"
