"""The chapters and their solutions: their form, their committed outputs, their slides; and each is executed again.

A notebook that is added to notebooks/ is tested without a word here.
"""

import ast
import importlib
import importlib.util
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
specification = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
build = importlib.util.module_from_spec(specification)
specification.loader.exec_module(build)

CHAPTERS = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
APPENDICES = sorted(NOTEBOOKS.glob("appendix_*.ipynb"))
SOLUTIONS = sorted((NOTEBOOKS / "solutions").glob("*.ipynb"))
MOST_LINES = 25
CHECKER_CALL = re.compile(r"\bexercises\.(\w+)\(")
LEFT_BY_A_MACHINE = re.compile(r"\b0x[0-9a-f]{8,}|(?<![\w.])/(?:tmp|home|root|work|Users)/")
NUMBER = re.compile(r"[-+]?\d[\d.]*(?:e[-+]?\d+)?")


def notebooks(paths):
    return pytest.mark.parametrize("path", paths, ids=[f"{path.parent.name}/{path.stem}"[-40:] for path in paths])


every_notebook = notebooks(CHAPTERS + APPENDICES + SOLUTIONS)
every_slide_show = notebooks(CHAPTERS + APPENDICES)
every_chapter = notebooks(CHAPTERS)
every_solution = notebooks(SOLUTIONS)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(path):
    """The code cells that hold code."""
    return [cell for cell in build.code_cells(read(path)) if cell.source.strip()]


def printed(cell):
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def said_in(outputs):
    """What outputs say in words: their kinds and their texts, but for numbers, whose last digits are the machine's."""
    said = []
    for output in outputs:
        data = output.get("data", {})
        text = output.get("text", data.get("text/plain", ""))
        said.append((output.output_type, sorted(data), " ".join(NUMBER.sub("#", text).split())))
    return said


@every_notebook
def test_it_is_a_valid_notebook_without_volatile_metadata(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert notebook.metadata == build.METADATA
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)
    assert {key for cell in notebook.cells for key in cell.metadata} <= {"slideshow", "tags"}


@every_notebook
def test_it_stays_small(path):
    assert path.stat().st_size <= build.MOST_BYTES


@every_notebook
def test_the_first_code_cell_is_imports_only(path):
    for cell in code_cells(path)[:1]:
        for line in ast.parse(cell.source).body:
            assert isinstance(line, ast.Import | ast.ImportFrom) or ast.unparse(line).startswith("plt.style.use(")


@every_notebook
def test_nothing_is_imported_later(path):
    for cell in code_cells(path)[1:]:
        assert not any(isinstance(line, ast.Import | ast.ImportFrom) for line in ast.walk(ast.parse(cell.source)))


@every_notebook
def test_code_cells_are_short(path):
    assert [cell.source for cell in code_cells(path) if len(cell.source.splitlines()) > MOST_LINES] == []


@every_chapter
def test_there_is_at_least_as_much_prose_as_code(path):
    """Counted in words: whatever stands between white space, in the sources of the cells."""
    size = dict.fromkeys(("markdown", "code", "raw"), 0)
    for cell in read(path).cells:
        size[cell.cell_type] += len(cell.source.split())
    assert size["markdown"] >= size["code"]


@every_notebook
def test_its_outputs_are_committed_from_one_execution_in_order(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(cell.outputs for cell in cells) or not cells
    build.refuse_complaints(path, read(path))


@every_notebook
def test_its_outputs_hold_nothing_of_the_machine_they_were_made_on(path):
    for cell in code_cells(path):
        for text in [printed(cell), *(str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)]:
            assert not LEFT_BY_A_MACHINE.search(text), text


@every_slide_show
def test_every_cell_says_where_it_stands_in_the_slides(path):
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in read(path).cells]
    assert set(kinds) <= {"slide", "subslide", "fragment", "skip", "notes", "-"}
    assert kinds.count("slide") >= 5
    assert kinds.count("fragment") >= 5 or path not in CHAPTERS      # a derivation steps line by line


def test_every_notebook_has_a_name_that_says_what_it_is():
    assert sorted(NOTEBOOKS.glob("*.ipynb")) == sorted(CHAPTERS + APPENDICES)


@every_slide_show
def test_its_slides_load_nothing_that_is_not_beside_them(path):
    html = build.slides(path)                        # raises if anything would come from the network
    local = set(re.findall(r"""<(?:script|link)\b[^>]*(?:src|href)="([^"]+)""", html))
    assert local
    assert [source for source in local if not (NOTEBOOKS / source).is_file()] == []


def test_ruff_finds_nothing():
    found = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", str(NOTEBOOKS)],
                           capture_output=True, text=True)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_chapter_has_its_solutions():
    assert [path.name for path in CHAPTERS] == [path.name for path in SOLUTIONS]


@every_chapter
def test_it_has_three_to_five_exercises(path):
    """Numbered after the heading Exercises: `### 8.1 ...`, `## Exercise 1 ...` or `**Exercise 1. ...**`. 00 has one."""
    chapter = int(path.name[:2])
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    _, heading, section = re.split(r"^(#+ Exercises?\b)", "\n\n".join(texts), maxsplit=1, flags=re.MULTILINE)
    numbers = re.findall(rf"^(?:#+ +|\*\*)(?:Exercise +)?(?:{chapter}\.)?(\d)\b", heading + section, re.MULTILINE)
    assert numbers == [str(n) for n in range(1, len(numbers) + 1)]
    assert 3 <= len(numbers) <= 5 or chapter == 0


def checkers(path):
    """The names of the checkers of a chapter."""
    chapter = importlib.import_module(f"scratchvae.exercises.chapter_{path.name[:2]}")
    return {name for name, thing in vars(chapter).items() if hasattr(thing, "mistakes")}


def checked(cells):
    """(names of checkers called, what they printed) of each cell that calls one."""
    for cell in cells:
        if names := CHECKER_CALL.findall(cell.source):
            yield names, printed(cell)


@every_chapter
def test_every_checker_waits_for_an_answer_in_the_chapter(path):
    stubs = list(checked(cell for cell in code_cells(path) if "# your code here" in cell.source))
    assert sorted(name for names, _ in stubs for name in names) == sorted(checkers(path))
    for names, text in stubs:
        assert text == len(names) * "Not answered yet.\n"


@every_solution
def test_every_checker_is_content_in_the_solution(path):
    answers = list(checked(code_cells(path)))
    assert {name for names, _ in answers for name in names} == checkers(path)
    for names, text in answers:
        assert text.splitlines().count("Right.") == len(names)
        assert "Not yet." not in text and "Not answered yet." not in text


@pytest.fixture(scope="session")
def executions(request):
    """{path: its execution in the future}: a few at a time, each with one thread, in the order of the tests."""
    paths = [item.callspec.params["path"] for item in request.session.items
             if getattr(item, "originalname", "") == "test_it_executes_and_says_what_is_committed"]
    with ThreadPoolExecutor(build.AT_A_TIME) as pool:
        yield {path: pool.submit(build.execute, path) for path in paths}
        pool.shutdown(cancel_futures=True)


@every_notebook
def test_it_executes_and_says_what_is_committed(path, executions):
    """From a clean kernel, warnings being errors; the same outputs in the same places, in the same words."""
    executed = executions[path].result()
    for i, (committed, again) in enumerate(zip(read(path).cells, executed.cells, strict=True), start=1):
        assert said_in(again.get("outputs", [])) == said_in(committed.get("outputs", [])), f"cell {i}"
