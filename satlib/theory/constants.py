"""The constants in the theorem's assumptions, estimated on given tokens.

Shapes: N tokens, d dimensions, K centres, m neighbours.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib import dta
from satlib.theory.arrays import ArrayLike, Integers, as_labels, as_matrix, check_count
from satlib.theory.scores import Scores, scores


class Constants(NamedTuple):
    """The assumptions' constants; distances are Euclidean, similarity is s = (1 + cos) / 2."""

    lipschitz: float
    """L of (i): the largest change of density per distance, over the pairs looked at; a lower bound of the true one."""
    similarity_lipschitz: float
    """L_s: the largest change of a similarity per distance, over the triples looked at; a lower bound."""
    similarity_lipschitz_bound: float
    """1 / (2 min ||x||), which L_s cannot exceed; infinite with a zero token."""
    bound: float
    """B: the largest norm."""
    margin: float
    """Delta_min of (iii): the K-th score minus the next; infinite when K = N."""
    sigma: float
    """sigma of (iv): the largest distance of a token from its cluster's mean."""
    separation: float
    """epsilon of (ii): the smallest distance between tokens of different clusters; infinite for one cluster."""
    size_ratio: float
    """The largest cluster size over the smallest; the theorem does not ask for it."""


def estimate_constants(
    x: ArrayLike,
    *,
    n_centers: int,
    neighbors: int,
    labels: ArrayLike | None = None,
    pairs: int = 200_000,
    seed: int = 0,
) -> Constants:
    """Estimate the constants of assumptions (i) to (iv), all N tokens taken as the sample.

    Parameters
    ----------
    x
        (N, d) tokens.
    n_centers, neighbors
        K in 1..N and m in 1..N-1.
    labels
        (N,) clusters; ``None``: those that DTA makes with S = N.
    pairs
        How many random pairs and triples are looked at; all pairs if there are no more than that. Pairs of equal tokens
        are left out.
    seed
        Of the pairs.
    """
    tokens = as_matrix("x", x)
    n_tokens = len(tokens)
    check_count("n_centers", n_centers, 1, n_tokens)
    check_count("neighbors", neighbors, 1, n_tokens - 1)
    check_count("pairs", pairs, 1)
    unit = dta.normalize(tokens)
    full = scores(unit[None], neighbors)
    cluster = _clusters(unit, full, n_centers) if labels is None else as_labels(labels, n_tokens)
    rng = np.random.default_rng(seed)
    i, j = _pairs(n_tokens, pairs, rng)
    third = torch.from_numpy(rng.integers(0, n_tokens, len(i)))
    distance = (tokens[i] - tokens[j]).norm(dim=1)
    change = ((unit[i] - unit[j]) * unit[third]).sum(1) / 2
    norms = tokens.norm(dim=1)
    smallest = float(norms.min())
    sizes = torch.bincount(cluster)
    return Constants(
        lipschitz=_steepest(full.density[0, i] - full.density[0, j], distance),
        similarity_lipschitz=_steepest(change, distance),
        similarity_lipschitz_bound=0.5 / smallest if smallest > 0 else float("inf"),
        bound=float(norms.max()),
        margin=_margin(full.score[0], n_centers),
        sigma=_radius(tokens, cluster),
        separation=_gap(tokens, cluster),
        size_ratio=int(sizes.max()) / int(sizes[sizes > 0].min()),
    )


def _clusters(unit: Tensor, full: Scores, n_centers: int) -> Tensor:
    centers = dta.highest(full.score, n_centers)
    return dta.assign(unit[None], dta.take(unit[None], centers))[0]


def _pairs(n: int, limit: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Return all pairs i < j if there are at most ``limit``, else so many random ones of different tokens."""
    if n * (n - 1) // 2 <= limit:
        i, j = np.triu_indices(n, 1)
    else:
        i = rng.integers(0, n, limit)
        j = (i + rng.integers(1, n, limit)) % n
    ordered: tuple[Integers, Integers] = (i.astype(np.int64), j.astype(np.int64))
    return torch.from_numpy(ordered[0]), torch.from_numpy(ordered[1])


def _steepest(change: Tensor, distance: Tensor) -> float:
    """Return the largest |change| / distance over pairs that differ, 0 if none does."""
    apart = distance > 0
    return float((change[apart].abs() / distance[apart]).max()) if apart.any() else 0.0


def _margin(score: Tensor, k: int) -> float:
    ordered = score.sort(descending=True).values
    return float(ordered[k - 1] - ordered[k]) if k < len(ordered) else float("inf")


def _radius(tokens: Tensor, cluster: Tensor) -> float:
    total = tokens.new_zeros(int(cluster.max()) + 1, tokens.shape[1]).index_add(0, cluster, tokens)
    mean = total / torch.bincount(cluster).clamp_min(1).unsqueeze(1)
    return float((tokens - mean[cluster]).norm(dim=1).max())


def _gap(tokens: Tensor, cluster: Tensor) -> float:
    """Return the smallest distance between tokens of different clusters, in blocks of rows."""
    nearest = float("inf")
    for start, stop in dta.row_blocks(len(tokens), len(tokens), tokens.device):
        distance = torch.cdist(tokens[start:stop], tokens, compute_mode="donot_use_mm_for_euclid_dist")
        other = cluster[start:stop, None] != cluster
        nearest = min(nearest, float(distance.masked_fill(~other, torch.inf).min()))
    return nearest
