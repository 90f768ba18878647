"""Which of torch's fused attention kernels runs: chosen here from the device, the dtype and the mask.

What they accept on CUDA by torch's own source (the checks of aten/src/ATen/native/transformers/cuda/sdp_utils.cpp, the
gradients of tools/autograd/derivatives.yaml, which torch ships as torchgen/packaged/autograd/derivatives.yaml):

- flash: half precision; q and k as wide as v; widths up to 256; no bias.
- memory-efficient: half precision and float32; q and k may be narrower than v; widths in steps of 8 in half precision,
  of 4 in float32; a bias, and its gradient.
- cuDNN: half precision; q and k may be narrower; widths in steps of 8 up to 128; a bias, but no gradient of it.
- math: all of these, any width; writes the N x K weights.

On a CPU flash takes any precision, equal widths, and a bias, but gives that no gradient; widths in steps of 8 are the
faster ones.

So on CUDA attention to few tokens, which brings no mask, goes to flash in half precision, with queries and keys filled
up to the width of the values, and to the memory-efficient kernel in float32. Windows, whose bias wants a gradient, go
to the memory-efficient one. cuDNN is left out: it gives no gradient to a bias and is not deterministic. The math form
is the last resort, for float64 and for devices that have none of the others.

Shapes: B images, N queries, K keys, d (queries, keys) and e (values) channels of a head.
"""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

STEP = 8
"""Widths are filled up to multiples of this."""


def by_torch(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, *, scale: float | None = None) -> Tensor:
    """Attend by a fused kernel of torch.

    Parameters
    ----------
    q, k, v
        (B, heads, N, d), (B, heads, K, d) and (B, heads, K, e).
    mask
        Logits to add, (B, heads, N, K).
    scale
        What products are multiplied by; ``None``: 1 / sqrt(d).

    Returns
    -------
    Tensor
        (B, heads, N, e).
    """
    scale = q.shape[-1] ** -0.5 if scale is None else scale
    narrow, wide = widths(q, v)
    q, k, v, n_values = filled(q, narrow), filled(k, narrow), filled(v, wide), v.shape[-1]
    with chosen(q, mask):
        out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
    return out[..., :n_values]


def widths(q: Tensor, v: Tensor) -> tuple[int, int]:
    """Return the widths that queries and values are filled up to; different ones only where the kernel takes them."""
    d, e = (-(-t.shape[-1] // STEP) * STEP for t in (q, v))
    uneven = q.device.type == "cuda" and q.dtype == torch.float32
    return (d, e) if uneven else (max(d, e), max(d, e))


def kernels(dtype: torch.dtype, *, masked: bool) -> list[SDPBackend]:
    """Return the kernels that may run on CUDA; torch takes the first that accepts its inputs."""
    if dtype == torch.float64:
        return [SDPBackend.MATH]
    if masked or dtype == torch.float32:
        return [SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    return [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def chosen(q: Tensor, mask: Tensor | None) -> AbstractContextManager[None]:
    """Let only the chosen kernels run on CUDA; elsewhere torch has no choice to make."""
    if q.device.type != "cuda":
        return nullcontext()
    return sdpa_kernel(kernels(q.dtype, masked=mask is not None))


def with_bias(q: Tensor, k: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Put what (B, K) adds to q k^T into two more channels: ones in the queries, the bias in the keys.

    ``q`` (B, N, heads, d) and ``k`` (B, K, heads, d); returns both with d + 2 channels.

    As a mask it would be (B, heads, N, K) numbers, which kernels without a mask never hold. Two channels, because one
    in half precision would round the bias; its -inf becomes half of the lowest number, whose exponential is 0 as well.
    """
    lowest = torch.finfo(q.dtype).min / 2
    exact = bias.clamp_min(lowest)
    high = exact.to(q.dtype)
    low = (exact - high).to(q.dtype)
    both = torch.stack((high, low), dim=-1).unsqueeze(2).expand(-1, -1, k.shape[2], -1)  # (B, K, heads, 2)
    return torch.cat((q, q.new_ones(*q.shape[:-1], 2)), dim=-1), torch.cat((k, both), dim=-1)


def filled(x: Tensor, width: int) -> Tensor:
    """Fill the last axis up to a width with zeros."""
    return functional.pad(x, (0, width - x.shape[-1])) if x.shape[-1] < width else x
