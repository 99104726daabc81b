"""notebooks/build.py: strict when it executes, steady when nothing changed, and no slide uses the network."""

import importlib.util
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = pytest.mark.slow

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
specification = importlib.util.spec_from_file_location("notebooks_build", NOTEBOOKS / "build.py")
build = importlib.util.module_from_spec(specification)
specification.loader.exec_module(build)


@pytest.fixture
def write(tmp_path):
    def notebook(*sources, **metadata):
        cells = [new_markdown_cell("# Title"), *(new_code_cell(source, metadata=metadata) for source in sources)]
        nbformat.write(new_notebook(cells=cells), tmp_path / "09_try.ipynb")
        return tmp_path / "09_try.ipynb"

    return notebook


@pytest.mark.parametrize(("source", "sentence"), [
    ("1 / 0", "09_try.ipynb, cell 3: ZeroDivisionError: division by zero\n    1 / 0"),
    ("import numpy as np\nnp.log(np.zeros(1))", "cell 3: RuntimeWarning: divide by zero"),
    ("import warnings\nwarnings.warn('old', DeprecationWarning)", "cell 3: DeprecationWarning: old"),
    ("import matplotlib.pyplot as plt\nplt.title(r'$\\nonsense$');", "cell 3: ValueError: "),      # when it is drawn
    ("import sys\nprint('alas', file=sys.stderr)", "cell 3, writes to stderr: alas"),
    ("print('x' * 2_000_000)", "has 2001 kB with its outputs, more than 2000 kB"),
    ("import os\nos._exit(1)", "cell 3: Kernel died"),
])
def test_whatever_goes_wrong_is_said_with_its_cell_and_the_file_is_left_alone(write, capsys, source, sentence):
    path = write("print('well')", source)
    before = path.read_bytes()
    assert build.execute_in_place(path) is False
    assert sentence in capsys.readouterr().err
    assert path.read_bytes() == before


def test_a_second_execution_changes_no_byte(write):
    path = write("print('one')\ndisplay(2)\nprint('three')", "%matplotlib inline\nimport matplotlib.pyplot as plt",
                 "plt.plot([1, 2]);", "", slideshow={"slide_type": "slide"}, execution={"iopub.status": "now"})
    assert build.execute_in_place(path)
    once = path.read_bytes()
    assert build.execute_in_place(path)
    assert path.read_bytes() == once
    cells = nbformat.read(path, as_version=4).cells
    assert [output.output_type for output in cells[1].outputs] == ["stream", "display_data", "stream"]
    assert "image/png" in cells[3].outputs[0].data
    assert all(set(cell.metadata) <= {"slideshow"} for cell in cells)


@pytest.mark.parametrize("html", [
    '<script src="https://cdn.example/x.js">', "<link rel=stylesheet href='//cdn.example/x.css'>",
    '<img alt="x" src="http://example.org/x.png">', '<style>@import "https://example.org/x.css";</style>',
    "<p style='background: url(http://example.org/x.png)'>",
])
def test_slides_that_would_use_the_network_are_refused(write, html):
    path = write("1", slideshow={"slide_type": "slide"})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = html
    nbformat.write(notebook, path)
    with pytest.raises(build.ChapterError, match="would load .* from the network"):
        build.slides(path)


def test_a_link_to_a_paper_is_no_use_of_the_network(write):
    path = write("1", slideshow={"slide_type": "slide"})
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source = "[Kingma & Welling](https://arxiv.org/abs/1312.6114), https://arxiv.org"
    nbformat.write(notebook, path)
    assert "https://arxiv.org/abs/1312.6114" in build.slides(path)


def test_names_are_beginnings_of_names_or_files(write):
    path = write("1")
    assert build.find([str(path)], []) == [path.resolve()]
    assert build.find(["09"], [path.parent]) == build.find([], [path.parent]) == [path.resolve()]
    with pytest.raises(SystemExit, match="no notebook is called 'zz'; there are 09_try"):
        build.find(["zz"], [path.parent])
