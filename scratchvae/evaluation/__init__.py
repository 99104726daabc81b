"""Numbers that are what they are called."""

from .elbo import evaluate
from .ledger import Entry

__all__ = ["Entry", "evaluate"]
