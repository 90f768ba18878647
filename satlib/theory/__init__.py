"""Theorem 3.2, checked: synthetic tokens, the bound as printed, the error and its parts, and what holds instead.

All functions take numpy arrays or CPU tensors, compute in float64 and return numpy arrays; the same seed gives the
same result. Chapter 12 of the book and its appendix use them; ``python -m satlib.theory study`` repeats the
measurements.
"""

from typing import TYPE_CHECKING

from satlib.support.lazy import names_on_demand

if TYPE_CHECKING:
    from satlib.analysis.statistics import Slope, local_slopes, loglog_slope, rank_correlation
    from satlib.theory.assumptions import PrintedMargin, field_lipschitz, lipschitz_floor, printed_margin
    from satlib.theory.bounds import BoundTerms, bound_terms, hoeffding_radius
    from satlib.theory.constants import Constants, estimate_constants
    from satlib.theory.coverage import missed_cluster_bound, missed_cluster_probability
    from satlib.theory.decomposition import Decomposition, decompose_error
    from satlib.theory.draws import sample_indices
    from satlib.theory.envelope import fit_envelope
    from satlib.theory.mixture import Mixture, make_mixture
    from satlib.theory.repaired import CoveredBound, covered_bound, draw_shift, separates, size_bias_bound
    from satlib.theory.scores import Scores, score_changes, separation, similarity
else:
    __getattr__, __dir__ = names_on_demand(
        __name__,
        {
            "PrintedMargin": "satlib.theory.assumptions",
            "field_lipschitz": "satlib.theory.assumptions",
            "lipschitz_floor": "satlib.theory.assumptions",
            "printed_margin": "satlib.theory.assumptions",
            "draw_shift": "satlib.theory.repaired",
            "score_changes": "satlib.theory.scores",
            "Scores": "satlib.theory.scores",
            "BoundTerms": "satlib.theory.bounds",
            "bound_terms": "satlib.theory.bounds",
            "hoeffding_radius": "satlib.theory.bounds",
            "Constants": "satlib.theory.constants",
            "estimate_constants": "satlib.theory.constants",
            "missed_cluster_bound": "satlib.theory.coverage",
            "missed_cluster_probability": "satlib.theory.coverage",
            "Decomposition": "satlib.theory.decomposition",
            "decompose_error": "satlib.theory.decomposition",
            "sample_indices": "satlib.theory.draws",
            "Mixture": "satlib.theory.mixture",
            "make_mixture": "satlib.theory.mixture",
            "CoveredBound": "satlib.theory.repaired",
            "covered_bound": "satlib.theory.repaired",
            "separates": "satlib.theory.repaired",
            "size_bias_bound": "satlib.theory.repaired",
            "separation": "satlib.theory.scores",
            "similarity": "satlib.theory.scores",
            "Slope": "satlib.analysis.statistics",
            "fit_envelope": "satlib.theory.envelope",
            "local_slopes": "satlib.analysis.statistics",
            "loglog_slope": "satlib.analysis.statistics",
            "rank_correlation": "satlib.analysis.statistics",
        },
    )

__all__ = [
    "BoundTerms",
    "Constants",
    "CoveredBound",
    "Decomposition",
    "Mixture",
    "PrintedMargin",
    "Scores",
    "Slope",
    "bound_terms",
    "covered_bound",
    "decompose_error",
    "draw_shift",
    "estimate_constants",
    "field_lipschitz",
    "fit_envelope",
    "hoeffding_radius",
    "lipschitz_floor",
    "local_slopes",
    "loglog_slope",
    "make_mixture",
    "missed_cluster_bound",
    "missed_cluster_probability",
    "printed_margin",
    "rank_correlation",
    "sample_indices",
    "score_changes",
    "separates",
    "separation",
    "similarity",
    "size_bias_bound",
]
