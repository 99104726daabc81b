"""What is going on, for whoever waits; the results alone go to standard output."""

import sys


def say(line):
    print(line, file=sys.stderr, flush=True)
