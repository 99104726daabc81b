"""What the options of all commands share."""

import argparse
import sys


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one sentence."""

    def error(self, message):
        sys.exit(f"{self.prog}: {message}; --help explains all options")


def positive(kind):
    """The type of an option that must be a positive int or float."""
    def convert(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    convert.__name__ = f"positive {'whole number' if kind is int else 'number'}"
    return convert


def describing(subparsers, name, run, **texts):
    """A parser for the command `name`, whose help tells the defaults; `run` does its work."""
    command = subparsers.add_parser(name, formatter_class=argparse.ArgumentDefaultsHelpFormatter, **texts)
    command.set_defaults(run=run)
    return command
