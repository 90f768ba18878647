"""What an experiment with a few seeds for each row can say: with pairing, without it, and for all rows at once.

The model of :mod:`satlib.results.trials` is additive, value = row + seed + noise. Here it is asked whether the seeds
matter at all, whether pairing by seed gains anything, and how wide intervals must be that hold for all comparisons
together.

Shapes: r rows, n seeds.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from satlib.support.checks import is_int, real, require

Floats = npt.NDArray[np.float64]

TAIL = 1e-16
"""Probability that is left out at either end of a distribution."""


class Designs(NamedTuple):
    """Half widths of the 95 % interval of a difference of two rows, by design, and a test of the seeds."""

    paired: float
    """Seed by seed, in the additive model: (r - 1)(n - 1) degrees of freedom."""
    unpaired: float
    """As if every row had seeds of its own: r (n - 1) degrees of freedom."""
    simultaneous: float
    """Paired, for all r - 1 differences to one row together (Dunnett)."""
    seeds: float
    """P of the F test that seeds do not matter: large if pairing gains nothing."""


def designs(values: npt.ArrayLike) -> Designs:
    """Compare three ways to read a table of rows and seeds.

    Parameters
    ----------
    values
        (r, n), r >= 2 and n >= 2; not additive without any noise.

    Raises
    ------
    ValueError
        If there are fewer rows or seeds, or values that are not finite.
    """
    from scipy.stats import f, t

    table = np.asarray(values, dtype=np.float64)
    require(table.ndim == 2 and min(table.shape) >= 2, "values", table.shape, "at least two rows with two seeds")
    strange = table[~np.isfinite(table)].tolist()
    require(not strange, "values", strange[:1], "finite")
    n_rows, n_seeds = table.shape
    degrees, own = (n_rows - 1) * (n_seeds - 1), n_rows * (n_seeds - 1)
    rows, seeds = table.mean(1, keepdims=True), table.mean(0)
    noise = ((table - rows - seeds + table.mean()) ** 2).sum() / degrees
    alone = ((table - rows) ** 2).sum() / own
    between = n_rows * ((seeds - table.mean()) ** 2).sum() / (n_seeds - 1)
    error = np.sqrt(2 * noise / n_seeds)
    return Designs(
        float(t.ppf(0.975, degrees) * error),
        float(t.ppf(0.975, own) * np.sqrt(2 * alone / n_seeds)),
        dunnett_critical(n_rows - 1, degrees) * float(error),
        float(f.sf(between / noise, n_seeds - 1, degrees)),
    )


def dunnett_critical(n_comparisons: int, degrees: int, *, level: float = 0.95) -> float:
    """Return by how many standard errors all of k differences to one common row stay within their intervals.

    Dunnett's two-sided critical value for equally many repetitions: the ``level`` quantile of the largest of k absolute
    values of Student's t with a common denominator and correlations of 1/2. With k = 1 it is that of Student's t.

    Parameters
    ----------
    n_comparisons, degrees
        k >= 1 and the degrees of freedom >= 1 of the estimated noise.
    level
        In (0, 1).

    Raises
    ------
    ValueError
        If a number is out of its range.
    """
    from scipy.optimize import brentq
    from scipy.stats import chi2, norm, t

    require(is_int(n_comparisons) and n_comparisons >= 1, "n_comparisons", n_comparisons, "an integer of at least 1")
    require(is_int(degrees) and degrees >= 1, "degrees", degrees, "an integer of at least 1")
    real("level", level, 0, 1)
    nodes, weights = np.polynomial.hermite_e.hermegauss(64)  # of the common row
    weights /= weights.sum()
    ends = chi2.ppf(TAIL, degrees), chi2.isf(TAIL, degrees)
    squares = np.geomspace(*ends, 2000)  # of the estimated noise, times the degrees
    likely = squares * chi2.pdf(squares, degrees)
    likely /= likely.sum()

    def outside(limit: float) -> float:
        reach = limit * np.sqrt(2 * squares / degrees)[:, None]
        each = norm.cdf(nodes + reach) - norm.cdf(nodes - reach)  # (2000, 64)
        return float(likely @ ((1 - each**n_comparisons) @ weights))

    # Between the value for one comparison and Bonferroni's for all of them.
    low, high = t.isf((1 - level) / 2, degrees), t.isf((1 - level) / (2 * n_comparisons), degrees)
    return float(low if n_comparisons == 1 else brentq(lambda limit: outside(limit) - (1 - level), low, high))
