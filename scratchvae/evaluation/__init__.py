"""Numbers that are what they are called."""

from .active_units import ActiveUnits, active_units
from .aggregate import log_aggregate, log_marginals
from .bits import bits_per_dim
from .detection import auc
from .elbo import evaluate
from .grid import GridPosterior
from .ledger import Entry, describe
from .per_example import fit_table
from .quadrature import exact_elbo, gauss_hermite
from .rate_distortion import RateDistortion, rate_distortion, split_marginal_kl
from .subspaces import principal_angles

__all__ = ["ActiveUnits", "Entry", "GridPosterior", "RateDistortion", "active_units", "auc", "bits_per_dim",
           "describe", "evaluate", "exact_elbo", "fit_table", "gauss_hermite", "log_aggregate", "log_marginals",
           "principal_angles", "rate_distortion", "split_marginal_kl"]
