"""Local windows as one rearrangement of tokens: padding, shift, partition and masks.

The released code pads the image with zeros on the right and bottom to a multiple of the longer window side, rolls it
by the shift, cuts it into windows and masks the pairs that the roll has brought together. All this is a fixed
rearrangement of tokens that depends on sizes alone, so it is planned once for a size: which token stands at each place
of each window, and where each token is found again. Windows without a single real token are left out, and windows
with the same mask stand side by side, so that attention runs over a few slices, most of them without a mask.

Shapes: B images, N = H*W tokens, C channels, h x w a window of n = h*w tokens, W windows.
"""

from collections.abc import Callable
from enum import IntFlag
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction, FunctionCtx

from satlib.dta.sampling import Grid


class _Place(IntFlag):
    """What a place along one axis of the padded, rolled image is."""

    WRAPPED = 1
    """The roll has brought it to the other side."""
    PADDING = 2
    """No token stands there."""


class WindowGroup(NamedTuple):
    """Windows that share one mask."""

    start: int
    """The first of them in the order of the plan."""
    stop: int
    """One past the last."""
    allowed: Tensor | None
    """(n, n) bool, True where a query (row) may read a key (column); ``None`` where all may."""


class WindowPlan(NamedTuple):
    """How the tokens of one grid are laid out in windows."""

    source: Tensor
    """(W * n,) int64: the token at each place of each window; N where there is padding."""
    places: Tensor
    """(N,) int64: the place of each token, so that ``source[places] == arange(N)``."""
    groups: tuple[WindowGroup, ...]
    """Consecutive ranges of windows that cover 0..W."""


class Order(NamedTuple):
    """Rows in another order, with gaps."""

    source: Tensor
    """The row at each place; the number of rows where there is none."""
    places: Tensor
    """The place of each row."""


class HalvesPlan(NamedTuple):
    """How h x w windows of the first half of the channels and w x h windows of the second stand one after the other."""

    split: Order
    """Of rows (N, [q k v], half), C/2 channels each, to (windows of both halves, n, [q k v])."""
    join: Order
    """Of rows (N, half) to (windows of both halves, n)."""
    groups: tuple[tuple[WindowGroup, ...], ...]
    """Ranges of windows of each half."""
    gaps: bool
    """Whether there are places without a token."""


def plan_halves(
    grid: Grid, window: Grid, *, shifted: bool, mask_padding: bool, device: torch.device | str = "cpu"
) -> HalvesPlan:
    """Plan the windows of both halves of the channels; the arguments are those of :func:`plan_windows`."""
    first, second = (
        plan_windows(grid, sides, shifted=shifted, mask_padding=mask_padding, device=device)
        for sides in (window, window[::-1])
    )
    n_windows = first.groups[-1].stop
    moved = tuple(g._replace(start=g.start + n_windows, stop=g.stop + n_windows) for g in second.groups)
    split, join = _interleave(first, second, 3), _interleave(first, second, 1)
    return HalvesPlan(split, join, (first.groups, moved), gaps=len(join.source) > len(join.places))


def _interleave(first: WindowPlan, second: WindowPlan, n_parts: int) -> Order:
    """Return the order of rows (N, parts, half) that stand as (places of both halves, parts) in windows."""
    part = torch.arange(n_parts, device=first.source.device)
    sources, places, before = [], [], 0
    for half, plan in enumerate((first, second)):
        sources.append(((plan.source[:, None] * n_parts + part) * 2 + half).flatten())
        places.append((before + plan.places[:, None]) * n_parts + part)  # (N, parts)
        before += len(plan.source)
    n_rows = 2 * places[0].numel()
    return Order(torch.cat(sources).clamp(max=n_rows), torch.stack(places, dim=-1).flatten())


