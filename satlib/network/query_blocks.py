"""Attention from many tokens to few by torch's kernels; on a CPU a block of queries after the other.

The kernel for the CPU wants queries, keys and values of one width, in steps of 8. Heads of SAT are narrow, and their
queries half as wide as their values: 5 and 10 channels in "sat-light", which become 16. In training, queries, results
and gradients of a large image would take two to three times their memory. Here a block at a time is filled up, and what
the backward pass needs is kept as narrow as it is.

Shapes: B images, N queries, K keys, d (queries, keys) and e (values) channels of a head, b queries of a block.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from satlib.network.torch_attention import by_torch, filled, widths, with_bias

BLOCK_QUERIES = 4096
"""Queries of each image that are filled up at once: some milliseconds of work.

Neither the images of a batch nor the threads count, so that they change nothing: sums over blocks are in one order.
"""


def attend_at_once(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Return softmax(q k^T / sqrt(d) + bias) v, (B, N, heads, e).

    ``q`` (B, N, heads, d), ``k`` (B, K, heads, d), ``v`` (B, K, heads, e), and ``bias`` (B, K), a constant.
    """
    scale = q.shape[-1] ** -0.5
    q, k = with_bias(q, k, bias / scale)
    return by_torch(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), scale=scale).transpose(1, 2)


def attend_by_blocks(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
    """Return the same, on a CPU, for float32 and float64, a block at a time where something is kept for gradients."""
    wanted = torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad)
    by_blocks = wanted and q.shape[1] > BLOCK_QUERIES
    return (_with_gradient if by_blocks else attend_at_once)(q, k, v, bias)


def _blocks(q: Tensor) -> Iterator[slice]:
    """Yield consecutive ranges of queries."""
    return (slice(start, start + BLOCK_QUERIES) for start in range(0, q.shape[1], BLOCK_QUERIES))


class _Filled(NamedTuple):
    """What the kernel takes: (B, heads, b or K, width) each."""

    q: Tensor
    k: Tensor
    v: Tensor


class _Context(FunctionCtx):
    saved_tensors: tuple[Tensor, ...]


class _Attention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> Tensor:
        out = q.new_empty(*q.shape[:3], v.shape[-1])
        log_sums = q.new_empty(len(q), q.shape[2], q.shape[1])  # of the exponentials of a query's logits
        for rows in _blocks(q):
            read, log_sums[..., rows] = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
                *_fill(q[:, rows], k, v, bias), scale=q.shape[-1] ** -0.5
            )
            out[:, rows] = read.transpose(1, 2)[..., : v.shape[-1]]
        ctx.save_for_backward(q, k, v, bias, out, log_sums)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, bias, out, log_sums = ctx.saved_tensors
        grad_q, grad_k, grad_v = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        for rows in _blocks(q):
            given = _fill(q[:, rows], k, v, bias)
            grad_out, read = (filled(t[:, rows], given.v.shape[-1]).transpose(1, 2) for t in (grad, out))
            of_q, of_k, of_v = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward(
                grad_out, *given, read, log_sums[..., rows].contiguous(), 0.0, False, scale=q.shape[-1] ** -0.5
            )
            grad_q[:, rows] = of_q.transpose(1, 2)[..., : q.shape[-1]]
            grad_k += of_k.transpose(1, 2)[..., : k.shape[-1]]
            grad_v += of_v.transpose(1, 2)[..., : v.shape[-1]]
        return grad_q, grad_k, grad_v, None


_with_gradient: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor] = _Attention.apply


def _fill(q: Tensor, k: Tensor, v: Tensor, bias: Tensor) -> _Filled:
    q, k = with_bias(q, k, bias * q.shape[-1] ** 0.5)
    width = max(widths(q, v))
    return _Filled(*(filled(t, width).transpose(1, 2) for t in (q, k, v)))
