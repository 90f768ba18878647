"""What turns measurements into statements: intervals by the bootstrap, exponents of power laws, rank correlation."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from satlib.support.checks import is_int, require

Floats = npt.NDArray[np.float64]
ArrayLike = npt.ArrayLike | Tensor  # a tensor on the CPU, without gradient


class Interval(NamedTuple):
    """Means, and the lower and upper ends of their 95 % intervals, all of one shape."""

    mean: Tensor
    low: Tensor
    high: Tensor

    def compared(self, to: float = 0.0) -> str:
        """Return where a single interval lies: "above" or "below" a number, or "not distinguishable from" it.

        Raises
        ------
        ValueError
            If there are several intervals.
        """
        if self.mean.ndim:
            raise ValueError(
                f"one interval can be compared with a number, got intervals of shape {tuple(self.mean.shape)}"
            )
        return "above" if self.low > to else "below" if self.high < to else "not distinguishable from"


def interval(values: Tensor, *, resamples: int = 2000, seed: int = 0) -> Interval:
    """Return the mean of (..., I, D) over images and draws, and its 95 % interval: three tensors (...).

    By bootstrap: images and draws are both drawn anew, with replacement, and the middle 95 % of the means are kept
    (Owen, The pigeonhole bootstrap, 2007). It says how the mean would vary with other photographs of this kind.

    Raises
    ------
    ValueError
        If there are fewer than two images, or no draw, or ``resamples`` is no positive integer.
    """
    require(is_int(resamples) and resamples >= 1, "resamples", resamples, "an integer of at least 1")
    if values.ndim < 2 or values.shape[-2] < 2 or 0 in values.shape:
        raise ValueError(
            f"an interval needs values (..., images, draws) of two images at least, got {tuple(values.shape)}"
        )
    random = torch.Generator().manual_seed(seed)
    n_images, n_draws = values.shape[-2:]
    image = torch.randint(n_images, (resamples, n_images, 1), generator=random)
    draw = torch.randint(n_draws, (resamples, 1, n_draws), generator=random)
    means = values.double()[..., image, draw].mean((-2, -1))  # (..., resamples)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64), dim=-1)
    return Interval(values.double().mean((-2, -1)), low, high)


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

    Raises
    ------
    ValueError
        If ``n_boot`` is below 1, or there are fewer than two places, or numbers that are not positive.
    """
    logx, logy = _logs(x, y)
    require(is_int(n_boot) and n_boot >= 1, "n_boot", n_boot, "an integer of at least 1")
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


def rank_correlation(a: ArrayLike, b: ArrayLike) -> float:
    """Return Spearman's rank correlation of two sequences (n,); equal values share their mean rank.

    Raises
    ------
    ValueError
        If the sequences differ in length, or are shorter than 2.
    """
    ranks = [_ranks(np.asarray(values, dtype=np.float64)) for values in (a, b)]
    if ranks[0].shape != ranks[1].shape or len(ranks[0]) < 2:
        raise ValueError(f"two sequences of equal length >= 2 are needed, got {len(ranks[0])} and {len(ranks[1])}")
    if np.ptp(ranks[0]) == 0 or np.ptp(ranks[1]) == 0:
        return 0.0
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def gini(values: ArrayLike) -> float:
    """Return the Gini coefficient of numbers >= 0: 0 if all are equal, 1 - 1/n if all but one are 0, and 0 if all are.

    The mean difference of two of them, over twice their mean.

    Raises
    ------
    ValueError
        If there is no number, or one is negative or not finite.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if len(ordered) == 0 or ordered[0] < 0 or not np.isfinite(ordered).all():
        raise ValueError("the Gini coefficient is of finite numbers that are not negative, at least one")
    n, total = len(ordered), float(ordered.sum())
    return float((2 * np.arange(1, n + 1) - n - 1) @ ordered) / (n * total) if total else 0.0


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place])


def _in_one_line(values: Floats) -> str:
    """Return what a message says of values: their shape, and the first few."""
    some = ", ".join(f"{value:g}" for value in values.ravel()[:5])
    return f"shape {values.shape}: {some}{', ...' if values.size > 5 else ''}"


def _logs(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    places, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    values = values[:, None] if values.ndim == 1 else values
    if places.ndim != 1 or len(np.unique(places)) < 2 or places.min() <= 0 or not np.isfinite(places).all():
        raise ValueError(f"x must hold positive numbers (n,), at least two different, got {_in_one_line(places)}")
    if values.ndim != 2 or len(values) != len(places) or values.shape[1] == 0:
        raise ValueError(f"y must be ({len(places)}, R), got shape {values.shape}")
    if not np.isfinite(values).all() or values.min() <= 0:
        raise ValueError("y must be positive and finite to have a logarithm")
    return np.log(places), np.log(values)
