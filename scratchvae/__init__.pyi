# The rooms, for type checkers and editors, which do not see what __init__.py imports when it is asked for.
from . import backend as backend
from . import book as book
from . import core as core
from . import datasets as datasets
from . import evaluation as evaluation
from . import models as models
from . import nn as nn
from . import plots as plots
from . import probability as probability
from . import proof as proof
from . import training as training

ROOMS: tuple[str, ...]
__version__: str
