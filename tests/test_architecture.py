"""The plan of the house: who may import whom, what one room alone may name; and that nothing stands unproven."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import scratchvae
from scratchvae import core
from scratchvae.proof.proofs import PROOFS

HOUSE = Path(scratchvae.__file__).parent
FILES = {path.relative_to(HOUSE).with_suffix("").as_posix(): path for path in sorted(HOUSE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in FILES.items()}
MODULES = {name: importlib.import_module(name)
           for _, name, _ in pkgutil.walk_packages(scratchvae.__path__, "scratchvae.") if not name.endswith("__main__")}

MATHEMATICS = {"core", "checks", "functions", "microbatches", "nn", "probability", "models"}
MAY_IMPORT = {     # room: the rooms below it that it may use, besides itself; "" is the package, for its version
    "__init__": {"faces"},
    "faces": set(),
    "core": set(),
    "checks": set(),
    "functions": set(),
    "microbatches": {"core"},
    "backend": {"core"},
    "seeds": {"backend"},
    "datasets": {"backend"},
    "nn": {"core", "checks", "functions", "microbatches"},
    "probability": {"core", "checks", "functions", "microbatches"},
    "models": {"core", "checks", "functions", "microbatches", "nn", "probability"},
    "proof": MATHEMATICS | {"faces"},
    "training": {"", "core", "checks", "microbatches", "backend", "seeds", "datasets"},
    "evaluation": MATHEMATICS | {"backend", "seeds", "datasets", "training"},
    "plots": MATHEMATICS | {"datasets", "evaluation"},
    "book": MATHEMATICS | {"faces", "datasets", "training", "evaluation", "plots"},
    "exercises": MATHEMATICS | {"datasets", "training", "evaluation", "proof"},
    "commands": MATHEMATICS | {"", "faces", "backend", "datasets", "proof", "training", "evaluation", "plots", "book"},
    "__main__": {"", "commands", "datasets", "training"},
}


def imports(name):
    """The dotted names that a file imports, those of our own written from the root: `from ..nn import mlp` -> nn."""
    package = name.split("/")[:-1]
    for line in ast.walk(TREES[name]):
        if isinstance(line, ast.Import):
            yield from (alias.name for alias in line.names)
        elif isinstance(line, ast.ImportFrom) and line.level == 0:
            yield line.module
        elif isinstance(line, ast.ImportFrom):
            base = ["scratchvae", *package[:len(package) - line.level + 1]]
            parts = [line.module] if line.module else [a.name if is_module(base, a.name) else "" for a in line.names]
            yield from (".".join([*base, part]) for part in parts)


def is_module(base, name):
    return "/".join([*base[1:], name]) in FILES or "/".join([*base[1:], name, "__init__"]) in FILES


def rooms(name):
    """The rooms of the house that a file imports."""
    return {module.partition(".")[2].split(".")[0] for module in imports(name) if module.split(".")[0] == "scratchvae"}


def room_of(name):
    return name.split("/")[0]


def test_the_test_sees_imports():
    assert rooms("models/vae") == {"core", "nn", "probability", "models"} & rooms("models/vae")
    assert {"core", "probability"} <= rooms("models/vae")
    assert {"evaluation", "training", "datasets"} <= rooms("commands/train")
    assert "plots" in rooms("commands/pictures")


@pytest.mark.parametrize("name", FILES)
def test_lower_rooms_never_import_upper_ones(name):
    room = room_of(name)
    assert room in MAY_IMPORT, f"{room} is a new room: say in MAY_IMPORT which rooms below it it may use"
    assert rooms(name) <= MAY_IMPORT[room] | {room}


def test_the_plan_has_no_circle():
    """Every room can be built after those it uses."""
    built, left = {""}, dict(MAY_IMPORT)
    while ready := [room for room, below in left.items() if below <= built]:
        built |= {room for room in ready if left.pop(room) is not None}
    assert not left


@pytest.mark.parametrize("name", FILES)
def test_only_backend_names_cupy_and_only_pictures_name_matplotlib(name):
    tops = {module.split(".")[0] for module in imports(name)}
    assert room_of(name) == "backend" or "cupy" not in tops
    assert room_of(name) == "plots" or "matplotlib" not in tops
    assert room_of(name) == "book" or "IPython" not in tops
    assert room_of(name) == "book" or "ipywidgets" not in tops
    assert not tops & {"torch", "tensorflow", "jax", "autograd", "sklearn", "scipy", "random"}


def numpy_attributes(tree, *path):
    """The names x in np.x, or in np.random.x for the path ("random",)."""
    for thing in ast.walk(tree):
        if isinstance(thing, ast.Attribute) and ast.unparse(thing.value) == ".".join(["np", *path]):
            yield thing.attr


@pytest.mark.parametrize("name", FILES)
def test_random_numbers_come_from_a_generator_that_is_handed_over(name):
    assert set(numpy_attributes(TREES[name], "random")) <= {"default_rng", "Generator", "SeedSequence"}


@pytest.mark.parametrize("name", [name for name in FILES if room_of(name) in ("core", "nn", "probability")])
def test_building_blocks_draw_nothing_from_a_generator_of_their_own(name):
    assert "default_rng" not in numpy_attributes(TREES[name], "random")


@pytest.mark.parametrize("name", [name for name in FILES if room_of(name) in MATHEMATICS])
def test_constants_of_the_mathematics_are_python_floats(name):
    """np.sqrt(2) is a float64 scalar, and makes a float32 array float64; math.sqrt(2) does not."""
    for thing in ast.walk(TREES[name]):
        if isinstance(thing, ast.Call) and ast.unparse(thing.func) in ("np.sqrt", "np.log", "np.exp", "np.log1p"):
            names = {part.id for part in ast.walk(thing.args[0]) if isinstance(part, ast.Name)}
            assert not names <= {"np", "math"}, f"line {thing.lineno}: {ast.unparse(thing)}"


def own(module):
    """(name, thing) of the functions, nodes and classes written in a module."""
    for name, thing in vars(module).items():
        if (inspect.isroutine(thing) or inspect.isclass(thing) or isinstance(thing, core.node)) \
                and getattr(thing, "__module__", None) == module.__name__ and getattr(thing, "__name__", "") == name:
            yield name, thing


def has_a_backward(function):
    """Whether a function is written with a way back of its own."""
    return inspect.isfunction(function) and any(getattr(part, "co_name", "") == "backward"
                                                for part in function.__code__.co_consts)


def to_be_proven():
    """Every node, every Module, and every method of one with a way back of its own; and where it stands."""
    for module in MODULES.values():
        for name, thing in own(module):
            if isinstance(thing, core.node):
                yield thing, f"{module.__name__}.{name}"
            elif inspect.isclass(thing) and issubclass(thing, core.Module) and hasattr(thing, "forward"):
                yield thing, f"{module.__name__}.{name}"
                for method, function in vars(thing).items():
                    if method != "forward" and has_a_backward(function):
                        yield function, f"{module.__name__}.{name}.{method}"


def unproven(proofs):
    return [where for thing, where in to_be_proven() if thing not in proofs]


def test_every_node_and_every_model_has_a_proof():
    assert unproven(PROOFS) == []


@pytest.mark.parametrize("thing", PROOFS, ids=lambda thing: thing.__qualname__)
def test_a_missing_proof_is_missed(thing):
    """Each line of PROOFS stands for something that would otherwise be named; so the test above is no empty one."""
    assert len(unproven(PROOFS.keys() - {thing})) == 1


def test_everything_public_says_what_it_is():
    """Of the exercises only the checkers: the wrong versions are said by the sentence they stand under."""
    public = [(f"{module.__name__}.{name}", thing) for module in MODULES.values() for name, thing in own(module)
              if not name.startswith("_") and (".chapter_" not in module.__name__ or hasattr(thing, "mistakes"))]
    assert len(public) > 100
    assert [where for where, thing in public if not (thing.__doc__ or "").strip()] == []
