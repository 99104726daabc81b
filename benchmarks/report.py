"""The results, to be read: a table for each workload, on the screen and as markdown."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

import numpy as np

from .race import CONTENDERS, ratio


def machine():
    """Where, with what, and when."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    threads = {name: os.environ[name] for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS") if name in os.environ}
    return {"CPU": cpu, "cores": os.process_cpu_count() if hasattr(os, "process_cpu_count") else
            len(os.sched_getaffinity(0)), "system": platform.platform(), "Python": platform.python_version(),
            "numpy": np.__version__, "BLAS": f"{blas['name']} {blas['version']}",
            "torch": importlib.metadata.version("torch"), "threads": threads or "as they come",
            "load before": f"{os.getloadavg()[0]:.2f}",
            "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")}


def rows(found):
    """What stands under HEAD for each contender; or its name, and why it was skipped."""
    contenders = found["contenders"]
    for name in CONTENDERS:
        if "skipped" in contenders[name]:
            yield name, f"skipped: {contenders[name]['skipped']}"
            continue
        memory = contenders[name]["MB"]
        torch = contenders["torch"].get("MB")
        yield (name, f"{contenders[name]['steps/s']:.1f}", spread(ratio(contenders, name, "torch")),
               spread(ratio(contenders, name, "torch-tuned")), f"{memory:.0f}",
               f"{memory / torch:.2f}" if torch else "-")


def spread(of_ratio):
    """2.10 (2.05-2.14): the median, and the quartiles."""
    return "-" if of_ratio is None else "{:.2f} ({:.2f}-{:.2f})".format(*of_ratio)


HEAD = ("contender", "steps/s", "ratio to torch", "to torch-tuned", "peak MB", "ratio to torch")


def table(name, found):
    """For the screen."""
    wide = "{:15s}{:>9s}{:>19s}{:>19s}{:>9s}{:>16s}"
    lines = [(wide if len(row) == len(HEAD) else "{:15s} {}").format(*row) for row in (HEAD, *rows(found))]
    return "\n".join([f"\n{name}: {found['title']}", *lines, *operations(found["breakdown"])])


def operations(breakdown):
    """Where our step goes."""
    ms, sgemm, n = breakdown["ms"], breakdown["sgemm"], breakdown["threads"]
    whole = sum(ms.values())
    yield f"a step of scratchvae, one process{f', the first of its {n} threads' if n > 1 else ''}: {whole:.2f} ms"
    yield from (f"  {name:12s}{of:9.3f} ms{of / whole:7.0%}" for name, of in ms.items())
    yield (f"  the matrix products of its layers alone: {sgemm['ms']:.2f} ms, at {sgemm['gflops']:.0f} GFLOP/s "
           f"(2048 x 2048: {sgemm['peak']:.0f})")


def markdown(results):
    """All of it as a page."""
    lines = ["# Training speed beside PyTorch's", "", *EXPLANATION, ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += [f"- command: `{results['command']}`", "", "```", results["gate"].strip(), "```"]
    for name, found in results["workloads"].items():
        lines += ["", f"## {name}: {found['title']}", "",
                  f"{found['rounds']} rounds of {found['steps']} steps, after {found['warm_up']} steps at least.", "",
                  f"| {' | '.join(HEAD)} |", "|---|" + "--:|" * (len(HEAD) - 1)]
        lines += [f"| {' | '.join(row)} |" for row in rows(found)]
        lines += ["", "```", *operations(found["breakdown"]), "```"]
    return "\n".join(lines) + "\n"


EXPLANATION = (
    "The same model, data, batch and optimizer, float32. Every contender is a process of its own; they train in turns,",
    "A B C ... C B A, and each ratio is the median over the rounds of steps/s in that round, with its quartiles.",
    "Memory is the most that the process ever held, with its workers, pages they share counted once.",
    "",
    "- scratchvae: `fit`, which shares large steps among threads; scratchvae-2: `fit(..., workers=2)`",
    "- torch: PyTorch as it comes, `torch.optim.Adam`",
    "- torch-tuned: fused Adam, `torch.set_flush_denormal(True)`, `MALLOC_TRIM_THRESHOLD_` and",
    "  `MALLOC_MMAP_THRESHOLD_` of 1 GB; images with channels first or last, whichever is faster",
    "- torch-compile: `torch.compile` and fused Adam",
)
