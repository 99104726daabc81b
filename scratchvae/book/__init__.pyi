# For type checkers and editors, which do not see what __init__.py imports when it is asked for.
from .experiments import Experiment as Experiment
from .experiments import Outcome as Outcome
from .experiments import run as run
from .experiments import sweep as sweep
from .explorer import explore as explore
from .page import compare as compare
from .page import show as show
from .trained import keep as keep
from .trained import recall as recall
