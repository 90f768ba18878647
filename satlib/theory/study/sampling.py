"""Findings 2, 4 and 7: coverage is an event, not a rate; L does not set it; samplers differ by layout alone."""

import numpy as np

from satlib.dta.options import AggregationMethod
from satlib.theory.bounds import bound_terms
from satlib.theory.constants import estimate_constants
from satlib.theory.coverage import missed_cluster_bound, missed_cluster_probability
from satlib.theory.decomposition import Decomposition, decompose_error
from satlib.theory.draws import sample_indices
from satlib.theory.mixture import make_mixture
from satlib.theory.study.common import Row, median, number, projections, quantiles, rounded
from satlib.theory.study.compression import SPREADS, baselines, exact_norm

N_TOKENS, N_CLUSTERS, NEIGHBORS = 512, 16, 2
BETAS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16)
LEVELS = (0.5, 0.4, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01, 0.005)


def draws(
    beta: float,
    mixture_seed: int,
    n: int,
    *,
    sigma: float = 0.02,
    size_ratio: float = 1,
    size_bias: bool = True,
    aggregation: AggregationMethod = "similarity",
) -> Decomposition:
    """Decompose the error of n uniform draws of one mixture: N = 512, K = 16, m = 2."""
    mixture = make_mixture(N_TOKENS, N_CLUSTERS, sigma=sigma, size_ratio=size_ratio, seed=mixture_seed)
    return decompose_error(
        mixture.x,
        *projections(32, mixture_seed),
        n_centers=N_CLUSTERS,
        n_samples=int(beta * N_CLUSTERS),
        neighbors=NEIGHBORS,
        aggregation=aggregation,
        size_bias=size_bias,
        labels=mixture.labels,
        seeds=range(n * mixture_seed, n * mixture_seed + n),
    )


def simple(
    *,
    sigma: float = 0.02,
    size_ratio: float = 1,
    size_bias: bool = True,
    aggregation: AggregationMethod = "similarity",
    relative: bool = True,
) -> Row:
    """Return the medians over the same 10 mixtures of the errors of random centres and of the mean value."""
    found = []
    for seed in range(10):
        x = make_mixture(N_TOKENS, N_CLUSTERS, sigma=sigma, size_ratio=size_ratio, seed=seed).x
        w = projections(32, seed)
        unit = exact_norm(x, w) if relative else 1.0
        errors = baselines(x, w, N_CLUSTERS, seed, aggregation=aggregation, size_bias=size_bias)
        found.append([error / unit for error in errors])
    return {"random": median([f[0] for f in found]), "trivial": median([f[1] for f in found])}


def coverage(beta: float, size_ratio: float, aggregation: AggregationMethod, size_bias: bool) -> Row:
    """Measure the error and the missed clusters of 10 mixtures with 20 draws each."""
    parts = [draws(beta, s, 20, size_ratio=size_ratio, aggregation=aggregation, size_bias=size_bias) for s in range(10)]
    total = np.concatenate([p.total / p.exact_norm for p in parts])
    missed = np.concatenate([p.missed for p in parts if p.missed is not None])
    unsampled = np.concatenate([p.unsampled for p in parts if p.unsampled is not None])
    sizes = make_mixture(N_TOKENS, N_CLUSTERS, size_ratio=size_ratio).sizes
    n_samples = int(beta * N_CLUSTERS)
    return {
        **simple(size_ratio=size_ratio, aggregation=aggregation, size_bias=size_bias),
        "draws": len(total),
        "total": quantiles(total),
        "cluster": quantiles(np.concatenate([p.cluster / p.exact_norm for p in parts])),
        "covered": median(total[missed == 0]),
        "missing": median(total[missed > 0]),
        "missed": number(float((missed > 0).mean())),
        "disagreements": int(((missed > 0) != (unsampled > 0)).sum()),
        "probability": number(missed_cluster_probability(sizes, n_samples)),
        "bound": number(missed_cluster_bound(sizes, n_samples)),
    }


