"""Numbers that are what they are called."""

from .active_units import ActiveUnits, active_units
from .aggregate import log_aggregate, log_marginals
from .ais import AnnealedImportance, annealed_importance, annealed_upper_bound
from .bits import bits_per_dim
from .detection import auc
from .disentanglement import disentanglement, factor_vote, mutual_information, mutual_information_gap
from .elbo import evaluate
from .frechet import frechet_distance, frechet_floor
from .grid import GridPosterior
from .importance import Weights, evaluate_bound, importance_weights
from .latent import attribute_vector, lerp, slerp, traverse
from .layers import LayerKL, layer_kl
from .ledger import Entry
from .per_example import fit_table
from .quadrature import exact_elbo, gauss_hermite
from .rate_distortion import RateDistortion, rate_distortion, split_marginal_kl
from .report import as_json, as_table, report
from .subspaces import principal_angles

__all__ = ["ActiveUnits", "AnnealedImportance", "Entry", "GridPosterior", "LayerKL", "RateDistortion", "Weights",
           "active_units", "annealed_importance", "annealed_upper_bound", "as_json", "as_table", "attribute_vector",
           "auc", "bits_per_dim", "disentanglement", "evaluate", "evaluate_bound", "exact_elbo", "factor_vote",
           "fit_table", "frechet_distance", "frechet_floor", "gauss_hermite", "importance_weights", "layer_kl", "lerp",
           "log_aggregate", "log_marginals", "mutual_information", "mutual_information_gap", "principal_angles",
           "rate_distortion", "report", "slerp", "split_marginal_kl", "traverse"]
