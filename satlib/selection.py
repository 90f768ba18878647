"""Numbers that describe a choice of tokens: what it shares with another, what it covers, where it lies.

Shapes: N = H*W tokens in raster order, S sampled or chosen tokens, K clusters.
"""

import torch
from torch import Tensor


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
    """Return the distance from every token of the grid (H, W) to the nearest sampled one, (N,), in tokens."""
    _check_positions("sample", sample)
    n_tokens = grid[0] * grid[1]
    if sample.min() < 0 or sample.max() >= n_tokens:
        raise ValueError(f"sample must lie in 0..{n_tokens - 1}, got {sample.min()}..{sample.max()}")
    everywhere = positions(torch.arange(n_tokens), grid[1])
    return torch.cdist(everywhere, positions(sample, grid[1])).amin(1)


def positions(tokens: Tensor, width: int) -> Tensor:
    """Return row and column of tokens (S,) in raster order, ``width`` to a row: (S, 2) float64."""
    return torch.stack((tokens.div(width, rounding_mode="floor"), tokens % width), dim=1).double()


def edge_strength(image: Tensor) -> Tensor:
    """Return the length of the grey value's gradient at every pixel of ``image`` (3, H, W), (N,).

    Central differences, one-sided at the border; in grey values per pixel.
    """
    if image.ndim != 3 or image.shape[0] != 3 or min(image.shape) < 2:
        raise ValueError(f"image must be (3, H, W) with H, W >= 2, got {tuple(image.shape)}")
    down, right = torch.gradient(image.mean(0))
    return torch.hypot(down, right).flatten()


def _check_positions(name: str, tokens: Tensor) -> None:
    if tokens.ndim != 1 or len(tokens) == 0:
        raise ValueError(f"{name} must hold positions (S,), at least one; got shape {tuple(tokens.shape)}")
