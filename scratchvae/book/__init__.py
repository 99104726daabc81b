"""What the chapters call: show the library's code, compare a number with its formula, recall a kept training.

Each is imported when it is first used: the command line needs kept trainings, but not IPython.
"""

from ..faces import lazily

__getattr__, __dir__ = lazily(__name__, {
    "page": ("compare", "show"),
    "trained": ("keep", "recall"),
    "explorer": ("explore",),
    "experiments": ("Experiment", "Outcome", "run", "sweep"),
})
