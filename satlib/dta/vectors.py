"""What the steps of DTA share: directions of tokens, picking tokens, similarities in blocks of rows, their comparison.

Shapes: B images, N or S tokens, C channels, R rows of a block, m numbers kept.
"""

from collections.abc import Iterator
from math import isqrt

import torch
from torch import Tensor

EPS = 1e-6
"""The paper's epsilon: a norm at or below it counts as zero."""

BLOCK_ELEMENTS = 2**19
"""Similarities that a CPU holds at once, about: few enough to stay in its cache."""

GPU_BLOCK_ELEMENTS = 2**24
"""The same for any other device, where each operation on a block costs a launch: 64 MiB in float32."""

BLOCK_ROWS = 32
"""But at least so many rows of them, or products become inefficient."""


def normalize(x: Tensor) -> Tensor:
    """Return x / ||x|| along the last axis; a vector of norm <= EPS has no direction and becomes zero."""
    return x * inverse_norm(x)


def inverse_norm(x: Tensor) -> Tensor:
    """Return 1 / ||x|| along the last axis, kept with length 1; 0 for a norm <= EPS."""
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    return torch.where(norm > EPS, 1 / norm.clamp_min(EPS), 0)


def take(x: Tensor, index: Tensor) -> Tensor:
    """Pick tokens: (B, N, C) and (B, M) positions -> (B, M, C)."""
    rows = x.flatten(0, 1).index_select(0, flat_index(index, x.shape[1]))
    return rows.view(*index.shape, x.shape[-1])


def flat_index(index: Tensor, length: int) -> Tensor:
    """Return positions (B, M) in rows of ``length`` as positions among the rows of all images, (B * M,)."""
    first = torch.arange(0, len(index) * length, length, device=index.device)
    return (index + first.unsqueeze(1)).flatten()


def row_blocks(n_rows: int, row_elements: int, device: torch.device) -> Iterator[tuple[int, int]]:
    """Yield (start, stop) of blocks of rows that hold about BLOCK_ELEMENTS elements each, or GPU_BLOCK_ELEMENTS."""
    elements = BLOCK_ELEMENTS if device.type == "cpu" else GPU_BLOCK_ELEMENTS
    step = max(BLOCK_ROWS, elements // row_elements)
    for start in range(0, n_rows, step):
        yield start, min(start + step, n_rows)


def mean_of_largest(x: Tensor, m: int) -> Tensor:
    """Return the mean of the m largest of each row, (B, R, S) -> (B, R).

    A row is cut into groups: its m largest numbers lie in the m groups with the largest maxima, or in the remainder
    that fills no group. Few numbers are then left to choose from, and a maximum is quickly found.
    """
    size = isqrt(x.shape[-1] // m)  # groups and candidates are then about equal in number
    if size >= 3:
        n_groups = x.shape[-1] // size
        groups = x[..., : n_groups * size].unflatten(-1, (size, n_groups))
        best = groups.amax(-2, keepdim=True).topk(m, sorted=False).indices  # (B, R, 1, m)
        chosen = groups.gather(-1, best.expand(-1, -1, size, -1)).flatten(-2)
        x = torch.cat((chosen, x[..., n_groups * size :]), dim=-1)
    return x.topk(m, sorted=False).values.mean(-1)


def comparable_(x: Tensor) -> Tensor:
    """Round similarities, densities or scores to whole steps of 2^-20 (float64: 2^-40), in place, to compare them.

    What is equal but for rounding errors, as duplicate tokens are, becomes a tie, and ties go by position. Without it
    the size of the batch or the machine would decide.
    """
    return x.mul_(2.0 ** (40 if x.dtype == torch.float64 else 20)).round_()


def positions(tokens: Tensor, width: int) -> Tensor:
    """Return row and column of tokens (S,) in raster order, ``width`` to a row: (S, 2) float64."""
    return torch.stack((tokens.div(width, rounding_mode="floor"), tokens % width), dim=1).double()
