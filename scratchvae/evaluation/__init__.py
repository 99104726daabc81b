"""Numbers that are what they are called."""

from .bits import bits_per_dim
from .detection import auc
from .elbo import evaluate
from .grid import GridPosterior
from .ledger import Entry
from .per_example import fit_table
from .quadrature import exact_elbo, gauss_hermite
from .subspaces import principal_angles

__all__ = ["Entry", "GridPosterior", "auc", "bits_per_dim", "evaluate", "exact_elbo", "fit_table", "gauss_hermite",
           "principal_angles"]