def coverage_settings() -> tuple[Row, ...]:
    """Cross beta, the size ratio, the aggregation and log n_k."""
    return tuple(
        {"beta": b, "size_ratio": r, "aggregation": a, "size_bias": bias}
        for a in ("similarity", "mean", "center")
        for bias in (True, False)
        for r in (1, 4, 16)
        for b in BETAS
    )


def lipschitz(sigma: float, aggregation: AggregationMethod) -> Row:
    """Measure L and the clustering error at fixed N, K and beta = 4, over 10 mixtures of 20 draws."""
    constants, errors, terms = [], [], []
    for seed in range(10):
        mixture = make_mixture(N_TOKENS, N_CLUSTERS, sigma=sigma, seed=seed)
        found = estimate_constants(mixture.x, n_centers=N_CLUSTERS, neighbors=NEIGHBORS, labels=mixture.labels)
        constants.append(found.lipschitz)
        errors.append(draws(4, seed, 20, sigma=sigma, aggregation=aggregation).cluster)
        terms.append(bound_terms(N_TOKENS, N_CLUSTERS, 4 * N_CLUSTERS, found.lipschitz, 0).cluster)
    return {
        **simple(sigma=sigma, aggregation=aggregation, relative=False),
        "lipschitz": rounded(constants),
        "median": rounded(np.median(errors, axis=1)),
        "high": rounded(np.quantile(errors, 0.95, axis=1)),
        "paper": rounded(terms),
    }


def lipschitz_settings() -> tuple[Row, ...]:
    """Vary the cluster radius, which sets L, for each aggregation."""
    return tuple({"sigma": s, "aggregation": a} for a in ("similarity", "mean", "center") for s in SPREADS)


def failure(beta: float) -> Row:
    """Measure the quantiles of the clustering error down to 0.5 % of 2,000 draws: 10 mixtures of 200."""
    parts = [draws(beta, seed, 200) for seed in range(10)]
    errors = np.concatenate([p.cluster / p.exact_norm for p in parts])
    sizes = make_mixture(N_TOKENS, N_CLUSTERS).sizes
    return {
        **simple(),
        "draws": len(errors),
        "delta": list(LEVELS),
        "quantile": quantiles(errors, tuple(1 - level for level in LEVELS)),
        "probability": number(missed_cluster_probability(sizes, int(beta * N_CLUSTERS))),
    }


def failure_settings() -> tuple[Row, ...]:
    """Vary beta."""
    return tuple({"beta": b} for b in (2, 4, 6, 8))


def samplers(layout: str, method: str, beta: int) -> Row:
    """Count missed clusters for 200 mixtures of one draw each, and measure the error of the first 20; N = 1024."""
    unsampled, errors = [], []
    for seed in range(200):
        mixture = make_mixture(1024, 16, sigma=0.02, size_ratio=4, layout=layout, seed=seed)
        sample = sample_indices(1024, 16 * beta, method=method, seed=seed)
        unsampled.append(16 - len(np.unique(mixture.labels[sample])))
        if seed < 20:
            found = decompose_error(
                mixture.x,
                *projections(32, seed),
                n_centers=16,
                n_samples=16 * beta,
                neighbors=2,
                method=method,
                size_bias=True,
                seeds=(seed,),
            )
            errors.append(found.total[0] / found.exact_norm)
    return {
        "missed": number(float(np.mean(np.array(unsampled) > 0))),
        "unsampled": number(float(np.mean(unsampled))),
        "error": quantiles(errors),
    }


def samplers_settings() -> tuple[Row, ...]:
    """Cross the layout, the way to sample and beta."""
    return tuple(
        {"layout": layout, "method": method, "beta": beta}
        for layout in ("shuffle", "runs", "periodic")
        for method in ("uniform", "stratified", "grid")
        for beta in (1, 2, 3, 4, 6, 8)
    )
