"""Which tokens DTA looks at: S distinct tokens out of N, in one of four ways.

One mechanism serves all: the tokens are split into cells, each cell gives a few of its tokens at random, and tokens
drawn uniformly from the rest make up the number. "stratified" has S two-dimensional cells with one token each,
"strips" (the released code) K raster runs with S // K tokens each, "random" a single cell. "grid" is not random: it
takes the middle of each two-dimensional cell.

What depends on sizes alone, the cells, is a value: whoever draws often makes it once (`satlib.network.geometry`).

Shapes: B images, N = H*W tokens in raster order, K centres, S samples.
"""

from math import sqrt
from typing import NamedTuple

import torch
from torch import Tensor

from satlib.dta.options import SAMPLINGS, Sampling, listed

Grid = tuple[int, int]


class Cells(NamedTuple):
    """How the tokens of a grid are split into cells."""

    labels: Tensor
    """(N,) int64 cell of each token."""
    surplus: Tensor
    """(N,) int64, for tokens that stand cell by cell: 1 for those that their cell does not give, else 0."""
    size: int
    """S, how many tokens are drawn."""


def n_centers(n_tokens: int, keep_ratio: float) -> int:
    """Return K = max(1, int(keep_ratio * N)): a share of the tokens, rounded down, but one at least."""
    return max(1, int(keep_ratio * n_tokens))


def n_samples(n_tokens: int, n_centers: int, subsample: float) -> int:
    """Return S = min(N, max(2K, int(beta * K)))."""
    return min(n_tokens, max(2 * n_centers, int(min(subsample * n_centers, n_tokens))))


def draw_sample(
    grid: Grid,
    size: int,
    *,
    sampling: Sampling = "stratified",
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
    sampling
        "stratified", "strips", "grid" or "random".
    n_strips
        Number of raster runs (K) of "strips"; the others do not use it.
    batch, generator, device
        Number of independent draws, their source of randomness (``None``: torch's global generator of ``device``),
        and where the result goes.

    Returns
    -------
    Tensor
        (batch, S) int64 token positions, ascending in each row.

    Raises
    ------
    ValueError
        If ``size`` is not in 1..H*W, ``sampling`` is another word, or ``n_strips`` out of range.
    """
    n_tokens = grid[0] * grid[1]
    if not 1 <= size <= n_tokens:
        raise ValueError(f"the sample size must be in 1..{n_tokens} for a grid of {grid}, got {size}")
    if sampling == "grid":
        return cell_middles(grid, size).to(device).expand(batch, -1)
    cells = make_cells(grid, size, sampling=sampling, n_strips=n_strips, device=device)
    return draw_from_cells(cells, batch=batch, generator=generator)


def make_cells(
    grid: Grid, size: int, *, sampling: Sampling = "stratified", n_strips: int = 1, device: torch.device | str = "cpu"
) -> Cells:
    """Split a grid into the cells of a random sampling; the arguments are those of :func:`draw_sample`.

    Raises
    ------
    ValueError
        If ``sampling`` is another word.
    """
    n_tokens = grid[0] * grid[1]
    if sampling == "stratified":
        labels, per_cell = cell_labels(grid, size), 1
    elif sampling == "strips":
        labels, per_cell = strip_labels(n_tokens, n_strips), size // n_strips
    elif sampling == "random":
        labels, per_cell = torch.zeros(n_tokens, dtype=torch.int64), size
    else:
        raise ValueError(f"unknown sampling {sampling!r}; choose {listed(SAMPLINGS)}")
    starts = torch.bincount(labels).cumsum(0).roll(1)  # (cells,): where each begins among the sorted labels
    starts[0] = 0
    rank = torch.arange(n_tokens) - starts[labels.sort().values]  # place inside its cell
    return Cells(labels.to(device), (rank >= per_cell).long().to(device), size)


def draw_from_cells(cells: Cells, *, batch: int = 1, generator: torch.Generator | None = None) -> Tensor:
    """Draw a sample for each of ``batch`` images, (batch, S): what the cells give, the rest from what is left.

    Two random keys decide for each token: the first which tokens a cell gives, the second which of the others fill up.
    They are float32 whatever torch's default is: other numbers would be another sample.
    """
    device = cells.labels.device
    source = device if generator is None else generator.device
    keys = torch.rand(2, batch, len(cells.labels), generator=generator, device=source, dtype=torch.float32).to(device)
    shuffled = keys[0].argsort(dim=1, stable=True)  # (B, N)
    by_cell = cells.labels[shuffled].argsort(dim=1, stable=True)
    surplus = torch.zeros_like(by_cell).scatter(1, by_cell, cells.surplus.expand_as(by_cell))
    chosen = (surplus + keys[1]).argsort(dim=1, stable=True)[:, : cells.size]
    return shuffled.gather(1, chosen).sort(dim=1).values


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
    """Return the released code's strata: raster runs of N // K tokens, the last one with the remainder.

    Raises
    ------
    ValueError
        If the number of runs is not in 1..N.
    """
    if not 1 <= n_strips <= n_tokens:
        raise ValueError(f"the number of strips must be in 1..{n_tokens}, got {n_strips}")
    return (torch.arange(n_tokens) // (n_tokens // n_strips)).clamp(max=n_strips - 1)
