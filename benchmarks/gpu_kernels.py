"""What runs inside a forward pass on a GPU: torch's attention kernels side by side, and the profiler's list."""

import warnings
from collections.abc import Iterator, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu_timing import Method, Row, Run, timed, wait
from satlib.network.torch_attention import kernels
from satlib.upscaling.precision import FORMATS

Shape = tuple[int, int, int, int]
LISTED = 25
"""Kernels of the profile."""

NAMES = {
    SDPBackend.FLASH_ATTENTION: "flash",
    SDPBackend.EFFICIENT_ATTENTION: "memory-efficient",
    SDPBackend.CUDNN_ATTENTION: "cuDNN",
    SDPBackend.MATH: "math",
}


def attention_rows(device: torch.device, method: Method, tokens: int, windows: int) -> Iterator[Row]:
    """Yield the time of every kernel on the two attentions of `sat`, or why torch refuses it.

    From N tokens to K as they reach torch in a forward pass; in windows with a bias, forward and backward. With
    "uneven" widths queries and keys are narrower than values.
    """
    for number_format in FORMATS:
        dtype = getattr(torch, number_format)
        few = max(1, int(0.03 * tokens))
        for narrow in (24, 40):
            shapes = [(1, 6, tokens, narrow), (1, 6, few, narrow), (1, 6, few, 40)]
            what = f"to {few} of {tokens} tokens, {'even' if narrow == 40 else 'uneven'} widths"
            yield from _kernel_rows(device, method, what, shapes, dtype, masked=False)
        shapes = [(windows, 3, 256, 40)] * 3
        yield from _kernel_rows(device, method, f"{windows} windows with gradients", shapes, dtype, masked=True)


def _kernel_rows(
    device: torch.device, method: Method, what: str, shapes: Sequence[Shape], dtype: torch.dtype, *, masked: bool
) -> Iterator[Row]:
    inputs = [torch.randn(shape, device=device, dtype=dtype, requires_grad=masked) for shape in shapes]
    bias = torch.randn(3, 256, 256, device=device, dtype=dtype, requires_grad=True) if masked else None
    ours = kernels(dtype, masked=masked)[0]
    for backend, name in NAMES.items():
        row: Row = {"what": what, "format": str(dtype).removeprefix("torch."), "kernel": name, "ours": backend == ours}
        try:
            with warnings.catch_warnings():  # torch says in warnings why it refuses
                warnings.simplefilter("ignore")
                found = timed(_kernel_run(inputs, bias, backend), device, method)
        except (RuntimeError, MemoryError, ArithmeticError) as error:
            yield {**row, "refused": str(error).strip().splitlines()[0] if str(error) else type(error).__name__}
        else:
            yield {**row, **found.row()}


def _kernel_run(inputs: list[Tensor], bias: Tensor | None, backend: SDPBackend) -> Run:
    """Return a call of one kernel; with a bias also its backward pass, which must reach the bias."""
    q, k, v = inputs

    def run() -> Tensor:
        with sdpa_kernel(backend):
            mask = None if bias is None else bias.expand(len(q), -1, -1, -1)
            out = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        if bias is None:
            return out
        bias.grad = None
        out.sum().backward()
        if bias.grad is None:
            raise RuntimeError("no gradient of the bias")
        return out.detach() + bias.grad.mean()

    return run


def profile_rows(device: torch.device, run: Run) -> Iterator[Row]:
    """Yield the kernels of one call that take most time, with all kernels together and the time from start to end."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    run()
    wait(device)
    with profile(activities=activities, acc_events=True) as recorded:
        run()
        wait(device)
    seconds = partial(_own_seconds, device)
    events = sorted(recorded.key_averages(), key=seconds, reverse=True)
    yield {"what": "all kernels", "seconds": float(f"{sum(map(seconds, events)):.5g}"), "calls": len(events)}
    for event in events[:LISTED]:
        yield {"what": event.key[:120], "seconds": float(f"{seconds(event):.5g}"), "calls": event.count}


def _own_seconds(device: torch.device, event: torch.autograd.profiler_util.FunctionEventAvg) -> float:
    """Return what an event took itself on the device; an operator that only launches kernels took nothing there."""
    if device.type == "cuda":
        on_device = str(event.device_type).endswith("CUDA")
        return event.self_device_time_total / 1e6 if on_device else 0.0
    return event.self_cpu_time_total / 1e6
