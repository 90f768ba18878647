"""Slopes with intervals, envelopes and rank correlation: what turns measured errors into statements."""

from typing import NamedTuple

import numpy as np

from satlib.theory.arrays import ArrayLike, Floats, as_matrix, check_count


class Slope(NamedTuple):
    """An exponent and its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


def loglog_slope(x: ArrayLike, y: ArrayLike, *, n_boot: int = 1000, seed: int = 0) -> Slope:
    """Fit the exponent p of y ~ x^p by least squares on the logarithms.

    Parameters
    ----------
    x, y
        (n,) and (n, R), or (n,) for R = 1: R repetitions at each of n >= 2 places, all positive.
    n_boot, seed
        Bootstrap resamples of the repetitions, at each place by itself, and their seed.
    """
    logx, logy = _logs(x, y)
    check_count("n_boot", n_boot, 1)
    centred = logx - logx.mean()
    weight = centred / (centred**2).sum()
    rng = np.random.default_rng(seed)
    pick = rng.integers(0, logy.shape[1], (n_boot, *logy.shape))
    means = np.take_along_axis(logy[None], pick, axis=2).mean(2)  # (n_boot, n)
    low, high = np.quantile(means @ weight, (0.025, 0.975))
    return Slope(float(logy.mean(1) @ weight), float(low), float(high))


def local_slopes(x: ArrayLike, y: ArrayLike) -> Floats:
    """Return the exponent between each two neighbouring places, (n - 1,): what a single fitted slope would hide."""
    logx, logy = _logs(x, y)
    return np.asarray(np.diff(logy.mean(1)) / np.diff(logx))


def fit_envelope(errors: ArrayLike, terms: ArrayLike) -> Floats:
    """Find the smallest non-negative combination of terms that lies above all errors.

    The linear programme: minimise the sum of terms @ c, subject to terms @ c >= errors and c >= 0. To give each
    configuration the same weight, divide its error and its terms by its error. Needs scipy (the extra "theory").

    Parameters
    ----------
    errors, terms
        (n,) and (n, p), none negative.

    Returns
    -------
    Floats
        (p,) coefficients.

    Raises
    ------
    ValueError
        If the shapes or signs are wrong, or some positive error has no positive term.
    """
    from scipy.optimize import linprog

    above = np.asarray(errors, dtype=np.float64)
    matrix = as_matrix("terms", terms).numpy()
    if above.shape != (len(matrix),) or not np.isfinite(above).all() or above.min() < 0:
        raise ValueError(f"errors must be {len(matrix)} finite numbers >= 0, got shape {above.shape}")
    if matrix.min() < 0:
        raise ValueError("terms must not be negative")
    uncovered = (above > 0) & (matrix.max(1) == 0)
    if uncovered.any():
        raise ValueError(f"terms are all zero in row {int(uncovered.argmax())}, whose error is positive")
    if not above.any():
        return np.zeros(matrix.shape[1])
    ratio = matrix[above > 0] / above[above > 0, None]  # every constraint in units of its error,
    unit = np.array([np.median(c[c > 0]) if c.any() else 1.0 for c in ratio.T])  # every term in units of its own
    cost = matrix.sum(0) / unit
    solution = linprog(cost / cost.max(), A_ub=-ratio / unit, b_ub=-np.ones(len(ratio)))
    if solution.x is None:
        raise ValueError(f"errors and terms give no envelope: {solution.message}")
    fitted = np.maximum(solution.x, 0) / unit
    return np.asarray(fitted * max(1.0, (1 + 1e-12) / (ratio @ fitted).min()))  # the solver stops a little below


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation of two sequences (n,); equal values share their mean rank."""
    ranks = [_ranks(np.asarray(values, dtype=np.float64)) for values in (a, b)]
    if ranks[0].shape != ranks[1].shape or len(ranks[0]) < 2:
        raise ValueError(f"two sequences of equal length >= 2 are needed, got {len(ranks[0])} and {len(ranks[1])}")
    if np.ptp(ranks[0]) == 0 or np.ptp(ranks[1]) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def _logs(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    places, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if places.ndim != 1 or len(np.unique(places)) < 2 or places.min() <= 0 or not np.isfinite(places).all():
        raise ValueError(f"x must hold positive numbers (n,), at least two different, got {x!r}")
    if values.ndim != 2 or len(values) != len(places) or values.shape[1] == 0:
        raise ValueError(f"y must be ({len(places)}, R), got shape {values.shape}")
    if not np.isfinite(values).all() or values.min() <= 0:
        raise ValueError("y must be positive and finite to have a logarithm")
    return np.log(places), np.log(values)
