"""Findings 1, 3 and 6: what compression costs, without and with log n_k, and what remains once covered."""

from functools import partial

import numpy as np

from satlib.dta.options import AggregationMethod
from satlib.theory.arrays import Floats, as_matrix
from satlib.theory.baselines import random_center_errors, trivial_error
from satlib.theory.bounds import bound_terms
from satlib.theory.compression import attend_exactly
from satlib.theory.decomposition import decompose_error
from satlib.theory.mixture import make_mixture
from satlib.theory.repaired import covered_bound, size_bias_bound
from satlib.theory.study.common import Projections, Row, median, projections, quantiles, rounded

RANDOM_DRAWS = 5
"""Draws of random centres for each mixture."""
SPREADS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15)


def size_blind(n_tokens: int, n_centers: int, size_ratio: float) -> Row:
    """Measure the attention error with all tokens sampled and nearly duplicate clusters, over 8 mixtures."""
    lists: dict[str, list[float]] = {
        name: [] for name in ("blind", "aware", "paper", "proved", "random", "trivial", "exact")
    }
    for seed in range(8):
        mixture = make_mixture(n_tokens, n_centers, sigma=1e-3, size_ratio=size_ratio, seed=seed)
        w = projections(32, seed)
        decompose = partial(decompose_error, mixture.x, *w, n_centers=n_centers, n_samples=n_tokens, neighbors=4)
        blind = decompose()
        lists["blind"].append(blind.attention)
        lists["aware"].append(decompose(size_bias=True).attention)
        lists["paper"].append(bound_terms(n_tokens, n_centers, n_tokens, 0, blind.value_norm).attention)
        lists["proved"].append(size_bias_bound(mixture.sizes, mixture.centers @ w.w_v))
        lists["random"].append(random_center_errors(mixture.x, *w, n_centers=n_centers, seeds=(seed,))[0])
        lists["trivial"].append(trivial_error(mixture.x, *w))
        lists["exact"].append(blind.exact_norm)
    return {name: rounded(values) for name, values in lists.items()}


def size_blind_settings() -> tuple[Row, ...]:
    """Vary N, K and the size ratio around N = 1024, K = 8, 1:16."""
    varied = [(n, 8, 16) for n in (256, 512, 1024, 2048, 4096)]
    varied += [(1024, k, 16) for k in (4, 16, 32, 64)] + [(1024, 8, r) for r in (1, 2, 4, 8, 32)]
    return tuple({"n_tokens": n, "n_centers": k, "size_ratio": r} for n, k, r in varied)


def exact_norm(x: Floats, w: Projections) -> float:
    """Return ||O*||_F."""
    return float(attend_exactly(*(as_matrix("x", m) for m in (x, *w))).norm())


def baselines(
    x: Floats,
    w: Projections,
    n_centers: int,
    seed: int,
    *,
    aggregation: AggregationMethod = "similarity",
    size_bias: bool = True,
) -> tuple[float, float]:
    """Return the error of random centres, the median of a few draws, and that of the mean value."""
    seeds = range(RANDOM_DRAWS * seed, RANDOM_DRAWS * (seed + 1))
    random = random_center_errors(x, *w, n_centers=n_centers, aggregation=aggregation, size_bias=size_bias, seeds=seeds)
    return float(np.median(random)), trivial_error(x, *w)


def covered(sigma: float, aggregation: AggregationMethod, size_ratio: float) -> Row:
    """Measure the errors given coverage: N = 512, K = 8, S = 256, 10 mixtures of 10 draws each."""
    cluster, attention, aware, blind, bound, simple = [], [], [], [], [], []
    for seed in range(10):
        mixture = make_mixture(512, 8, sigma=sigma, size_ratio=size_ratio, seed=seed)
        w = projections(32, seed)
        decompose = partial(
            decompose_error,
            mixture.x,
            *w,
            n_centers=8,
            n_samples=256,
            neighbors=4,
            aggregation=aggregation,
            labels=mixture.labels,
            seeds=range(10 * seed, 10 * seed + 10),
        )
        with_log, without = decompose(size_bias=True), decompose()
        proved = covered_bound(mixture.x, *w, sigma=sigma, sizes=mixture.sizes, aggregation=aggregation, size_bias=True)
        hit = with_log.missed == 0
        cluster.append(float(np.median(with_log.cluster[hit])) / with_log.exact_norm)
        aware += list(with_log.total[hit] / with_log.exact_norm)
        blind += list(without.total[hit] / without.exact_norm)
        attention.append(with_log.attention / with_log.exact_norm)
        bound.append(proved.total / with_log.exact_norm)
        random, trivial = baselines(mixture.x, w, 8, seed, aggregation=aggregation)
        simple.append((random / with_log.exact_norm, trivial / with_log.exact_norm))
    return {
        "draws": len(aware),
        "cluster": rounded(cluster),
        "attention": rounded(attention),
        "aware": quantiles(aware),
        "blind": quantiles(blind),
        "bound": median(bound),
        "random": median([random for random, _ in simple]),
        "trivial": median([trivial for _, trivial in simple]),
    }


def covered_settings() -> tuple[Row, ...]:
    """Cross the cluster radius, the aggregation and the size ratio."""
    ways = ("similarity", "mean", "center")
    return tuple({"sigma": s, "aggregation": a, "size_ratio": r} for r in (1, 16) for a in ways for s in SPREADS)
