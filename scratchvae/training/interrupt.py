"""Ctrl-C that waits for a good moment."""

import contextlib
import signal
import threading


@contextlib.contextmanager
def interruptible():
    """Within, Ctrl-C only makes the yielded function return True; a second Ctrl-C interrupts at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(signum, frame):
        asked.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
