"""Theorem 3.2, checked: synthetic tokens, the bound as printed, the error and its parts, and what holds instead.

All functions take numpy arrays or CPU tensors, compute in float64 and return numpy arrays; the same seed gives the
same result. Chapter 12 of the book uses them; ``python -m satlib.theory study`` repeats its measurements.
"""

from satlib.theory.bounds import BoundTerms, bound_terms, hoeffding_radius
from satlib.theory.constants import Constants, estimate_constants
from satlib.theory.coverage import missed_cluster_bound, missed_cluster_probability
from satlib.theory.decomposition import Decomposition, decompose_error
from satlib.theory.draws import sample_indices
from satlib.theory.mixture import Mixture, make_mixture
from satlib.theory.repaired import CoveredBound, covered_bound, separates, size_bias_bound
from satlib.theory.scores import separation, similarity
from satlib.theory.statistics import Slope, fit_envelope, local_slopes, loglog_slope, rank_correlation

__all__ = [
    "BoundTerms",
    "Constants",
    "CoveredBound",
    "Decomposition",
    "Mixture",
    "Slope",
    "bound_terms",
    "covered_bound",
    "decompose_error",
    "estimate_constants",
    "fit_envelope",
    "hoeffding_radius",
    "local_slopes",
    "loglog_slope",
    "make_mixture",
    "missed_cluster_bound",
    "missed_cluster_probability",
    "rank_correlation",
    "sample_indices",
    "separates",
    "separation",
    "similarity",
    "size_bias_bound",
]
