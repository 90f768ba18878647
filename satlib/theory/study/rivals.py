"""The envelope test: three bounds with fitted constants, calibrated on some configurations and tested on others."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from satlib.analysis.statistics import rank_correlation
from satlib.theory.arrays import Floats
from satlib.theory.bounds import bound_terms
from satlib.theory.envelope import fit_envelope
from satlib.theory.study.common import Row, column

BOUNDS = ("paper", "trivial", "repaired")
Mask = npt.NDArray[np.bool_]


class Verdict(NamedTuple):
    """How a bound, fitted on one set of configurations, does on another."""

    constants: Floats
    """(p,) fitted constants."""
    bound: Floats
    """(n,) the bound on the configurations held out."""
    error: Floats
    """(n,) their errors."""
    violations: float
    """Share of them whose error exceeds the bound."""
    tightness: float
    """Median of bound / error; 1 is perfect."""
    loosest: float
    """90 % quantile of bound / error."""
    rank: float
    """Rank correlation of bound and error: does it know which configuration is worse?"""


def terms(rows: list[Row], bound: str) -> Floats:
    """Return the terms (n, p) of a bound on rows of the experiment "envelope".

    "paper": the two terms of equation (1) at delta = 0.05. "trivial": sqrt(N) diam(V). "repaired": the size term, the
    trivial bound times the bounded probability of a missed cluster, and the terms of order sigma squared.

    Raises
    ------
    ValueError
        If ``bound`` is none of these words.
    """
    trivial = np.sqrt(column(rows, "n_tokens")) * column(rows, "diameter")
    if bound == "trivial":
        return trivial[:, None]
    if bound == "repaired":
        missed = np.minimum(1, column(rows, "missed_bound"))
        return np.stack((column(rows, "size"), trivial * missed, column(rows, "spread") + column(rows, "merging")), 1)
    if bound != "paper":
        raise ValueError(f"bound must be one of {', '.join(BOUNDS)}, got {bound!r}")
    names = ("n_tokens", "n_centers", "beta", "lipschitz", "value_norm")
    n, k, beta, lipschitz, norm = (column(rows, name) for name in names)
    printed = [
        bound_terms(int(a), int(b), int(b * c), d, e) for a, b, c, d, e in zip(n, k, beta, lipschitz, norm, strict=True)
    ]
    return np.array([[p.cluster, p.attention] for p in printed])


def judge(rows: list[Row], bound: str, fitted: Mask) -> Verdict:
    """Fit a bound's constants on the configurations marked ``fitted`` (n,), and test it on the others.

    The fit is the smallest envelope in units of each error, so that small errors count as much as large ones.
    """
    error, table = column(rows, "error"), terms(rows, bound)
    constants = fit_envelope(np.ones(fitted.sum()), table[fitted] / error[fitted, None])
    reach, held_out = table[~fitted] @ constants, error[~fitted]
    ratio = reach / held_out
    return Verdict(
        constants,
        reach,
        held_out,
        float((ratio < 1).mean()),
        float(np.median(ratio)),
        float(np.quantile(ratio, 0.9)),
        rank_correlation(reach, held_out),
    )


def proved(rows: list[Row]) -> Floats:
    """Return the repaired theorem's bound at delta = 0.05 with no constant fitted, (n,).

    Where a missed cluster may be more likely than delta, only the trivial bound is left.
    """
    size, _, rest = terms(rows, "repaired").T
    trivial = terms(rows, "trivial")[:, 0]
    return np.where(column(rows, "missed_bound") > 0.05, trivial, np.minimum(trivial, size + rest))
