"""What the chapters call: the library's code shown, a number held against its formula, trainings that were kept.

Each is imported when it is first asked for: the command line needs kept trainings, and no notebook.
"""

from ..faces import lazily

__getattr__, __dir__ = lazily(__name__, {
    "page": ("compare", "show"),
    "trained": ("keep", "recall"),
    "explorer": ("explore",),
    "experiments": ("Experiment", "Outcome", "run", "sweep"),
})
