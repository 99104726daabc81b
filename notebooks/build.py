"""Execute the chapters, and turn them into slides.

    python notebooks/build.py execute [NAME ...]     chapters and solutions, each from a clean kernel, written in place
    python notebooks/build.py slides [NAME ...]      chapters as slides in slides/, to be shown without a network

NAME is a file or the beginning of a file's name, such as 08; without one, all are taken.
"""

import argparse
import asyncio
import base64
import io
import os
import re
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import SlidesExporter
from nbconvert.preprocessors import CoalesceStreamsPreprocessor
from PIL import Image
from traitlets.config import Config

NOTEBOOKS = Path(__file__).resolve().parent
ASSETS = NOTEBOOKS / "assets"
SLIDES = NOTEBOOKS.parent / "slides"

MOST_BYTES = 2_000_000
MOST_SECONDS = 300                     # a cell
AT_A_TIME = min(4, os.cpu_count())     # each kernel computes with one thread, so that the numbers depend on no setting
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}
STRICT = ["import warnings", "warnings.simplefilter('error')",
          "warnings.filterwarnings('ignore', module='ipykernel')",
          "warnings.filterwarnings('ignore', 'invalid value encountered in matmul')"]    # see pyproject.toml
KERNEL_ARGUMENTS = ["--IPKernelApp.log_level=ERROR", *(f"--IPKernelApp.exec_lines={line}" for line in STRICT)]
REMOTE = re.compile(r"""<(?:script|link|img|iframe|audio|video|source)\b[^>]*\b(?:src|href)\s*=\s*["']?(?:https?:)?//"""
                    r"""[^>]*>|(?:@import|url\()\s*["'(]*(?:https?:)?//[^"')]*""", re.IGNORECASE)


class ChapterError(Exception):
    """What is wrong with a notebook, and in which cell, in a sentence."""


def execute(path):
    """The notebook at `path`, executed from a clean kernel in which a warning is an error, and tidied.

    Raises ChapterError if a cell raises, warns, writes to stderr or takes too long, or if the whole is too large.
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    started = []
    client = NotebookClient(notebook, timeout=MOST_SECONDS, kernel_name="python3", record_timing=False,
                            resources={"metadata": {"path": path.parent}}, extra_arguments=KERNEL_ARGUMENTS,
                            on_cell_start=lambda cell, cell_index: started.append(cell_index + 1))
    with tempfile.TemporaryDirectory() as settings:
        try:
            asyncio.run(client.async_execute(env=environment(settings)))
        except CellExecutionError:
            pass                       # its output says it, and is found below
        except (CellTimeoutError, DeadKernelError) as error:
            raise ChapterError(f"{path.name}, cell {started[-1] if started else 0}: {error}") from None
    refuse_complaints(path, notebook)
    return tidied(path, notebook)


def environment(settings):
    """The kernel's environment variables: the reader's own IPython settings and matplotlib backend stay outside."""
    threads = dict.fromkeys(["OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"], "1")
    return {**os.environ, **threads, "IPYTHONDIR": settings, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def refuse_complaints(path, notebook):
    """ChapterError if a cell's output is an error (errors while a figure is drawn too) or goes to stderr."""
    for i, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                raise ChapterError(f"{path.name}, cell {i}: {output.ename}: {output.evalue}\n{indented(cell.source)}")
            if output.output_type == "stream" and output.name == "stderr":
                raise ChapterError(f"{path.name}, cell {i}, writes to stderr: {output.text}\n{indented(cell.source)}")


def indented(source):
    return "".join(f"    {line}\n" for line in source.splitlines())


def tidied(path, notebook):
    """The notebook without what changes from one execution to the next though the numbers do not."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat_minor = max(5, notebook.nbformat_minor)
    for i, cell in enumerate(notebook.cells):
        cell.setdefault("id", f"c{i + 1:02}")
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("slideshow", "tags")})
    notebook, _ = CoalesceStreamsPreprocessor().preprocess(notebook, {})
    shrink_pictures(notebook)
    nbformat.validate(notebook)
    size = len(nbformat.writes(notebook).encode())
    if size > MOST_BYTES:
        raise ChapterError(f"{path.name} has {size / 1000:.0f} kB with its outputs, more than {MOST_BYTES // 1000} kB")
    return notebook


def shrink_pictures(notebook):
    """Each PNG with a palette of 256 colours: a third of the bytes, and nothing that the eye would miss."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if png := output.get("data", {}).get("image/png"):
                picture, small = Image.open(io.BytesIO(base64.b64decode(png))), io.BytesIO()
                picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, "png", optimize=True)
                output.data["image/png"] = base64.b64encode(small.getvalue()).decode()


def execute_in_place(path):
    """Execute one notebook, write it if all is well, and say how it went; -> whether all is well."""
    start = time.perf_counter()
    try:
        nbformat.write(execute(path), path)
    except ChapterError as error:
        print(f"FAILED  {error}", file=sys.stderr, flush=True)
        return False
    print(f"{time.perf_counter() - start:5.0f} s  {path.name}", flush=True)
    return True


def slides(path):
    """The HTML of a chapter's slides, from its own cell metadata; ChapterError if it would load anything remote."""
    exporter = SlidesExporter(template_name="lecture", extra_template_basedirs=[str(ASSETS)], exclude_anchor_links=True,
                              exclude_input_prompt=True, exclude_output_prompt=True,
                              config=Config(CSSHTMLHeaderPreprocessor={"style": "default"}))
    html, _ = exporter.from_filename(str(path))
    if remote := REMOTE.search(html):
        raise ChapterError(f"{path.name}: the slides would load {remote.group()!r} from the network")
    return html


def export(path):
    """Write the slides of one chapter; -> whether all is well."""
    try:
        html = slides(path)
    except ChapterError as error:
        print(f"FAILED  {error}", file=sys.stderr)
        return False
    (SLIDES / f"{path.stem}.html").write_text(html, encoding="utf-8")
    print(f"slides/{path.stem}.html")
    return True


def find(names, folders):
    """The notebooks of these names, in order; SystemExit, in a sentence, for a name that fits none."""
    known = sorted(path for folder in folders for path in folder.glob("*.ipynb"))
    fitting = {name: [Path(name)] if Path(name).is_file() else [p for p in known if p.name.startswith(name)]
               for name in names or [""]}
    for name, paths in fitting.items():
        if not paths:
            raise SystemExit(f"no notebook is called {name!r}; there are {', '.join(sorted({p.stem for p in known}))}")
    return list(dict.fromkeys(path.resolve() for paths in fitting.values() for path in paths))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["execute", "slides"])
    parser.add_argument("names", nargs="*", metavar="NAME")
    a = parser.parse_args()
    if a.command == "execute":
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            well = list(pool.map(execute_in_place, find(a.names, [NOTEBOOKS, NOTEBOOKS / "solutions"])))
    else:
        ours = shutil.ignore_patterns("*.j2", "conf.json")
        shutil.copytree(ASSETS, SLIDES / "assets", dirs_exist_ok=True, ignore=ours)
        well = [export(path) for path in find(a.names, [NOTEBOOKS])]
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
