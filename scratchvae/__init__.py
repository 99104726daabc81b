"""Variational autoencoders by hand: NumPy layers whose backward passes are written out, and proven."""

__version__ = "0.1.0"
