"""Numbers that describe a choice of tokens: what it shares with another, what it covers, where it lies.

Shapes: N = H*W tokens in raster order, S sampled or chosen tokens, K clusters.
"""

from math import comb

import torch
from torch import Tensor
from torch.nn import functional

from satlib.dta.vectors import positions
from satlib.support.checks import integers


def overlap(chosen: Tensor, other: Tensor) -> float:
    """Return the share, in [0, 1], of the positions ``chosen`` (S,) that are among ``other`` (any length)."""
    _check_positions("chosen", chosen)
    return float(torch.isin(chosen, other).double().mean())


def coverage(sample: Tensor, assignment: Tensor) -> float:
    """Return the share, in [0, 1], of clusters that have at least one sampled token.

    Parameters
    ----------
    sample
        (S,) positions.
    assignment
        (N,) cluster of each token; clusters without a token do not count.
    """
    _check_positions("sample", sample)
    return len(torch.bincount(assignment[sample]).nonzero()) / len(torch.bincount(assignment).nonzero())


def distance_to_nearest(sample: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return the distance from every token of the grid (H, W) to the nearest sampled one, (N,), in tokens.

    Raises
    ------
    ValueError
        If a position is not on the grid.
    """
    _check_positions("sample", sample)
    n_tokens = grid[0] * grid[1]
    if sample.min() < 0 or sample.max() >= n_tokens:
        raise ValueError(f"sample must lie in 0..{n_tokens - 1}, got {sample.min()}..{sample.max()}")
    everywhere = positions(torch.arange(n_tokens), grid[1])
    return torch.cdist(everywhere, positions(sample, grid[1])).amin(1)


def missed_squares(samples: Tensor, grid: tuple[int, int], side: int) -> float:
    """Return the share, in [0, 1], of all squares of tokens in the grid (H, W) without a sampled token.

    ``samples`` (D, S) holds several draws; the squares have ``side`` tokens to a side and lie anywhere in the grid.

    Raises
    ------
    ValueError
        If the squares are larger than the grid, or smaller than a token, or the samples no positions in it.
    """
    integers("side", side)
    if not 1 <= side <= min(grid):
        raise ValueError(f"side must be in 1..{min(grid)} for a grid of {grid}, got {side}")
    n_tokens = grid[0] * grid[1]
    if samples.ndim != 2 or 0 in samples.shape or samples.min() < 0 or samples.max() >= n_tokens:
        raise ValueError(f"samples must be positions (D, S) in 0..{n_tokens - 1}, got shape {tuple(samples.shape)}")
    taken = torch.zeros(len(samples), n_tokens).scatter(1, samples, 1.0)
    found = functional.max_pool2d(taken.view(-1, 1, *grid), side, stride=1)
    return 1 - float(found.double().mean())


def missed_scattered(n_tokens: int, n_sampled: int, n: int) -> float:
    """Return the probability that n tokens, anywhere among ``n_tokens``, have none of ``n_sampled`` sampled ones.

    C(N - n, S) / C(N, S). It holds for every way to sample when the n tokens are scattered at random.

    Raises
    ------
    ValueError
        If ``n_sampled`` or ``n`` is not in 0..``n_tokens``.
    """
    integers("n_tokens, n_sampled and n", n_tokens, n_sampled, n)
    if not (0 <= n_sampled <= n_tokens and 0 <= n <= n_tokens):
        raise ValueError(f"n_sampled and n must be in 0..{n_tokens}, got {n_sampled} and {n}")
    return comb(n_tokens - n, n_sampled) / comb(n_tokens, n_sampled)


def _check_positions(name: str, tokens: Tensor) -> None:
    if tokens.ndim != 1 or len(tokens) == 0:
        raise ValueError(f"{name} must hold positions (S,), at least one; got shape {tuple(tokens.shape)}")
