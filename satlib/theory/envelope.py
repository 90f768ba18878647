"""The smallest bound of a given form that lies above all measured errors."""

import numpy as np

from satlib.theory.arrays import ArrayLike, Floats, as_matrix


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
