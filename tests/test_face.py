"""What a user meets first: the import, the command line's first answer, the files beside the code."""

import ast
import inspect
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import scratchvae as sv
from scratchvae.__main__ import main
from scratchvae.commands import COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
NOT_CALLED = {"CheckpointError", "Interrupted", "NonFiniteLoss"}
MAKERS = [make for name, make in vars(sv.models).items() if name.startswith(("mlp_", "conv_", "linear_auto"))]
TYPED = [*MAKERS, sv.models.VAE, sv.models.LatentModel, sv.models.IWAE, sv.models.DReG, sv.models.Autoencoder,
         sv.models.DenoisingAutoencoder, sv.models.Classifier, sv.models.LinearGaussian,
         *(getattr(sv.training, name) for name in sv.training.__all__ if name not in NOT_CALLED),
         sv.datasets.load, sv.datasets.pixels, sv.datasets.Pixels, sv.datasets.Examples, sv.datasets.minibatches,
         sv.evaluation.evaluate, sv.evaluation.evaluate_bound, sv.evaluation.report,
         sv.evaluation.importance_weights, sv.evaluation.annealed_importance, sv.evaluation.annealed_upper_bound,
         sv.evaluation.active_units, sv.evaluation.rate_distortion,
         sv.book.Experiment, sv.book.run, sv.book.sweep, sv.book.keep, sv.book.recall, sv.book.show, sv.book.compare]


def modules_after(code):
    """(the modules of a fresh process that has run the code, what it printed before)."""
    report = "\nimport json, sys; print(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=ROOT)
    printed, modules = done.stdout.rstrip().rsplit("\n", 1)
    return set(json.loads(modules)), printed


def command(*arguments):
    return ("from scratchvae.__main__ import main\n"
            f"try: main({list(map(str, arguments))})\nexcept SystemExit: pass")


def test_import_is_quick_and_brings_no_room():
    code = "import time; t = time.perf_counter(); import scratchvae; print(time.perf_counter() - t)"
    found = [modules_after(code) for _ in range(3)]
    assert min(float(seconds) for _, seconds in found) < 0.2
    assert not {"numpy", "matplotlib", "tqdm"} & found[0][0]
    assert {name for name in found[0][0] if name.startswith("scratchvae")} == {"scratchvae", "scratchvae.faces"}


def test_every_room_is_there_when_it_is_asked_for():
    modules, printed = modules_after("import numpy as np, scratchvae as sv\n"
                                     "print(type(sv.models.mlp_vae(4, [3], 2, np.random.default_rng(0))).__name__)")
    assert printed.strip() == "VAE" and "matplotlib" not in modules
    assert dir(sv) == sorted(sv.ROOMS)
    assert all(getattr(sv, room).__name__ == f"scratchvae.{room}" for room in sv.ROOMS)
    assert {"PROOFS", "prove", "prove_all"} <= set(dir(sv.proof)) and {"keep", "show"} <= set(dir(sv.book))


def test_a_wrong_name_is_said():
    with pytest.raises(AttributeError, match="module 'scratchvae' has no attribute 'modles'") as error:
        sv.modles  # noqa: B018
    assert error.value.name == "modles" and error.value.obj is sv              # so Python says: Did you mean 'models'?
    with pytest.raises(ImportError, match="cannot import name 'kep'"):
        from scratchvae.book import kep  # noqa: F401


def test_no_file_hides_a_module_of_python_from_one_that_is_run_by_itself():
    assert not {path.stem for path in Path(sv.__file__).parent.iterdir()} & sys.stdlib_module_names


@pytest.mark.parametrize("face", [sv, sv.book, sv.proof], ids=lambda face: face.__name__)
def test_type_checkers_see_the_names_that_are_imported_late(face):
    stub = ast.parse(Path(face.__file__).with_suffix(".pyi").read_text())
    found = {alias.asname for line in stub.body if isinstance(line, ast.ImportFrom) for alias in line.names}
    assert found == set(dir(face))


def test_what_users_call_has_types():
    """Every argument and the result; the constructors of models agree in the order of what they share."""
    for function in TYPED:
        signature = inspect.signature(function)
        bare = [p.name for p in signature.parameters.values()
                if p.annotation is p.empty and p.kind is not p.VAR_KEYWORD]
        assert not bare, f"{function.__qualname__}: {bare}"
        assert inspect.isclass(function) or signature.return_annotation is not signature.empty, function.__qualname__