def plan_windows(
    grid: Grid, window: Grid, *, shifted: bool, mask_padding: bool, device: torch.device | str = "cpu"
) -> WindowPlan:
    """Plan the windows of a grid.

    Parameters
    ----------
    grid
        (H, W) in tokens.
    window
        (h, w) in tokens; both sides of the grid are padded to a multiple of max(h, w).
    shifted
        Roll by (h // 2, w // 2) towards the origin first.
    mask_padding
        Whether real tokens are kept from reading padding.
    device
        Where the plan's tensors live.
    """
    row, row_class = _axis(grid[0], window[0], max(window), shifted)  # both (number of windows along the axis, h)
    column, column_class = _axis(grid[1], window[1], max(window), shifted)
    row_kind, row_kinds = _kinds(row_class, mask_padding)
    column_kind, column_kinds = _kinds(column_class, mask_padding)
    kind = row_kind[:, None] * len(column_kinds) + column_kind  # (windows down, windows across)
    real = (row_class < _Place.PADDING).any(1)[:, None] & (column_class < _Place.PADDING).any(1)
    chosen = real.flatten().nonzero().squeeze(1)
    chosen = chosen[kind.flatten()[chosen].argsort(stable=True)]
    inside = (row < grid[0])[:, None, :, None] & (column < grid[1])[None, :, None, :]
    token = row[:, None, :, None] * grid[1] + column[None, :, None, :]
    token = torch.where(inside, token, grid[0] * grid[1])  # (windows down, windows across, h, w)
    source = token.flatten(0, 1)[chosen].flatten()
    groups, start = [], 0
    for k, size in zip(*kind.flatten()[chosen].unique(return_counts=True), strict=True):
        allowed = _allowed(row_kinds[k // len(column_kinds)], column_kinds[k % len(column_kinds)])
        groups.append(WindowGroup(start, start + int(size), None if allowed.all() else allowed.to(device)))
        start += int(size)
    places = source.argsort(stable=True)[: grid[0] * grid[1]]
    return WindowPlan(source.to(device), places.to(device), tuple(groups))


def _axis(length: int, window: int, multiple: int, shifted: bool) -> tuple[Tensor, Tensor]:
    """Return the original coordinate of every place along one axis, and its class: wrapped or not, padding or not."""
    padded = -(-length // multiple) * multiple
    shift = window // 2 if shifted else 0
    rolled = torch.arange(padded)
    original = (rolled + shift) % padded
    kind = _Place.WRAPPED * (rolled >= padded - shift) + _Place.PADDING * (original >= length)
    return original.view(-1, window), kind.view(-1, window)


def _kinds(classes: Tensor, mask_padding: bool) -> tuple[Tensor, Tensor]:
    """Return, per window along an axis, which pattern of classes it has; and the patterns (number, window)."""
    seen = classes if mask_padding else classes & _Place.WRAPPED
    patterns, index = seen.unique(dim=0, return_inverse=True)
    return index, patterns


def _allowed(rows: Tensor, columns: Tensor) -> Tensor:
    """Return the (n, n) mask of a window from the classes of its rows (h,) and columns (w,): equals see equals."""
    same_row = rows[:, None] == rows
    same_column = columns[:, None] == columns
    return (same_row[:, None, :, None] & same_column[None, :, None, :]).flatten(2).flatten(0, 1)


def to_windows(x: Tensor, plan: WindowPlan | Order) -> Tensor:
    """Lay tokens (or rows) out in windows: (B, N, C) -> (B, W * n, C), zeros in the padding."""
    return _rearrange(x, plan.source, plan.places)


def from_windows(x: Tensor, plan: WindowPlan | Order) -> Tensor:
    """Bring tokens (or rows) back into raster order: (B, W * n, C) -> (B, N, C)."""
    return _rearrange(x, plan.places, plan.source)


def pick(x: Tensor, rows: Tensor, gaps: bool) -> Tensor:
    """Take (P,) rows of (B, N, C): (B, P, C). With ``gaps``, the number N stands for a row of zeros."""
    if not gaps:
        return x.index_select(1, rows)
    taken = x.index_select(1, rows.clamp(max=x.shape[1] - 1))
    return taken.mul_((rows < x.shape[1]).unsqueeze(1))


def put(x: Tensor, rows: Tensor, values: Tensor, gaps: bool) -> None:
    """Write values (B, P, C) to (P,) rows of (B, N, C). With ``gaps``, the number N stands for no row."""
    if gaps:
        inside = rows < x.shape[1]
        rows, values = rows[inside], values[:, inside]
    x.index_copy_(1, rows, values)


class _Rearrange(torch.autograd.Function):
    """y[:, i] = x[:, source[i]], zero where source[i] is out of range; its gradient is the inverse gather.

    Each token stands at one place at most, so that the gradient needs no scatter.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, source: Tensor, places: Tensor) -> Tensor:
        ctx.save_for_backward(source, places)
        return pick(x, source, gaps=len(source) > x.shape[1])

    @staticmethod
    def backward(ctx: BackwardCFunction, *grads: Tensor) -> tuple[Tensor, None, None]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        source, places = saved
        return _rearrange(grads[0], places, source), None, None


_rearrange: Callable[[Tensor, Tensor, Tensor], Tensor] = _Rearrange.apply


def relative_offsets(window: Grid) -> Tensor:
    """Return all offsets (row, column) between two tokens of a window, ((2h-1) * (2w-1), 2) int64."""
    return torch.cartesian_prod(torch.arange(1 - window[0], window[0]), torch.arange(1 - window[1], window[1]))


def relative_index(window: Grid) -> Tensor:
    """Return the row of :func:`relative_offsets` for query minus key of each pair, (n, n) int64."""
    place = torch.cartesian_prod(torch.arange(window[0]), torch.arange(window[1]))  # (n, 2)
    offset = place[:, None] - place[None] + torch.tensor(window) - 1  # (n, n, 2), from 0
    return offset[..., 0] * (2 * window[1] - 1) + offset[..., 1]
