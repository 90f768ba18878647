"""Step 5 with similarity weights in one pass over the tokens, and its gradient in two.

Forward: a program reads each member of a piece once and keeps a running softmax of its similarities to the centre,
with the sum of tokens under these weights; another one joins the pieces of a cluster. Backward: with
t_k = sum_i w_i x_i, w = softmax(s / tau) over the members, s_i = u_i . u_c and the gradient g_k of t_k,

    b_i = w_i (g_k . x_i - g_k . t_k) / tau          gradient of s_i
    w_i g_k + b_i (u_c - s_i u_i) / ||x_i||          gradient of the token x_i
    (v_k - (v_k . u_c) u_c) / ||x_c||                and to that of the centre x_c, v_k = sum_i b_i u_i

where the last line uses sum_i b_i s_i = v_k . u_c. Nothing as large as the tokens is kept for the gradient.

Shapes: B images, N tokens, C channels, K clusters, P pieces, G = B * K.
"""

from collections.abc import Callable

import torch
import triton.language as tl
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from satlib.dta.kernels.segments import PIECE, TILE, Segments, piece_bounds, segments, sum_of_segments, tile_shape
from satlib.dta.kernels.tiles import blocks, inverse_length, jit, load_rows
from satlib.dta.vectors import flat_index, inverse_norm, take


class _Context(FunctionCtx):
    saved_tensors: tuple[Tensor, ...]
    temperature: float


class _MergeBySimilarity(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, x: Tensor, centers: Tensor, assignment: Tensor, temperature: float) -> Tensor:
        x, parts = x.contiguous(), segments(assignment, centers.shape[1])
        center_rows = flat_index(centers, x.shape[1])
        merged, logsum = _forward(x, center_rows, parts, centers.shape, temperature)
        ctx.save_for_backward(x, centers, assignment, merged, logsum, *parts)
        ctx.temperature = temperature
        return merged

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, None, None, None]:
        x, centers, assignment, merged, logsum, *parts = ctx.saved_tensors
        grad = grad.contiguous()
        along = (grad * merged).sum(-1)  # (B, K)
        center_rows = flat_index(centers, x.shape[1])
        grad_x, weight = _gradient(x, center_rows, assignment, grad, along, logsum, ctx.temperature)
        toward = sum_of_segments(x, weight, Segments(*parts), centers.shape[1])  # (B, K, C)
        center_tokens = take(x, centers)
        inverse = inverse_norm(center_tokens)
        unit = center_tokens * inverse
        grad_centers = (toward - (toward * unit).sum(-1, keepdim=True) * unit) * inverse
        grad_x.flatten(0, 1).index_add_(0, center_rows, grad_centers.flatten(0, 1))  # no row occurs twice
        return grad_x, None, None, None


merge_by_similarity: Callable[[Tensor, Tensor, Tensor, float], Tensor] = _MergeBySimilarity.apply
"""(B, N, C) tokens, (B, K) positions of the centres, (B, N) clusters, temperature -> (B, K, C)."""


