"""Intervals by the bootstrap, and the exponent of a power law."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor


class Interval(NamedTuple):
    """Means, and the lower and upper ends of their 95 % intervals, all of one shape."""

    mean: Tensor
    low: Tensor
    high: Tensor

    def compared(self, to: float = 0.0) -> str:
        """Return where a single interval lies: "above" or "below" a number, or "not distinguishable from" it."""
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
        If there are fewer than two images.
    """
    if values.ndim < 2 or values.shape[-2] < 2:
        raise ValueError(f"an interval needs values (..., images, draws) of two images at least, got {values.shape}")
    random = torch.Generator().manual_seed(seed)
    n_images, n_draws = values.shape[-2:]
    image = torch.randint(n_images, (resamples, n_images, 1), generator=random)
    draw = torch.randint(n_draws, (resamples, 1, n_draws), generator=random)
    means = values.double()[..., image, draw].mean((-2, -1))  # (..., resamples)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64), dim=-1)
    return Interval(values.double().mean((-2, -1)), low, high)


def growth(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return the exponent p of the power law cost = c * size^p that fits best on log axes (least squares)."""
    x, y = (torch.tensor(values, dtype=torch.float64).log() for values in (sizes, costs))
    if x.shape != y.shape or x.ndim != 1 or len(x.unique()) < 2:
        raise ValueError(f"growth needs a cost for each of two different sizes or more, got {sizes} and {costs}")
    x = x - x.mean()
    return float((x * y).sum() / x.square().sum())
