"""Attention in rectangle windows for images whose size is unknown: padding, rolls and windows made of slices.

No mask of pairs exists. A mask is a few more channels of queries and keys: a query's flag meets `NEVER` times what the
key lacks, which is exactly 0 where they agree, so that nothing is rounded.

Shapes: H x W tokens, filled up to H' x W', C channels, L windows of n = h*w tokens, d channels of a head.
"""

import torch
from torch import Tensor
from torch.nn import functional

from satlib.config import SATConfig
from satlib.dta.sampling import Grid
from satlib.plain import Weights, conv, linear

NEVER = -1e9
"""Logit of a pair that must not be read: its exponential is 0 beside any other."""


def window_attention(x: Tensor, w: Weights, config: SATConfig, *, shifted: bool) -> Tensor:
    """Attend in h x w windows with half of the channels and heads, in w x h windows with the others; (1, H, W, C)."""
    (height, width), side = x.shape[1:3], max(config.window)
    down, across = (height + side - 1) // side, (width + side - 1) // side
    qkv = linear(x, w, "qkv")
    local = conv(qkv[..., 2 * x.shape[3] :], w, "local")[0]
    fill = (0, across * side - width, 0, down * side - height)
    filled = functional.pad(qkv[0], (0, 0, *fill))  # (H', W', 3C)
    filled = filled.unflatten(-1, (3, 2, -1))  # (H', W', [q k v], [h x w, w x h], C/2)
    empty = 1 - functional.pad(torch.ones_like(x[0, :, :, 0]), fill)  # (H', W') 1 where an image was filled up
    halves = []
    for i, window in enumerate((config.window, config.window[::-1])):
        cut = (down * (side // window[0]), window[0], across * (side // window[1]), window[1])
        own, part = empty, filled[:, :, :, i]
        if shifted:
            part, own = (roll(y, -(window[0] // 2), -(window[1] // 2)) for y in (part, empty))
        has, lacks = flags(own, cut, shifted=shifted, mask_padding=config.mask_padding)
        out = attend(part.reshape(*cut, 3, config.heads // 2, -1), has, lacks, offsets_of(w["table"][i], window))
        out = out.reshape(down * side, across * side, -1)
        out = roll(out, window[0] // 2, window[1] // 2) if shifted else out
        halves.append(out[:height, :width])
    return linear(torch.cat(halves, -1) + local, w, "project")[None]


Cut = tuple[int, int, int, int]
"""Rows of windows, h, columns of windows, w."""


def attend(x: Tensor, has: list[Tensor], lacks: list[Tensor], bias: Tensor) -> Tensor:
    """Attend in each window: (rows, h, columns, w, [q k v], heads, d) -> (rows, h, columns, w, heads, d).

    ``has`` and ``lacks`` are flags of tokens, (L, 1, n, 1) each; ``bias`` is (heads, n, n).
    """
    rows, h, columns, w, _, heads, d = x.shape
    q, k, v = x.permute(4, 0, 2, 5, 1, 3, 6).reshape(3, rows * columns, heads, h * w, d)
    q = q * d**-0.5
    if has:
        q = torch.cat((q, torch.cat(has, -1).expand(-1, heads, -1, -1)), -1)
        k = torch.cat((k, (torch.cat(lacks, -1) * NEVER).expand(-1, heads, -1, -1)), -1)
    out: Tensor = (q @ k.mT + bias).softmax(-1) @ v  # (L, heads, n, d)
    return out.reshape(rows, columns, heads, h, w, d).permute(0, 3, 1, 4, 2, 5)


def flags(empty: Tensor, cut: Cut, *, shifted: bool, mask_padding: bool) -> tuple[list[Tensor], list[Tensor]]:
    """Return what queries have and what keys lack, each flag (L, 1, n, 1).

    Where the padding is masked, every query asks for a key that is no filling. Where windows are shifted, each side of
    the seam asks for its own side, along both axes.
    """
    rows, h, columns, w = cut
    has, lacks = [], []
    if mask_padding:
        flag = empty.reshape(cut).transpose(1, 2).reshape(-1, 1, h * w, 1)
        has, lacks = [torch.ones_like(flag)], [flag]
    if shifted:
        seams = (
            wrapped(rows * h, h // 2).view(rows, 1, h, 1).expand(-1, columns, -1, w),
            wrapped(columns * w, w // 2).view(1, columns, 1, w).expand(rows, -1, h, -1),
        )
        for seam in seams:
            flag = seam.reshape(-1, 1, h * w, 1)
            has += [flag, 1 - flag]
            lacks += [1 - flag, flag]
    return has, lacks


def wrapped(length: int, shift: int) -> Tensor:
    """Return (length,) 1. for the places of an axis rolled by ``shift`` that have come around, else 0."""
    return (torch.arange(length) >= length - shift).float()


def roll(x: Tensor, down: int, across: int) -> Tensor:
    """Roll the first two axes, by slices: the exporter makes a gather by computed places of torch.roll."""
    x = torch.cat((x[-down:], x[:-down])) if down else x
    return torch.cat((x[:, -across:], x[:, :-across]), 1) if across else x


def offsets_of(table: Tensor, window: Grid) -> Tensor:
    """Look up the bias of each pair of tokens, query minus key: (heads, (2h-1)(2w-1)) -> (heads, n, n)."""
    row, column = torch.arange(window[0]), torch.arange(window[1])
    place = (row[:, None] * (2 * window[1] - 1) + column).flatten()  # (n,)
    bias: Tensor = table[:, place[:, None] - place + place[-1]]
    return bias
