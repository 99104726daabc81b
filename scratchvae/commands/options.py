"""What the options of all commands share."""

import argparse
import sys


class Parser(argparse.ArgumentParser):
    """A parser that says what is wrong on one line."""

    def error(self, message):
        sys.exit(f"{self.prog}: {message}; --help explains all options")


class Formatter(argparse.ArgumentDefaultsHelpFormatter):
    """Help that tells the default of each option that has one."""

    def _get_help_string(self, action):
        if action.default is None or action.default is False:
            return action.help
        return super()._get_help_string(action)


def positive(kind):
    """The type of an option that must be a positive int or float."""
    def convert(text):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise ValueError
        return value

    convert.__name__ = f"positive {'whole number' if kind is int else 'number'}"
    return convert