def _forward(
    x: Tensor, center_rows: Tensor, parts: Segments, shape: torch.Size, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return the merged tokens (B, K, C) and the logarithms of the sums of exp(s / tau), (B, K)."""
    n_pieces, n_channels = len(parts.owner), x.shape[2]
    partial, tops, sums = x.new_empty(n_pieces, n_channels), x.new_empty(n_pieces), x.new_empty(n_pieces)
    merged, logsum = x.new_empty(*shape, n_channels), x.new_empty(shape)
    members, width = tile_shape(n_channels)
    _merge_piece[(n_pieces,)](
        x,
        center_rows,
        parts.order,
        parts.starts,
        parts.pieces,
        parts.owner,
        partial,
        tops,
        sums,
        len(center_rows),
        n_channels,
        temperature,
        PIECE,
        members,
        width,
    )
    _merge_pieces[(len(center_rows),)](partial, tops, sums, parts.pieces, merged, logsum, n_channels, members, width)
    return merged, logsum


def _gradient(
    x: Tensor, center_rows: Tensor, assignment: Tensor, grad: Tensor, along: Tensor, logsum: Tensor, temperature: float
) -> tuple[Tensor, Tensor]:
    """Return the tokens' gradient but for the centres' own, (B, N, C), and b_i / ||x_i||, (B, N)."""
    grad_x, weight = torch.empty_like(x), x.new_empty(assignment.shape)
    owner = flat_index(assignment, along.shape[1])
    members, width = tile_shape(x.shape[2], TILE // 2)  # a program holds three such tiles
    _merge_gradient[(blocks(len(owner), members),)](
        x, center_rows, owner, grad, along, logsum, grad_x, weight, len(owner), x.shape[2], temperature, members, width
    )
    return grad_x, weight


@jit
def _merge_piece(
    x: tl.tensor,
    center_rows: tl.tensor,
    order: tl.tensor,
    starts: tl.tensor,
    pieces: tl.tensor,
    owner: tl.tensor,
    partial: tl.tensor,
    tops: tl.tensor,
    sums: tl.tensor,
    n_clusters: tl.tensor,
    n_channels: tl.tensor,
    temperature: tl.tensor,
    size: tl.constexpr,
    members: tl.constexpr,
    width: tl.constexpr,
) -> tl.tensor:
    """Merge one piece: the largest logit, the sum of exp(logit - largest), and of the tokens under these weights."""
    cluster = tl.load(owner + tl.program_id(0))
    if cluster < n_clusters:
        channels = tl.arange(0, width)
        center = tl.load(center_rows + cluster).to(tl.int64) * n_channels
        toward = tl.load(x + center + channels, mask=channels < n_channels, other=0.0)
        toward = toward * inverse_length(tl.sum(toward * toward, 0))
        start, stop = piece_bounds(starts, pieces, cluster, size)
        top = tl.full((1,), float("-inf"), tl.float32)
        total = tl.full((1,), 0.0, tl.float32)
        merged = tl.full((width,), 0.0, tl.float32)
        for first in range(start, stop, members):
            places = first + tl.arange(0, members)
            rows = tl.load(order + places, mask=places < stop, other=0)
            tile = load_rows(x, rows, places < stop, channels, n_channels)  # (members, width)
            unit = tile * inverse_length(tl.sum(tile * tile, 1))[:, None]
            logit = tl.sum(unit * toward[None, :], 1) / temperature  # (members,)
            logit = tl.where(places < stop, logit, float("-inf"))
            new_top = tl.maximum(top, tl.max(logit, 0))
            weight = tl.exp(logit - new_top)
            total = total * tl.exp(top - new_top) + tl.sum(weight, 0)
            merged = merged * tl.exp(top - new_top) + tl.sum(tile * weight[:, None], 0)
            top = new_top
        one = tl.program_id(0) + tl.arange(0, 1)
        tl.store(partial + tl.program_id(0).to(tl.int64) * n_channels + channels, merged, mask=channels < n_channels)
        tl.store(tops + one, top)
        tl.store(sums + one, total)


@jit
def _merge_pieces(
    partial: tl.tensor,
    tops: tl.tensor,
    sums: tl.tensor,
    pieces: tl.tensor,
    merged: tl.tensor,
    logsum: tl.tensor,
    n_channels: tl.tensor,
    members: tl.constexpr,
    width: tl.constexpr,
) -> tl.tensor:
    """Join the pieces of one cluster; a cluster without members becomes zero, its logarithm -inf."""
    cluster = tl.program_id(0).to(tl.int64)
    channels = tl.arange(0, width)
    top = tl.full((1,), float("-inf"), tl.float32)
    total = tl.full((1,), 0.0, tl.float32)
    result = tl.full((width,), 0.0, tl.float32)
    stop = tl.load(pieces + cluster + 1)
    for first in range(tl.load(pieces + cluster), stop, members):
        rows = first + tl.arange(0, members)
        tile = load_rows(partial, rows, rows < stop, channels, n_channels)  # (members, width): of pieces
        piece_top = tl.load(tops + rows, mask=rows < stop, other=float("-inf"))
        piece_sum = tl.load(sums + rows, mask=rows < stop, other=0.0)
        new_top = tl.maximum(top, tl.max(piece_top, 0))
        factor = tl.exp(piece_top - new_top)
        total = total * tl.exp(top - new_top) + tl.sum(piece_sum * factor, 0)
        result = result * tl.exp(top - new_top) + tl.sum(tile * factor[:, None], 0)
        top = new_top
    used = tl.where(total > 0, total, 1.0)
    tl.store(merged + cluster * n_channels + channels, result / used, mask=channels < n_channels)
    tl.store(logsum + cluster + tl.arange(0, 1), top + tl.log(used))


@jit
def _merge_gradient(
    x: tl.tensor,
    center_rows: tl.tensor,
    owner: tl.tensor,
    grad: tl.tensor,
    along: tl.tensor,
    logsum: tl.tensor,
    grad_x: tl.tensor,
    weight_of_unit: tl.tensor,
    n_rows: tl.tensor,
    n_channels: tl.tensor,
    temperature: tl.tensor,
    members: tl.constexpr,
    width: tl.constexpr,
) -> tl.tensor:
    """Gradient of one block of tokens, in the order of the tokens."""
    rows = tl.program_id(0) * members + tl.arange(0, members)
    valid = rows < n_rows
    channels = tl.arange(0, width)
    cluster = tl.load(owner + rows, mask=valid, other=0)
    tile = load_rows(x, rows, valid, channels, n_channels)  # (members, width), as toward and own
    inverse = inverse_length(tl.sum(tile * tile, 1))  # (members,), as similarity, weight and slope
    unit = tile * inverse[:, None]
    toward = load_rows(x, tl.load(center_rows + cluster), valid, channels, n_channels)
    toward = toward * inverse_length(tl.sum(toward * toward, 1))[:, None]
    own = load_rows(grad, cluster, valid, channels, n_channels)
    similarity = tl.sum(unit * toward, 1)
    weight = tl.exp(similarity / temperature - tl.load(logsum + cluster, mask=valid, other=0.0))
    slope = weight * (tl.sum(own * tile, 1) - tl.load(along + cluster)) / temperature
    result = weight[:, None] * own + (slope * inverse)[:, None] * (toward - similarity[:, None] * unit)
    places = rows.to(tl.int64)[:, None] * n_channels + channels[None, :]
    tl.store(grad_x + places, result, mask=valid[:, None] & (channels < n_channels)[None, :])
    tl.store(weight_of_unit + rows, slope * inverse, mask=valid)
