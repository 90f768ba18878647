"""Which tokens read each other in local windows, and how far several local blocks in a row let a token see.

Inside a window tokens read each other unless the shift has brought them together from opposite ends of the image. "May
read each other" is an equivalence, so that one label for each token tells all.

Shapes: N = H*W tokens, h x w a window of n = h*w tokens.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from satlib.config import SATConfig
from satlib.dta.sampling import Grid
from satlib.network.windows import plan_windows
from satlib.support.checks import integers


class InWindows(NamedTuple):
    """What one token finds in its two windows, the h x w one and the w x h one."""

    read: Tensor
    """(2, N) bool: the tokens that it reads."""
    hidden: Tensor
    """(2, N) bool: those that the shift has brought into its window, and that the mask hides."""


def window_labels(grid: Grid, window: Grid, *, shifted: bool) -> Tensor:
    """Return a label of each token, (N,) int64: equal where two tokens may read each other.

    Parameters
    ----------
    grid, window
        (H, W) and (h, w), in tokens.
    shifted
        Whether the windows are moved by half a window.
    """
    plan = plan_windows(grid, window, shifted=shifted, mask_padding=True)
    n = window[0] * window[1]
    first = torch.zeros(len(plan.source) // n, n, dtype=torch.int64)  # of the places in the window that may be read
    for start, stop, allowed in plan.groups:
        if allowed is not None:
            first[start:stop] = allowed.long().argmax(1)
    labels = first + n * torch.arange(len(first))[:, None]
    return labels.flatten()[plan.places.long()]


def readable(grid: Grid, config: SATConfig, token: int, *, shifted: bool) -> Tensor:
    """Return which tokens one token reads in a local block, (2, N) bool: with h x w windows, and with w x h ones."""
    windows = (config.window, config.window[::-1])
    labels = torch.stack([window_labels(grid, window, shifted=shifted) for window in windows])
    return labels == labels[:, _checked(token, grid), None]


def in_windows(grid: Grid, config: SATConfig, token: int, *, shifted: bool) -> InWindows:
    """Return what a token reads in its two windows, and what the mask hides from it; padding does not count."""
    found = []
    for window in (config.window, config.window[::-1]):
        labels = window_labels(grid, window, shifted=shifted)
        read, number = labels == labels[_checked(token, grid)], labels // (window[0] * window[1])
        found.append((read, (number == number[token]) & ~read))
    read, hidden = (torch.stack(parts) for parts in zip(*found, strict=True))
    return InWindows(read, hidden)


def reach(grid: Grid, config: SATConfig, token: int, shifts: Sequence[bool]) -> list[Tensor]:
    """Return what a token has seen after each of several local blocks, first to last, (N,) bool each.

    Both orientations of a block feed all channels of the next one. Convolutions, which add a few pixels, do not count.

    Parameters
    ----------
    grid, config, token
        (H, W); the network, for its window; the token's position in raster order.
    shifts
        For each block whether its windows are shifted; see :func:`local_shifts`.
    """
    windows = (config.window, config.window[::-1])
    seen = torch.zeros(grid[0] * grid[1], dtype=torch.bool)
    seen[_checked(token, grid)] = True
    steps = []
    for shifted in reversed(shifts):  # the last block reads what the one before it has read
        labels = [window_labels(grid, window, shifted=shifted) for window in windows]
        seen = torch.stack([torch.isin(label, label[seen]) for label in labels]).any(0)
        steps.append(seen)
    return steps


def local_shifts(config: SATConfig) -> list[bool]:
    """Return for each local block of a network, first to last, whether its windows are shifted."""
    return [(group + pair) % 2 == 1 for group, pairs in enumerate(config.groups) for pair in range(pairs)]


def _checked(token: int, grid: Grid) -> int:
    integers("token", token)
    if not 0 <= token < grid[0] * grid[1]:
        raise ValueError(f"token must lie in 0..{grid[0] * grid[1] - 1}, got {token}")
    return token
