"""Finding 8: many configurations, the error of each, and the terms of three bounds."""

import numpy as np

from satlib.theory.constants import estimate_constants
from satlib.theory.coverage import missed_cluster_bound
from satlib.theory.decomposition import decompose_error
from satlib.theory.mixture import make_mixture
from satlib.theory.repaired import covered_bound, diameter
from satlib.theory.study.common import Row, number, projections

CONFIGURATIONS = 120
DELTA = 0.05


def envelope(index: int, n_tokens: int, n_centers: int, beta: int, sigma: float, size_ratio: float, dim: int) -> Row:
    """Measure the 95 % quantile of the error over 100 draws, and what the bounds are made of.

    Size-blind attention and similarity weights, as in the paper; m = max(1, K / 8).
    """
    mixture = make_mixture(n_tokens, n_centers, sigma=sigma, size_ratio=size_ratio, dim=dim, seed=index)
    w = projections(dim, index)
    neighbors = max(1, n_centers // 8)
    n_samples = beta * n_centers
    found = decompose_error(
        mixture.x, *w, n_centers=n_centers, n_samples=n_samples, neighbors=neighbors, seeds=range(100)
    )
    constants = estimate_constants(mixture.x, n_centers=n_centers, neighbors=neighbors, labels=mixture.labels)
    proved = covered_bound(mixture.x, *w, sigma=sigma, sizes=mixture.sizes)
    return {
        "error": number(float(np.quantile(found.total, 1 - DELTA))),
        "exact_norm": number(found.exact_norm),
        "lipschitz": number(constants.lipschitz),
        "value_norm": number(found.value_norm),
        "diameter": number(diameter(mixture.x @ w.w_v)),
        "missed_bound": number(missed_cluster_bound(mixture.sizes, n_samples)),
        "size": number(proved.size),
        "spread": number(proved.spread),
        "merging": number(proved.merging),
    }


def envelope_settings() -> tuple[Row, ...]:
    """Draw configurations over a wide range, always the same ones."""
    rng = np.random.default_rng(12)
    rows: list[Row] = []
    while len(rows) < CONFIGURATIONS:
        n, k, beta = (int(rng.choice(c)) for c in ((256, 512, 1024), (4, 8, 16, 32), (2, 4, 8, 16)))
        row: Row = {
            "index": len(rows),
            "n_tokens": n,
            "n_centers": k,
            "beta": beta,
            "sigma": number(float(np.exp(rng.uniform(np.log(1e-3), np.log(0.15))))),
            "size_ratio": int(rng.choice((1, 2, 4, 8, 16))),
            "dim": int(rng.choice((16, 32, 64))),
        }
        if beta * k <= n // 2:
            rows.append(row)
    return tuple(rows)
