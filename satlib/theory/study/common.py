"""What the experiments share: a row of a table, random projections, a summary of many draws."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from satlib.theory.arrays import Floats

Value = float | int | str | bool | list[float]
Row = dict[str, Value]
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


class Projections(NamedTuple):
    """W_q, W_k and W_v, each (d, d)."""

    w_q: Floats
    w_k: Floats
    w_v: Floats


def projections(dim: int, seed: int) -> Projections:
    """Draw projections that give unit-norm tokens logits of standard deviation about 1 and values of norm about 1."""
    rng = np.random.default_rng(seed)
    w_q, w_k, w_v = rng.standard_normal((3, dim, dim))
    return Projections(w_q, w_k, w_v / np.sqrt(dim))


def column(rows: Sequence[Row], name: str) -> Floats:
    """Return one column of a table: (n,) of numbers, (n, R) of lists of R numbers."""
    return np.array([row[name] for row in rows], dtype=np.float64)


def quantiles(values: npt.ArrayLike, levels: tuple[float, ...] = QUANTILES) -> list[float]:
    """Return quantiles of all values, rounded."""
    return rounded(np.quantile(np.asarray(values, dtype=np.float64), levels))


def median(values: npt.ArrayLike) -> float | str:
    """Return the median, rounded, or "none" of no values."""
    array = np.asarray(values, dtype=np.float64)
    return number(float(np.median(array))) if array.size else "none"


def number(value: float) -> float:
    """Round to six significant digits, which is more than any measurement here means."""
    return float(f"{value:.6g}")


def rounded(values: npt.ArrayLike) -> list[float]:
    """Round each of a flat sequence of numbers."""
    return [number(float(v)) for v in np.ravel(values)]
