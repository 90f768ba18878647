"""Synthetic tokens that satisfy the theorem's assumptions (ii) and (iv) by construction.

K clusters on the unit sphere: each is a small ball of ``intrinsic_dim`` dimensions around its centre, and any two lie
at least a given distance apart. Shapes: N tokens, d dimensions, K clusters.
"""

from typing import NamedTuple

import numpy as np

from satlib.theory.arrays import Floats, Integers, check_count, check_real, choice

LAYOUTS = ("shuffle", "runs", "periodic")
ATTEMPTS, ROUND = 4000, 40
"""Random centres tried for each cluster before giving up, and how many at once."""
SLACK = 1 - 1e-9
"""Radii stay below sigma by this factor, so that rounding does not carry a token over the edge."""


class Mixture(NamedTuple):
    """Tokens in clusters."""

    x: Floats
    """(N, d) tokens of norm 1."""
    labels: Integers
    """(N,) cluster of each token, in 0..K-1."""
    centers: Floats
    """(K, d) centres, of norm 1; a centre need not be a token."""
    sizes: Integers
    """(K,) tokens in each cluster, ascending."""


def make_mixture(
    n_tokens: int,
    n_clusters: int,
    *,
    dim: int = 32,
    sigma: float = 0.05,
    separation: float = 0.6,
    size_ratio: float = 1.0,
    intrinsic_dim: int = 4,
    layout: str = "shuffle",
    seed: int = 0,
) -> Mixture:
    """Make unit-norm tokens in well separated clusters.

    Parameters
    ----------
    n_tokens, n_clusters, dim
        N, K and d.
    sigma
        Largest distance of a token from its centre; 0 makes exact duplicates. Distances are spread as in a ball of
        ``intrinsic_dim`` dimensions filled evenly.
    separation
        Smallest distance between tokens of different clusters.
    size_ratio
        Largest cluster size over the smallest, the sizes in geometric progression, up to rounding.
    intrinsic_dim
        Dimensions of a cluster, in 1..d-1.
    layout
        Order of the tokens: "shuffle" (random), "runs" (one cluster after the other) or "periodic" (the clusters take
        turns, each as evenly as its size allows).
    seed
        Same seed, same mixture.

    Raises
    ------
    ValueError
        If an argument is out of range, or so many clusters do not fit on the sphere at that separation.
    """
    check_count("n_tokens", n_tokens, 1)
    check_count("n_clusters", n_clusters, 1, n_tokens)
    check_count("dim", dim, 2)
    check_count("intrinsic_dim", intrinsic_dim, 1, dim - 1)
    check_real("sigma", sigma, 0, 1)
    check_real("separation", separation, 0, 2)
    choice("layout", layout, LAYOUTS)
    rng = np.random.default_rng(seed)
    sizes = cluster_sizes(n_tokens, n_clusters, size_ratio)
    centers = _spread_centers(n_clusters, dim, separation + 2 * sigma, rng)
    labels = _arrange(sizes, layout, rng)
    x = np.empty((n_tokens, dim))
    for k, center in enumerate(centers):
        x[labels == k] = _ball(center, int(sizes[k]), intrinsic_dim, sigma, rng)
    return Mixture(x, labels, centers, sizes)


def cluster_sizes(n_tokens: int, n_clusters: int, size_ratio: float) -> Integers:
    """Return K sizes that sum to N, ascending, in geometric progression from 1 to ``size_ratio``, none of them 0."""
    check_real("size_ratio", size_ratio, 1)
    shares = np.geomspace(1, size_ratio, n_clusters)
    wanted = shares / shares.sum() * n_tokens
    sizes = np.maximum(np.floor(wanted), 1).astype(np.int64)
    while sizes.sum() != n_tokens:
        gap = sizes - wanted
        if sizes.sum() < n_tokens:
            sizes[gap.argmin()] += 1
        else:
            sizes[np.where(sizes > 1, gap, -np.inf).argmax()] -= 1
    return np.sort(sizes)


def _spread_centers(n: int, dim: int, distance: float, rng: np.random.Generator) -> Floats:
    """Draw n points of the unit sphere, each at least ``distance`` from those before it."""
    centers = np.empty((n, dim))
    for k in range(n):
        for _ in range(ATTEMPTS // ROUND):
            tries = rng.standard_normal((ROUND, dim))
            tries /= np.linalg.norm(tries, axis=1, keepdims=True)
            nearest = 2 - 2 * (tries @ centers[:k].T).max(1, initial=-1.0)  # squared distance to those before
            if (nearest >= distance**2).any():
                break
        else:
            raise ValueError(f"separation: {n} clusters {distance:g} apart (with their radii) do not fit in dim={dim}")
        centers[k] = tries[(nearest >= distance**2).argmax()]
    return centers


def _arrange(sizes: Integers, layout: str, rng: np.random.Generator) -> Integers:
    """Return the labels (N,) in the order of the layout."""
    labels = np.repeat(np.arange(len(sizes), dtype=np.int64), sizes)
    if layout == "shuffle":
        return rng.permutation(labels)
    if layout == "runs":
        return labels
    turn = np.concatenate([(np.arange(n) + 0.5) / n for n in sizes])  # when each token is due
    return labels[np.argsort(turn, kind="stable")]


def _ball(center: Floats, n: int, intrinsic_dim: int, sigma: float, rng: np.random.Generator) -> Floats:
    """Draw n points of the sphere within the chord length ``sigma`` of ``center``, in a random tangent subspace."""
    frame = np.column_stack((center, rng.standard_normal((len(center), intrinsic_dim))))
    tangent = np.linalg.qr(frame)[0][:, 1:]  # (d, intrinsic_dim), orthogonal to the centre
    direction = rng.standard_normal((n, intrinsic_dim))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    chord = SLACK * sigma * rng.random(n) ** (1 / intrinsic_dim)
    angle = 2 * np.arcsin(chord / 2)[:, None]
    return np.asarray(np.cos(angle) * center + np.sin(angle) * (direction @ tangent.T))
