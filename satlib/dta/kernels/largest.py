"""The mean of the m largest similarities of each token to the others (step 2), exactly, for any m.

Two kernels in turn: similarities of a block of rows go to a scratch matrix that fits in a GPU's cache, then the
m-th largest of each row is found by bisection. S x S similarities are never kept.

Shapes: B images, S sampled tokens, C channels, R rows of a block, m neighbours.
"""

import triton.language as tl
from torch import Tensor

from satlib.dta.kernels.tiles import CHANNELS, COLUMNS, ROWS, WARPS, blocks, jit, load_rows, products

SCRATCH = 2**22
"""Similarities held at once, about: 16 MiB."""

TOGETHER = 4
"""Rows of one program."""

LANES = 1024
"""Numbers of a row that a program looks at together, at most."""


def density_of_largest(unit: Tensor, m: int) -> Tensor:
    """Return the mean of the ``m`` largest similarities of each token to the others.

    ``unit`` is (B, S, C), unit vectors, m in 1..S-1; returns (B, S).
    """
    unit = unit.contiguous()
    n_images, n_sampled, n_channels = unit.shape
    density = unit.new_empty(n_images, n_sampled)
    step = max(1, SCRATCH // (n_images * n_sampled * ROWS)) * ROWS
    for start in range(0, n_sampled, step):
        n_rows = min(step, n_sampled - start)
        similarity = unit.new_empty(n_images, n_rows, n_sampled)  # (B, R, S)
        _similarities[(blocks(n_rows, ROWS), blocks(n_sampled, COLUMNS), n_images)](
            unit, similarity, start, n_rows, n_sampled, n_channels, ROWS, COLUMNS, CHANNELS, num_warps=WARPS
        )
        density[:, start : start + n_rows] = mean_of_largest(similarity, m)
    return density


def mean_of_largest(x: Tensor, m: int) -> Tensor:
    """Return the mean of the m largest of each row, (B, R, S) -> (B, R): :func:`satlib.dta.vectors.mean_of_largest`.

    A row has at least m finite numbers; -inf counts as none.
    """
    x = x.contiguous()
    mean = x.new_empty(x.shape[:-1])
    lanes = min(LANES, 1 << (x.shape[-1] - 1).bit_length())
    _mean_of_largest[(blocks(mean.numel(), TOGETHER),)](
        x, mean, mean.numel(), x.shape[-1], m, TOGETHER, lanes, num_warps=WARPS
    )
    return mean


@jit
def _similarities(
    unit: tl.tensor,
    out: tl.tensor,
    first: tl.tensor,
    n_rows: tl.tensor,
    n_sampled: tl.tensor,
    n_channels: tl.tensor,
    tile_rows: tl.constexpr,
    tile_columns: tl.constexpr,
    step: tl.constexpr,
) -> tl.tensor:
    """One tile of the similarities of ``n_rows`` tokens from the ``first`` on; -inf of a token with itself."""
    image = tl.program_id(2).to(tl.int64)
    unit += image * n_sampled * n_channels
    rows = tl.program_id(0) * tile_rows + tl.arange(0, tile_rows)
    columns = tl.program_id(1) * tile_columns + tl.arange(0, tile_columns)
    valid = rows < n_rows
    scale = tl.full((tile_rows,), 1.0, tl.float32)
    # (tile_rows, tile_columns) from here on.
    similarity = products(unit, first + rows, valid, scale, unit, columns, columns < n_sampled, n_channels, step)
    similarity = tl.where((first + rows)[:, None] == columns[None, :], float("-inf"), similarity)
    places = (image * n_rows + rows)[:, None] * n_sampled + columns[None, :]
    tl.store(out + places, similarity, mask=valid[:, None] & (columns < n_sampled)[None, :])


@jit
def _mean_of_largest(
    x: tl.tensor,
    mean: tl.tensor,
    n_rows: tl.tensor,
    length: tl.tensor,
    m: tl.tensor,
    together: tl.constexpr,
    lanes: tl.constexpr,
) -> tl.tensor:
    """Mean of the m largest numbers of each of a few rows.

    ``low`` and ``high`` are numbers of a row, and its m-th largest lies between them, ends included. Each pass counts
    the numbers from the middle on and moves one end to the next number of the row, until both are the same.
    """
    # Everything below is (together, lanes), or (together,) once a row has become one number.
    rows = tl.program_id(0) * together + tl.arange(0, together)
    smallest = tl.full((together, lanes), float("inf"), tl.float32)
    largest = tl.full((together, lanes), float("-inf"), tl.float32)
    for start in range(0, length, lanes):
        value = _load(x, rows, n_rows, start, length, lanes)
        smallest = tl.minimum(smallest, tl.where(value > float("-inf"), value, float("inf")))
        largest = tl.maximum(largest, value)
    low = tl.min(smallest, 1)
    high = tl.max(largest, 1)
    while tl.max((low < high).to(tl.int32), 0) > 0:
        middle = low + (high - low) * 0.5
        middle = tl.where(middle > low, middle, high)  # no number lies between the ends
        count = tl.full((together, lanes), 0, tl.int32)
        above = tl.full((together, lanes), float("inf"), tl.float32)
        below = tl.full((together, lanes), float("-inf"), tl.float32)
        for start in range(0, length, lanes):
            value = _load(x, rows, n_rows, start, length, lanes)
            upper = value >= middle[:, None]
            count += upper.to(tl.int32)
            above = tl.minimum(above, tl.where(upper, value, float("inf")))
            below = tl.maximum(below, tl.where(upper, float("-inf"), value))
        n_above = tl.sum(count, 1)
        next_above = tl.min(above, 1)
        low = tl.where(n_above >= m, next_above, low)
        high = tl.where(n_above > m, high, tl.where(n_above == m, next_above, tl.max(below, 1)))
    total = tl.full((together, lanes), 0.0, tl.float32)
    count = tl.full((together, lanes), 0, tl.int32)
    for start in range(0, length, lanes):
        value = _load(x, rows, n_rows, start, length, lanes)
        upper = value > low[:, None]
        total += tl.where(upper, value, 0.0)
        count += upper.to(tl.int32)
    rest = (m - tl.sum(count, 1)).to(tl.float32)  # of the m, those equal to the m-th
    tl.store(mean + rows, tl.div_rn(tl.sum(total, 1) + rest * low, m * 1.0), mask=rows < n_rows)


@jit
def _load(
    x: tl.tensor, rows: tl.tensor, n_rows: tl.tensor, start: tl.tensor, length: tl.tensor, lanes: tl.constexpr
) -> tl.tensor:
    """Load a part of some rows; -inf past their end, and zeros for rows that are not there."""
    columns = start + tl.arange(0, lanes)
    value = load_rows(x, rows, rows < n_rows, columns, length)
    return tl.where((columns < length)[None, :], value, float("-inf"))