def test_the_constructors_of_models_have_one_order_of_arguments():
    """Sizes and rng; then, by name alone, the activation, the likelihood or distance, what is their own, the dtype."""
    order = ["n_x", "hidden", "n_latents", "n_classes", "rng", "activation", "likelihood", "distance", "*", "dtype"]
    for make in MAKERS:
        names = list(inspect.signature(make).parameters)
        places = [order.index(name if name in order else "*") for name in names]
        assert places == sorted(places), f"{make.__name__}: {names}"
        by_name = {p.name for p in inspect.signature(make).parameters.values() if p.kind is p.KEYWORD_ONLY}
        assert by_name == set(names[names.index("rng") + 1:])


@pytest.mark.parametrize(("arguments", "unneeded"), [
    (["--help"], {"matplotlib", "numpy", "tqdm", "scratchvae.training"}),
    (["check", "--help"], {"matplotlib", "tqdm", "scratchvae.training"}),
    (["train", "--help"], {"matplotlib"}),
    (["evaluate", "--help"], {"matplotlib"}),
    (["results", "--help"], {"matplotlib"}),
])
def test_help_imports_no_more_than_it_needs(arguments, unneeded):
    modules, printed = modules_after(command(*arguments))
    assert "usage: " in printed and not unneeded & modules


@pytest.mark.slow
def test_evaluate_draws_nothing_and_imports_no_matplotlib(tmp_path):
    main(["train", "--data", "digits", "--epochs", "1", "--hidden", "5", "--latents", "2", "--out", str(tmp_path)])
    modules, printed = modules_after(command("evaluate", tmp_path, "--samples", "2"))
    assert "-L_2" in printed and "scratchvae.evaluation" in modules and "matplotlib" not in modules


@pytest.mark.parametrize("typed", [[sys.executable, "-m", "scratchvae"], [Path(sys.executable).parent / "scratchvae"]])
def test_without_a_command_there_is_help_under_the_name_that_was_typed(typed):
    if len(typed) == 1 and not typed[0].exists():
        pytest.skip("the console script is not installed in this environment")
    done = subprocess.run(typed, capture_output=True, text=True, cwd=ROOT)
    name = "scratchvae" if len(typed) == 1 else "python -m scratchvae"
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"usage: {name} ") and f"\n  {name} train\n" in done.stdout
    assert all(f"    {command} " in done.stdout and what[:40] in done.stdout for command, what in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_help_tells_defaults_where_there_are_any(name, capsys):
    with pytest.raises(SystemExit):
        main([name, "--help"])
    out = capsys.readouterr().out
    assert out.startswith(f"usage: scratchvae {name} ")
    assert "None" not in out and "False" not in out
    assert "(default: " in out


def test_the_plan_in_the_readme_is_that_of_the_package():
    rooms = {f"{path.name}/" if path.is_dir() else path.name for path in (ROOT / "scratchvae").iterdir()}
    unsaid = {"__init__.py", "__init__.pyi", "__main__.py", "__pycache__/", "faces.py", "py.typed", "book.mplstyle"}
    plan = README.split("```\nscratchvae/\n")[1].split("```")[0]
    assert {line.split()[0] for line in plan.splitlines()} == rooms - unsaid


def test_the_readme_is_found_by_the_words_of_the_field():
    assert all(word in README.lower() for word in ("backpropagation", "jacobian", "gradient accumulation", "autograd"))


def test_the_example_of_the_readme_runs(capsys):
    """As it is typed there, but on the smallest images and for one epoch."""
    example = README.split("Train a model of your own")[1].split("```python\n")[1].split("```")[0]
    for typed, small in {"mnist": "digits", "784": "64", "epochs=10": "epochs=1"}.items():
        assert typed in example
        example = example.replace(typed, small)
    exec(example, {})
    assert "-ELBO = " in capsys.readouterr().out


def test_the_version_stands_in_every_file_that_names_it():
    assert f"version: {sv.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"\n## [{sv.__version__}] - " in (ROOT / "CHANGELOG.md").read_text()


def test_the_address_of_the_project_stands_in_one_place():
    (address,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"].values()
    others = [ROOT / name for name in ("README.md", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile")]
    assert not any(address in path.read_text(encoding="utf-8") for path in [*others, *ROOT.glob("scratchvae/**/*.py")])


def test_contributing_names_tests_that_there_are():
    named = re.findall(r"`(tests/\S+\.py)(?:::(\w+))?`", (ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) > 15
    for file, test in named:
        assert not test or f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"
