"""Normalizing flows: a simple q(z|x), bent by invertible steps into one that is nearer to p(z|x)."""

from .householder import Householder, householder
from .iaf import IAF, gate
from .linear_iaf import LinearIAF, shear
from .planar import Planar, planar
from .posterior import FlowPosterior, HouseholderPosterior
from .step import Flow, FlowStep

__all__ = ["IAF", "Flow", "FlowPosterior", "FlowStep", "Householder", "HouseholderPosterior", "LinearIAF", "Planar",
           "gate", "householder", "planar", "shear"]
