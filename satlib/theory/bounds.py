"""The theorem as printed: the two terms of its equation (1), and the radius of its Lemma 1."""

from math import log, sqrt
from typing import NamedTuple

from satlib.theory.arrays import check_count, check_real, check_sizes


class BoundTerms(NamedTuple):
    """The right-hand side of equation (1)."""

    cluster: float
    """C1 L sqrt(N K log(1 / delta) / S), said to bound the clustering error."""
    attention: float
    """C2 ||V||_F K / N, said to bound the attention compression error."""
    total: float
    """Their sum."""


def bound_terms(
    n_tokens: int,
    n_centers: int,
    n_samples: int,
    lipschitz: float,
    value_norm: float,
    *,
    delta: float = 0.05,
    c1: float = 1.0,
    c2: float = 1.0,
) -> BoundTerms:
    """Return the bound of Theorem 3.2.

    Parameters
    ----------
    n_tokens, n_centers, n_samples
        N, K and S, 1 <= K <= S <= N.
    lipschitz, value_norm
        L and ||V||_F, neither negative.
    delta
        The probability of failure, in (0, 1).
    c1, c2
        The theorem's unnamed constants, neither negative.
    """
    check_sizes(n_tokens, n_centers, n_samples)
    for name, value in (("lipschitz", lipschitz), ("value_norm", value_norm), ("c1", c1), ("c2", c2)):
        check_real(name, value, 0)
    check_real("delta", delta, 0, 1, strict=True)
    cluster = c1 * lipschitz * sqrt(n_tokens * n_centers * log(1 / delta) / n_samples)
    attention = c2 * value_norm * n_centers / n_tokens
    return BoundTerms(cluster, attention, cluster + attention)


def hoeffding_radius(n_samples: int, neighbors: int, delta: float, *, sharp: bool = False) -> float:
    """Return the radius of Lemma 1; a density lies in [0, 1], so that 1 or more says nothing.

    Printed is sqrt(2 log(2 S / delta) / m). Hoeffding's inequality gives half of it for the same probability: a mean of
    m independent numbers in [0, 1] is off by t or more with probability 2 exp(-2 m t^2) at most.

    Parameters
    ----------
    n_samples, neighbors
        S, and m in 1..S-1.
    delta
        The probability of failure for all S tokens together, in (0, 1).
    sharp
        What the inequality gives, instead of what is printed.
    """
    check_count("n_samples", n_samples, 2)
    check_count("neighbors", neighbors, 1, n_samples - 1)
    check_real("delta", delta, 0, 1, strict=True)
    printed = sqrt(2 * log(2 * n_samples / delta) / neighbors)
    return printed / 2 if sharp else printed
