"""What holds instead: constants-free bounds on the error once every cluster has been sampled.

The appendix of chapter 12 proves them. All distances between probability vectors are total variations, and all of
them rest on one fact: if two vectors are p_k and p_k w_k / (sum of p w), they differ by at most
tanh(log(w_max / w_min) / 4).

Shapes: N tokens, K clusters, d dimensions. The chapter's symbols: lambda_i `gain`, zeta_i = 2 sigma lambda_i, (N,);
mu `shift`, how far an aggregated token lies from its cluster's mean; Phi `width`, the diameter of the values.
"""

from math import sqrt, tanh
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, AggregationMethod, NormRestoration
from satlib.theory.arrays import ArrayLike, as_matrix, check_real, choice


class CoveredBound(NamedTuple):
    """The parts of the bound on ||O - O*||_F given coverage, and their sum; each is >= 0."""

    size: float
    """From keys that do not know how many tokens they stand for; 0 with log n_k in the logits."""
    spread: float
    """From replacing tokens by their cluster's mean: of order sigma squared."""
    merging: float
    """From aggregated tokens that are not the mean: of order sigma squared, and sigma for centres alone."""
    total: float
    """Their sum."""


def size_bias_bound(sizes: ArrayLike, values: ArrayLike) -> float:
    """Return sqrt(N) diam(V) tanh(log(n_max / n_min) / 4), the most that size-blind attention can be off.

    For exact duplicates it bounds ||O - O*||_F whatever the queries and keys are, and two clusters reach it.

    Parameters
    ----------
    sizes
        (K,) cluster sizes, each at least 1; N is their sum.
    values
        (n, d) value vectors, of the clusters or of all tokens.

    Raises
    ------
    ValueError
        If there is no size, or one is below 1.
    """
    counts = np.asarray(sizes, dtype=np.float64)
    if counts.ndim != 1 or len(counts) == 0 or not np.isfinite(counts).all() or counts.min() < 1:
        raise ValueError(f"sizes must be one or more numbers >= 1, got {counts.tolist()!r:.100}")
    return sqrt(counts.sum()) * diameter(values) * tanh(np.log(counts.max() / counts.min()) / 4)


def diameter(values: ArrayLike) -> float:
    """Return the largest distance between two rows of a matrix (n, d)."""
    matrix = as_matrix("values", values)
    return float(torch.cdist(matrix, matrix, compute_mode="donot_use_mm_for_euclid_dist").max())


def separates(sigma: float, separation: float, largest_distance: float) -> bool:
    """Say whether DTA must put exactly one centre into each sampled cluster of unit-norm tokens.

    It must if (1 - l^2 / 4) epsilon^2 > 4 sigma^2, with l the largest distance between two tokens: the densest sampled
    token of a cluster then outscores every token that has a denser one in its own cluster.
    """
    for name, value in (("sigma", sigma), ("separation", separation), ("largest_distance", largest_distance)):
        check_real(name, value, 0)
    return (1 - largest_distance**2 / 4) * separation**2 > 4 * sigma**2


def covered_bound(
    x: ArrayLike,
    w_q: ArrayLike,
    w_k: ArrayLike,
    w_v: ArrayLike,
    *,
    sigma: float,
    sizes: ArrayLike,
    aggregation: AggregationMethod = "similarity",
    temperature: float = 0.1,
    norm_restoration: NormRestoration = "max",
    size_bias: bool = False,
) -> CoveredBound:
    """Bound ||O - O*||_F when each cluster of unit-norm tokens has exactly one centre.

    Parameters
    ----------
    x, w_q, w_k, w_v
        (N, d) tokens of norm 1, and the projections (d, d_q), (d, d_q), (d, d_v).
    sigma
        The radius of the clusters around centres of norm 1, in [0, 1).
    sizes
        (K,) cluster sizes.
    aggregation, temperature, norm_restoration, size_bias
        As in :func:`satlib.theory.decompose_error`; all tokens have norm 1, so "max" and "mean" mean the same.
    """
    check_real("sigma", sigma, 0, 1)
    check_real("temperature", temperature, 0, strict=True)
    choice("aggregation", aggregation, AGGREGATIONS)
    choice("norm_restoration", norm_restoration, NORM_RESTORATIONS)
    tokens, queries, keys, values = (as_matrix(n, v) for n, v in (("x", x), ("w_q", w_q), ("w_k", w_k), ("w_v", w_v)))
    gain = (tokens @ queries).norm(dim=1) * spectral_norm(keys) / sqrt(queries.shape[1])  # logit per unit of distance
    stretch, width = spectral_norm(values), diameter(tokens @ values)
    zeta = 2 * sigma * gain
    spread = 2 * sigma * stretch * torch.tanh(zeta / 2) + width * torch.tanh(zeta.cosh().log() / 4)
    shift = merge_shift(sigma, aggregation, temperature)
    if norm_restoration != "none" and aggregation != "center":
        shift += sigma**2 / 2
    merging = stretch * shift + width * torch.tanh(gain * shift / 2)
    size = 0.0 if size_bias else size_bias_bound(sizes, tokens @ values)
    parts = (size, float(spread.norm()), float(merging.norm()))
    return CoveredBound(*parts, sum(parts))


def merge_shift(sigma: float, aggregation: AggregationMethod, temperature: float) -> float:
    """Return how far, at most, an aggregated token lies from its cluster's mean, before its norm is restored.

    0 for the mean, 2 sigma tanh(sigma^2 / (4 tau)) for similarity weights, 2 sigma for the centre alone.
    """
    choice("aggregation", aggregation, AGGREGATIONS)
    if aggregation == "mean":
        return 0.0
    return 2 * sigma * (tanh(sigma**2 / (4 * temperature)) if aggregation == "similarity" else 1.0)


def draw_shift(
    sigma: float, aggregation: AggregationMethod, temperature: float, norm_restoration: NormRestoration = "max"
) -> float:
    """Return how far, at most, the aggregated tokens of one cluster lie from each other in two covering draws.

    The tokens have norm 1 and lie within sigma < 1 of a centre of norm 1. 0 for the mean. 2 sigma for the centre
    alone. For similarity weights 2 sigma tanh(sigma^2 / (2 tau)): the weights of two draws differ by factors whose
    ratio is at most e^(2 sigma^2 / tau). Restoring norms is Lipschitz with 1 / (1 - sigma^2 / 2), as no mean is shorter
    than 1 - sigma^2 / 2.
    """
    check_real("sigma", sigma, 0, 1)
    check_real("temperature", temperature, 0, strict=True)
    choice("aggregation", aggregation, AGGREGATIONS)
    choice("norm_restoration", norm_restoration, NORM_RESTORATIONS)
    if aggregation != "similarity":
        return 2 * sigma if aggregation == "center" else 0.0
    merged = 2 * sigma * tanh(sigma**2 / (2 * temperature))
    return merged if norm_restoration == "none" else merged / (1 - sigma**2 / 2)


def spectral_norm(matrix: Tensor) -> float:
    """Return the largest singular value."""
    return float(torch.linalg.matrix_norm(matrix, ord=2))
