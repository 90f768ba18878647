"""softmax(q k^T / sqrt(d) + bias) v without keeping the weights: in windows, and from all tokens to a few.

torch's fused kernels do it (`satlib.network.torch_attention`). On a CPU the threads then meet once for some hundred
windows, and for all queries of aggregated tokens once; in training once for some thousand queries
(`satlib.network.query_blocks`). Small operations need no meeting of their own. The kernels have no gradient for a bias.
Where one is wanted, in training, windows are computed here in blocks that fit in the cache: the weights of a block are
used and forgotten, and computed again in the backward pass.

Shapes: B images, W windows of n tokens, N queries, K keys, d (queries, keys) and e (values) channels of a head, b
windows of a block, of all images, times heads.
"""

from collections.abc import Callable, Iterator
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from satlib.network.query_blocks import attend_at_once, attend_by_blocks
from satlib.network.torch_attention import by_torch
from satlib.network.windows import HalvesPlan, from_windows, pick, put, to_windows

BLOCK_WEIGHTS = 2**18
"""Attention weights that a thread holds at once, about, where they are held at all."""

BLOCK_NUMBERS = 2**18
"""Queries, keys and values that are laid out in windows at once, about, where no gradient is wanted: some milliseconds
of work."""


def attend_in_windows(qkv: Tensor, bias: Tensor, plan: HalvesPlan) -> Tensor:
    """Attend inside the windows of each half of the channels.

    Parameters
    ----------
    qkv
        (B, N, 3C): queries, keys and values, each of them h x w and w x h windows, heads, d.
    bias
        (2, heads, n, n) logits to add in each half.
    plan
        Where the tokens stand in windows, and who may read whom.

    Returns
    -------
    Tensor
        (B, N, C).
    """
    rows = qkv.view(len(qkv), 6 * qkv.shape[1], -1)  # (B, 6N, C/2)
    return _way(qkv, bias)(rows, bias.to(qkv.dtype), plan).view(*qkv.shape[:2], -1)


def _way(qkv: Tensor, bias: Tensor) -> Callable[[Tensor, Tensor, HalvesPlan], Tensor]:
    """Return what attends from (B, 6N, C/2) rows with a bias (2, heads, n, n): (B, 2N, C/2)."""
    if not _by_blocks(qkv):
        return _windows_by_torch
    if not torch.is_grad_enabled() or not (qkv.requires_grad or bias.requires_grad):
        return _windows_without_gradient
    return _windows_in_blocks if bias.requires_grad else _windows_by_torch


def _by_blocks(x: Tensor) -> bool:
    """Return whether blocks pay: on a CPU, where nothing is compiled."""
    wide = x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)
    return wide and not torch.compiler.is_compiling()


