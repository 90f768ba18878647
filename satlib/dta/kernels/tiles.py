"""What the Triton kernels share: rows of tokens, their lengths and products, in tiles of fixed size.

A tile's size never depends on that of the batch, and sums over channels run in one order, so that an image gives the
same bits alone and in any batch. Products are those of IEEE float32, not TF32.

Shapes: tokens are (rows, C), contiguous; a tile has R rows and Q columns.
"""

from collections.abc import Callable
from typing import Protocol

import triton
import triton.language as tl

from satlib.dta import vectors

ROWS = 64
"""Rows of a tile of similarities."""

COLUMNS = 64
"""Columns of a tile of similarities."""

CHANNELS = 32
"""Channels that are multiplied at once."""

WARPS = 8
"""Warps of a program whose tiles are large: with the usual four, registers run out."""

EPS = tl.constexpr(vectors.EPS)
STEPS = tl.constexpr(2.0**20)
ROUNDER = tl.constexpr(1.5 * 2.0**23)


class Kernel(Protocol):
    """A function in Triton's language: launched as ``kernel[grid](...)``, or called by another one."""

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        """Return the launcher for a grid of programs."""

    def __call__(self, *args: tl.tensor) -> tl.tensor:
        """Call from a kernel."""


jit: Callable[[Callable[..., tl.tensor]], Kernel] = triton.jit
"""``triton.jit`` with a type."""


def blocks(length: int, size: int) -> int:
    """Return how many blocks of ``size`` hold ``length`` elements."""
    return -(-length // size)


@jit
def load_rows(x: tl.tensor, rows: tl.tensor, valid: tl.tensor, channels: tl.tensor, n_channels: tl.tensor) -> tl.tensor:
    """Load ``rows`` (R,) and ``channels`` (Q,) of ``x``: (R, Q), zero where not ``valid`` (R,) or past the last."""
    places = rows.to(tl.int64)[:, None] * n_channels + channels[None, :]
    return tl.load(x + places, mask=valid[:, None] & (channels < n_channels)[None, :], other=0.0)


@jit
def inverse_length(squares: tl.tensor) -> tl.tensor:
    """Return 1 / ||x|| from ||x||^2; 0 for a norm <= EPS: :func:`satlib.dta.vectors.inverse_norm`."""
    length = tl.sqrt_rn(squares)
    return tl.where(length > EPS, tl.div_rn(1.0, tl.maximum(length, EPS)), 0.0)


@jit
def inverse_lengths(
    x: tl.tensor, rows: tl.tensor, valid: tl.tensor, n_channels: tl.tensor, step: tl.constexpr
) -> tl.tensor:
    """Return 1 / ||x|| of ``rows`` (R,), ``step`` channels at once."""
    squares = tl.full((rows.shape[0],), 0.0, tl.float32)
    for start in range(0, n_channels, step):
        part = load_rows(x, rows, valid, start + tl.arange(0, step), n_channels)
        squares += tl.sum(part * part, 1)
    return inverse_length(squares)


@jit
def products(
    a: tl.tensor,
    rows: tl.tensor,
    valid_rows: tl.tensor,
    scale: tl.tensor,
    b: tl.tensor,
    columns: tl.tensor,
    valid_columns: tl.tensor,
    n_channels: tl.tensor,
    step: tl.constexpr,
) -> tl.tensor:
    """Multiply ``rows`` (R,) of ``a``, each times its ``scale``, by ``columns`` (Q,) of ``b``: (R, Q)."""
    total = tl.full((rows.shape[0], columns.shape[0]), 0.0, tl.float32)
    for start in range(0, n_channels, step):
        channels = start + tl.arange(0, step)
        left = load_rows(a, rows, valid_rows, channels, n_channels) * scale[:, None]
        right = load_rows(b, columns, valid_columns, channels, n_channels)
        total = tl.dot(left, tl.trans(right), total, input_precision="ieee")
    return total


@jit
def comparable(x: tl.tensor) -> tl.tensor:
    """Round to whole steps of 2^-20, ties to even, as :func:`satlib.dta.vectors.comparable_` does, for |x| < 4.

    A number near 1.5 * 2^23 has no bits for a fraction: adding that one rounds, and taking it away is exact.
    """
    return (x * STEPS + ROUNDER) - ROUNDER
