"""Weighted sums over the members of clusters, without atomics: tokens sorted by cluster, clusters cut into pieces.

One program sums one piece of at most `PIECE` members, in the order of the tokens; another one adds the pieces of a
cluster, in turn. So sums have one order, whatever else is in the batch, and one large cluster (a flat sky) is not one
program's work.

Shapes: B images, N tokens, C channels, K clusters, G = B * K clusters of all images, P pieces.
"""

from typing import NamedTuple

import torch
import triton.language as tl
from torch import Tensor

from satlib.dta.kernels.tiles import jit, load_rows
from satlib.dta.vectors import flat_index

PIECE = 128
"""Members of a piece, at most."""

TILE = 4096
"""Numbers of a tile of members."""


class Segments(NamedTuple):
    """The members of the clusters of all images, and the pieces that they are cut into."""

    order: Tensor
    """(B * N,) rows of the tokens of all images, by cluster, then by position."""
    starts: Tensor
    """(G + 1,) where in `order` each cluster starts; the last is B * N."""
    pieces: Tensor
    """(G + 1,) the number of each cluster's first piece; the last is the number of pieces in use."""
    owner: Tensor
    """(P,) cluster of each piece; G behind the last one in use. P depends on B, N and K alone."""


def segments(assignment: Tensor, n_clusters: int) -> Segments:
    """Sort tokens by cluster: ``assignment`` (B, N) in 0..K-1. Nothing is read back from the device."""
    n_all = len(assignment) * n_clusters
    ranked, order = flat_index(assignment, n_clusters).int().sort(stable=True)
    bounds = torch.arange(n_all + 1, device=assignment.device, dtype=torch.int32)
    starts = torch.searchsorted(ranked, bounds)
    counts = starts.diff()
    pieces = torch.zeros_like(starts)
    torch.cumsum((counts + PIECE - 1) // PIECE, 0, out=pieces[1:])
    numbers = torch.arange(n_all + assignment.numel() // PIECE, device=assignment.device)
    owner = torch.searchsorted(pieces, numbers, right=True) - 1
    return Segments(order, starts, pieces, owner)


def tile_shape(n_channels: int, size: int = TILE) -> tuple[int, int]:
    """Return members and channels of a tile, powers of two: all channels, and at most ``size`` numbers if it can be."""
    width = 1 << (n_channels - 1).bit_length()
    return max(1, min(16, size // width)), width


def weighted_sum(x: Tensor, weight: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Return the sums of weight * x over the members of each cluster.

    ``x`` (B, N, C), ``weight`` (B, N), ``assignment`` (B, N) in 0..K-1; returns (B, K, C), zero for a cluster without
    members.
    """
    return sum_of_segments(x, weight, segments(assignment, n_clusters), n_clusters)


def sum_of_segments(x: Tensor, weight: Tensor, parts: Segments, n_clusters: int) -> Tensor:
    """Return :func:`weighted_sum` of clusters that are sorted already."""
    x, weight = x.contiguous(), weight.contiguous()
    n_images, _, n_channels = x.shape
    partial = x.new_empty(len(parts.owner), n_channels)
    total = x.new_empty(n_images, n_clusters, n_channels)
    members, width = tile_shape(n_channels)
    n_all = n_images * n_clusters
    _sum_piece[(len(parts.owner),)](
        x,
        weight,
        parts.order,
        parts.starts,
        parts.pieces,
        parts.owner,
        partial,
        n_all,
        n_channels,
        PIECE,
        members,
        width,
    )
    _sum_pieces[(n_all,)](partial, parts.pieces, total, n_channels, members, width)
    return total


@jit
def piece_bounds(
    starts: tl.tensor, pieces: tl.tensor, cluster: tl.tensor, size: tl.constexpr
) -> tuple[tl.tensor, tl.tensor]:
    """Return where in the order of the tokens this program's piece of its cluster starts and stops."""
    start = tl.load(starts + cluster) + (tl.program_id(0) - tl.load(pieces + cluster)) * size
    return start, tl.minimum(start + size, tl.load(starts + cluster + 1))


@jit
def _sum_piece(
    x: tl.tensor,
    weight: tl.tensor,
    order: tl.tensor,
    starts: tl.tensor,
    pieces: tl.tensor,
    owner: tl.tensor,
    partial: tl.tensor,
    n_clusters: tl.tensor,
    n_channels: tl.tensor,
    size: tl.constexpr,
    members: tl.constexpr,
    width: tl.constexpr,
) -> tl.tensor:
    """Sum of weight * x over one piece."""
    cluster = tl.load(owner + tl.program_id(0))
    if cluster < n_clusters:
        channels = tl.arange(0, width)
        total = tl.full((width,), 0.0, tl.float32)
        start, stop = piece_bounds(starts, pieces, cluster, size)
        for first in range(start, stop, members):
            places = first + tl.arange(0, members)
            rows = tl.load(order + places, mask=places < stop, other=0)
            factor = tl.load(weight + rows, mask=places < stop, other=0.0)
            total += tl.sum(load_rows(x, rows, places < stop, channels, n_channels) * factor[:, None], 0)
        place = tl.program_id(0).to(tl.int64) * n_channels
        tl.store(partial + place + channels, total, mask=channels < n_channels)


@jit
def _sum_pieces(
    partial: tl.tensor,
    pieces: tl.tensor,
    total: tl.tensor,
    n_channels: tl.tensor,
    members: tl.constexpr,
    width: tl.constexpr,
) -> tl.tensor:
    """Sum of the pieces of one cluster."""
    cluster = tl.program_id(0).to(tl.int64)
    channels = tl.arange(0, width)
    result = tl.full((width,), 0.0, tl.float32)
    stop = tl.load(pieces + cluster + 1)
    for first in range(tl.load(pieces + cluster), stop, members):
        rows = first + tl.arange(0, members)
        result += tl.sum(load_rows(partial, rows, rows < stop, channels, n_channels), 0)
    tl.store(total + cluster * n_channels + channels, result, mask=channels < n_channels)