def attend(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Attend from N tokens to K.

    ``q`` (B, N, heads, d), ``k`` (B, K, heads, d), ``v`` (B, K, heads, e), and ``bias`` (B, K), a constant logit for
    each key; returns (B, N, heads, e).
    """
    return (attend_by_blocks if _by_blocks(q) else attend_at_once)(q, k, v, bias)


def _windows_by_torch(rows: Tensor, bias: Tensor, plan: HalvesPlan) -> Tensor:
    _, heads, n, _ = bias.shape
    windows = to_windows(rows, plan.split).unflatten(1, (-1, n, 3)).unflatten(-1, (heads, -1))
    outs = []
    for half, groups in zip(bias, plan.groups, strict=True):
        for start, stop, allowed in groups:
            q, k, v = windows[:, start:stop].flatten(0, 1).permute(2, 0, 3, 1, 4)  # each (B*W', heads, n, d)
            out = by_torch(q, k, v, _masked(half, allowed).expand(len(q), -1, -1, -1))
            outs.append(out.transpose(1, 2).flatten(2).unflatten(0, (len(rows), -1)))
    return from_windows(torch.cat(outs, dim=1).flatten(1, 2), plan.join)


def _windows_without_gradient(rows: Tensor, bias: Tensor, plan: HalvesPlan) -> Tensor:
    n, out = bias.shape[-1], rows.new_empty(len(rows), rows.shape[1] // 3, rows.shape[2])

    def read(windows: _Windows) -> Tensor:
        q, k, v = _to_heads(pick(rows, windows.rows, plan.gaps), bias, 3).unflatten(1, (-1, bias.shape[1]))
        found = by_torch(q, k, v, windows.bias.expand(len(q), -1, -1, -1))  # (B*W', heads, n, d)
        return found.transpose(1, 2).reshape(len(rows), -1, rows.shape[2])

    for windows in _window_blocks(bias, plan, BLOCK_NUMBERS // (3 * len(rows) * n * rows.shape[2])):
        put(out, windows.tokens, read(windows), plan.gaps)
    return out


def _masked(bias: Tensor, allowed: Tensor | None) -> Tensor:
    return bias if allowed is None else bias.masked_fill(~allowed, -torch.inf)


class _Block:
    """The attention of b windows and heads at once: q, k and v (b, n, d).

    Results have tokens, the long side, last: narrow matrices are what products are worst at making. All blocks of a
    call share three buffers, since memory is slow when it is new.
    """

    def __init__(self, like: Tensor, size: int) -> None:
        self.buffers = like.new_empty(3, size)

    def _buffer(self, which: int, *shape: int) -> Tensor:
        return self.buffers[which, : prod(shape)].view(shape)

    def weights(self, q: Tensor, k: Tensor, bias: Tensor) -> Tensor:
        """Return softmax(q k^T / sqrt(d) + bias), (b, n, n); ``bias`` (1, heads, n, n)."""
        logits = self._buffer(0, len(q), q.shape[1], k.shape[1])
        logits.view(-1, bias.shape[-3], *logits.shape[1:]).copy_(bias)
        torch.baddbmm(logits, q, k.mT, alpha=q.shape[-1] ** -0.5, out=logits)
        return torch.softmax(logits, -1, out=self._buffer(1, *logits.shape))

    def gradients(
        self, q: Tensor, k: Tensor, v: Tensor, weight: Tensor, grad: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the gradients of the logits, (b, n, n), and of q, k and v, transposed, from that of the result."""
        grad_weight = torch.bmm(grad, v.mT, out=self._buffer(0, *weight.shape))
        logits = torch.ops.aten._softmax_backward_data.out(
            grad_weight, weight, -1, weight.dtype, grad_input=self._buffer(2, *weight.shape)
        )
        scale = q.shape[-1] ** -0.5
        return logits, (k * scale).mT @ logits.mT, (q * scale).mT @ logits, grad.mT @ weight


class _Windows(NamedTuple):
    """Windows of one half of the channels that are computed together."""

    rows: Tensor
    """Where their queries, keys and values are found among the rows of :attr:`HalvesPlan.split`."""
    tokens: Tensor
    """Where their results go among the rows of :attr:`HalvesPlan.join`."""
    half: int
    bias: Tensor
    """(1, heads, n, n), -inf where reading is not allowed."""


class _WindowsContext(FunctionCtx):
    plan: HalvesPlan
    saved_tensors: tuple[Tensor, ...]


class _WindowAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _WindowsContext, rows: Tensor, bias: Tensor, plan: HalvesPlan) -> Tensor:
        ctx.save_for_backward(rows, bias)
        ctx.plan = plan
        out = rows.new_empty(len(rows), rows.shape[1] // 3, rows.shape[2])
        block, step = _block_of(rows, bias, plan)
        for windows in _window_blocks(bias, plan, step):
            q, k, v = _to_heads(pick(rows, windows.rows, plan.gaps), bias, 3)
            read = v.mT @ block.weights(q, k, windows.bias).mT  # (B*W*heads, d, n)
            put(out, windows.tokens, _from_heads(read.unsqueeze(0), bias, len(rows)), plan.gaps)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: _WindowsContext, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        (rows, bias), plan = ctx.saved_tensors, ctx.plan
        grad_rows, grad_bias = rows.new_empty(rows.shape), torch.zeros_like(bias)
        block, step = _block_of(rows, bias, plan)
        for windows in _window_blocks(bias, plan, step):
            q, k, v = _to_heads(pick(rows, windows.rows, plan.gaps), bias, 3)
            grad_out = _to_heads(pick(grad, windows.tokens, plan.gaps), bias, 1)[0]
            logits, *parts = block.gradients(q, k, v, block.weights(q, k, windows.bias), grad_out)
            grad_bias[windows.half] += logits.view(-1, *bias.shape[1:]).sum(0)
            put(grad_rows, windows.rows, _from_heads(torch.stack(parts), bias, len(rows)), plan.gaps)
        return grad_rows, grad_bias, None


_windows_in_blocks: Callable[[Tensor, Tensor, HalvesPlan], Tensor] = _WindowAttention.apply


def _block_of(rows: Tensor, bias: Tensor, plan: HalvesPlan) -> tuple[_Block, int]:
    """Return buffers for the weights of a block, and how many windows it has."""
    n, each = bias.shape[-1], len(rows) * bias[0].numel()
    step = max(1, min(BLOCK_WEIGHTS * torch.get_num_threads() // each, len(plan.join.source) // n))
    return _Block(rows, step * each), step


def _window_blocks(bias: Tensor, plan: HalvesPlan, step: int) -> Iterator[_Windows]:
    """Yield blocks of at most ``step`` windows that share a bias and a mask."""
    n = bias.shape[-1]
    for half, groups in enumerate(plan.groups):
        for start, stop, allowed in groups:
            masked = _masked(bias[half], allowed).unsqueeze(0)
            for first in range(start, stop, max(1, step)):
                places = slice(first * n, min(first + max(1, step), stop) * n)
                three = plan.split.source[3 * places.start : 3 * places.stop]
                yield _Windows(three, plan.join.source[places], half, masked)


def _to_heads(x: Tensor, bias: Tensor, n_parts: int) -> Tensor:
    """(B, W*n*parts, C/2) -> (parts, B*W*heads, n, d)."""
    _, heads, n, _ = bias.shape
    return x.view(len(x), -1, n, n_parts, heads, x.shape[2] // heads).permute(3, 0, 1, 4, 2, 5).flatten(1, 3)


def _from_heads(x: Tensor, bias: Tensor, n_images: int) -> Tensor:
    """(parts, B*W*heads, d, n) -> (B, W*n*parts, C/2)."""
    n_parts, _, d, n = x.shape
    split = x.view(n_parts, n_images, -1, bias.shape[1], d, n).permute(1, 2, 5, 0, 3, 4)  # (B, W, n, parts, heads, d)
    return split.reshape(n_images, -1, bias.shape[1] * d)
