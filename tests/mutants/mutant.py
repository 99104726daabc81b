"""A mistake, put into the library in memory, and the question whether a check sees it.

Every question is asked in a fresh process: the one module that the mistake is in is compiled from its source with the
lines exchanged, everything else is imported as it is, and pytest runs the check. No file is changed.
"""

import dataclasses
import importlib.machinery
import json
import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SAYS_NO = {"AssertionError", "ProofError", "Failed", "RuntimeWarning"}     # a check says no; the rest is an accident


class StaleMutant(LookupError):
    """The line that a mutant replaces is no longer there, or no longer there alone."""


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A mistake of other people, as a change to a module of this library."""

    name: str
    mistake: str            # what was done, for the table
    seen: str               # where: the address of an issue, a pull request, a file or a paper
    module: str             # "probability.gaussian"
    edits: dict             # {the text as it is, standing in the module once: the text as it was elsewhere}
    caught_by: str          # the test that sees it, from tests/ on: "test_core.py::test_name[case]"

    def applied_to(self, source):
        """The source with the mistake; StaleMutant, in a sentence, if it cannot be put there."""
        for old, new in self.edits.items():
            if source.count(old) != 1:
                raise StaleMutant(f"{self.name} replaces a text that stands in scratchvae.{self.module} "
                                  f"{source.count(old)} times, not once: {old!r}")
            source = source.replace(old, new)
        return source


def ask(tests, mutant=None):
    """{test: "passed", or the name of what it raised} of tests, run on the library with the mistake of `mutant`."""
    question = {"tests": list(tests), "mutant": mutant and dataclasses.asdict(mutant)}
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, __file__], input=json.dumps(question), capture_output=True, text=True,
                          cwd=TESTS.parent, env=environment)
    if done.returncode or not done.stdout:
        raise RuntimeError(f"no answer for {mutant and mutant.name}:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


class Finder:
    """Finds the one module, and gives it a loader that compiles the mistake."""

    def __init__(self, mutant):
        self.mutant = mutant

    def find_spec(self, name, path, target=None):
        if name != f"scratchvae.{self.mutant.module}":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        spec.loader = Loader(name, spec.origin)
        spec.loader.mutant = self.mutant
        return spec


class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, name):
        return compile(self.mutant.applied_to(self.get_source(name)), self.path, "exec")


class Witness:
    """What happened to each test; "passed" only if it ran, and nothing about it failed."""

    def __init__(self):
        self.answers = {}

    def pytest_runtest_logreport(self, report):
        name = report.nodeid.removeprefix("tests/")
        if report.when == "call" or not report.passed:
            self.answers.setdefault(name, report.outcome)

    def pytest_exception_interact(self, node, call, report):
        accident = "" if getattr(report, "when", "") == "call" else "before the test: "
        self.answers[node.nodeid.removeprefix("tests/")] = accident + call.excinfo.type.__name__


def answer(question):
    import hypothesis
    import pytest

    hypothesis.settings.register_profile("first failure", phases=[hypothesis.Phase.generate])
    hypothesis.settings.load_profile("first failure")
    if question["mutant"]:
        sys.meta_path.insert(0, Finder(Mutant(**question["mutant"])))
    sys.path[0] = str(TESTS.parent)
    witness = Witness()
    tests = [str(TESTS / test) for test in question["tests"]]
    pytest.main([*tests, "-q", "-p", "no:cacheprovider", "--rootdir", str(TESTS.parent)], plugins=[witness])
    return witness.answers


if __name__ == "__main__":
    print("\n" + json.dumps(answer(json.load(sys.stdin))))
