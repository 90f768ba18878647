"""The probability that a uniform draw leaves a whole cluster out."""

from math import comb

import numpy as np

from satlib.theory.arrays import ArrayLike, check_count


def missed_cluster_bound(sizes: ArrayLike, n_samples: int) -> float:
    """Return sum_k C(N - n_k, S) / C(N, S), an upper bound of P(some cluster is not sampled).

    Each summand is the exact probability that cluster k has none of S tokens drawn without replacement; their sum is
    a bound because several clusters can be missed at once, and it may exceed 1.

    Parameters
    ----------
    sizes
        (K,) cluster sizes n_k, each at least 1.
    n_samples
        S, in 1..N with N the sum of the sizes.
    """
    counts, n_tokens = _check(sizes, n_samples)
    return float(sum(_no_hit(n_tokens, n, n_samples) for n in counts))


def missed_cluster_probability(sizes: ArrayLike, n_samples: int) -> float:
    """Return P(some cluster is not sampled) exactly, by counting the draws that hit every cluster.

    Their number is the coefficient of z^S in the product over k of ((1 + z)^n_k - 1), in integers.
    """
    counts, n_tokens = _check(sizes, n_samples)
    hits = [1]
    for n in counts:
        ways = [0] + [comb(n, j) for j in range(1, min(n, n_samples) + 1)]
        grown = [0] * min(len(hits) + len(ways) - 1, n_samples + 1)
        for i, a in enumerate(hits):
            for j, b in enumerate(ways[: len(grown) - i]) if a else ():
                grown[i + j] += a * b
        hits = grown
    covered = hits[n_samples] if len(hits) > n_samples else 0
    draws = comb(n_tokens, n_samples)
    return (draws - covered) / draws


def _no_hit(n_tokens: int, n: int, n_samples: int) -> float:
    """Return C(N - n, S) / C(N, S), rounded once; n and S are interchangeable, so the smaller one is chosen from."""
    few, many = sorted((n, n_samples))
    return comb(n_tokens - many, few) / comb(n_tokens, few)


def _check(sizes: ArrayLike, n_samples: int) -> tuple[list[int], int]:
    array = np.asarray(sizes)
    if array.ndim != 1 or len(array) == 0 or not np.issubdtype(array.dtype, np.integer) or array.min() < 1:
        raise ValueError(f"sizes must be one or more positive integers, got {array.tolist()!r:.100}")
    counts = [int(n) for n in array]
    check_count("n_samples", n_samples, 1, sum(counts))
    return counts, sum(counts)
