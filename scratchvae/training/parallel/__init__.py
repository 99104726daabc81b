"""Who computes the steps of a training: one thread, several threads, or several processes."""

from .choose import executor_for
from .executor import Executor
from .one_thread import OneThread
from .processes import Processes
from .threads import Threads

__all__ = ["Executor", "OneThread", "Processes", "Threads", "executor_for"]
