"""Which tokens DTA looks at: S distinct tokens out of N, in one of four ways.

One mechanism serves all: the tokens are split into cells, each cell gives a few of its tokens at random, and tokens
drawn uniformly from the rest make up the number. "stratified" has S two-dimensional cells with one token each,
"strips" (the released code) K raster runs with S // K tokens each, "random" a single cell. "grid" is not random: it
takes the middle of each two-dimensional cell.

What depends on sizes alone is computed once for each device and kept, so that a draw on a GPU waits for nothing.

Shapes: B images, N = H*W tokens in raster order, K centres, S samples.
"""

from functools import lru_cache
from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

Grid = tuple[int, int]


class Cells(NamedTuple):
    """How the tokens of a grid are split into cells."""

    labels: Tensor
    """(N,) int64 cell of each token."""
    surplus: Tensor
    """(N,) int64, for tokens that stand cell by cell: 1 for those that their cell does not give, else 0."""


def n_samples(n_tokens: int, n_centers: int, subsample: float) -> int:
    """Return S = min(N, max(2K, int(beta * K)))."""
    return min(n_tokens, max(2 * n_centers, int(min(subsample * n_centers, n_tokens))))


def draw_sample(
    grid: Grid,
    size: int,
    *,
    method: str = "stratified",
    n_strips: int = 1,
    batch: int = 1,
    generator: torch.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Draw ``size`` distinct tokens of a grid for each of ``batch`` images.

    Parameters
    ----------
    grid
        (H, W); a sequence without geometry is (1, N).
    size
        S, in 1..H*W.
    method
        "stratified", "strips", "grid" or "random".
    n_strips
        Number of raster runs (K) of "strips"; the other methods do not use it.
    batch, generator, device
        Number of independent draws, their source of randomness (``None``: torch's global generator of ``device``),
        and where the result goes.

    Returns
    -------
    Tensor
        (batch, S) int64 token positions, ascending in each row.
    """
    n_tokens = grid[0] * grid[1]
    if not 1 <= size <= n_tokens:
        raise ValueError(f"the sample size must be in 1..{n_tokens} for a grid of {grid}, got {size}")
    if method == "grid":
        return middles_on(grid, size, device).expand(batch, -1)
    cells = cells_on(grid, size, method, n_strips if method == "strips" else 1, device)
    source = device if generator is None else generator.device
    keys = torch.rand(2, batch, n_tokens, generator=generator, device=source).to(device)
    return _draw_from_cells(cells, size, keys)


def _draw_from_cells(cells: Cells, size: int, keys: Tensor) -> Tensor:
    """Take ``size`` tokens: what the cells give by the first of the keys (2, B, N), the rest by the second."""
    shuffled = keys[0].argsort(dim=1, stable=True)  # (B, N)
    by_cell = cells.labels[shuffled].argsort(dim=1, stable=True)
    surplus = torch.zeros_like(by_cell).scatter(1, by_cell, cells.surplus.expand_as(by_cell))
    chosen = (surplus + keys[1]).argsort(dim=1, stable=True)[:, :size]
    return shuffled.gather(1, chosen).sort(dim=1).values


@lru_cache(maxsize=8)
@torch.inference_mode(False)  # cells made while upscaling must serve training too
def cells_on(grid: Grid, size: int, method: str, n_strips: int, device: torch.device | str) -> Cells:
    """Return the cells of a grid on a device; the arguments are those of :func:`draw_sample`."""
    n_tokens = grid[0] * grid[1]
    if method == "stratified":
        labels, per_cell = cell_labels(grid, size), 1
    elif method == "strips":
        labels, per_cell = strip_labels(n_tokens, n_strips), size // n_strips
    elif method == "random":
        labels, per_cell = torch.zeros(n_tokens, dtype=torch.int64), size
    else:
        raise ValueError(f"unknown sampling {method!r}; choose stratified, strips, grid or random")
    starts = torch.bincount(labels).cumsum(0).roll(1)
    starts[0] = 0
    rank = torch.arange(n_tokens) - starts[labels.sort().values]  # place inside its cell
    return Cells(labels.to(device), (rank >= per_cell).long().to(device))


@lru_cache(maxsize=8)
@torch.inference_mode(False)
def middles_on(grid: Grid, size: int, device: torch.device | str) -> Tensor:
    """Return :func:`cell_middles` on a device."""
    return cell_middles(grid, size).to(device)


def cell_labels(grid: Grid, n_cells: int) -> Tensor:
    """Split a grid into near-square cells of equal area, up to one token.

    The rows are cut into bands about as high as a cell is wide; a snake walks through the bands column by column; its
    path is cut into ``n_cells`` runs of equal length. Returns (N,) int64 labels in 0..n_cells-1, every label in use.
    """
    height, width = grid
    side = sqrt(height * width / n_cells)
    n_bands = min(height, max(1, round(height / side)))
    row = torch.arange(height).repeat_interleave(width)
    column = torch.arange(width).repeat(height)
    band = (row * n_bands) // height
    walk = torch.where(band % 2 == 0, column, width - 1 - column)
    path = ((band * width + walk) * height + row).argsort()
    labels = torch.empty(height * width, dtype=torch.int64)
    labels[path] = torch.arange(height * width) * n_cells // (height * width)
    return labels


def cell_middles(grid: Grid, n_cells: int) -> Tensor:
    """Return the token nearest to the centroid of each cell, (n_cells,) int64, ascending; ties go to the first."""
    labels = cell_labels(grid, n_cells)
    place = torch.cartesian_prod(torch.arange(grid[0]), torch.arange(grid[1])).double()  # (N, 2)
    size = torch.bincount(labels).unsqueeze(1)
    centroid = torch.zeros(n_cells, 2, dtype=torch.float64).index_add(0, labels, place) / size
    distance = (place - centroid[labels]).square().sum(1)
    nearest = distance.argsort(stable=True)
    nearest = nearest[labels[nearest].argsort(stable=True)]  # by cell, then by distance, then by position
    first = size.squeeze(1).cumsum(0) - size.squeeze(1)
    return nearest[first].sort().values


def strip_labels(n_tokens: int, n_strips: int) -> Tensor:
    """Return the released code's strata: raster runs of N // K tokens, the last one with the remainder."""
    if not 1 <= n_strips <= n_tokens:
        raise ValueError(f"the number of strips must be in 1..{n_tokens}, got {n_strips}")
    return (torch.arange(n_tokens) // (n_tokens // n_strips)).clamp(max=n_strips - 1)
