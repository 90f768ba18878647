"""What `python -m benchmarks gpu` times: SAT as satlib runs it, recorded as a graph, and in the dense form; training.

Nothing is timed before it is right: forward passes and gradients are held against float64 on the same device.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import dense
from benchmarks.gpu_timing import Run
from satlib import SAT, SATConfig
from satlib.dta.sampling import Grid
from satlib.upscaling.graphs import forward_graph
from satlib.upscaling.precision import Format, computing

AT_LEAST = {"float32": 40.0, "bfloat16": 25.0}
"""dB that a right result is above its error against float64, at least. Near-ties between centres, which float32 decides
otherwise, are what is left of it: in the rest of the values it is much smaller."""


@dataclass(frozen=True)
class Subject:
    """A way to compute something, ready to be called."""

    name: str
    run: Run
    refresh: Callable[[], object]
    """Makes new inputs in place."""


def network(preset: str, scale: int, device: torch.device, *, training: bool = False) -> SAT:
    """Return an untrained network, always the same."""
    torch.manual_seed(0)
    model = SAT(SATConfig.preset(preset, scale=scale))
    return model.to(device).train(training)


def forward(model: SAT, grid: Grid, number_format: Format, way: str) -> Subject:
    """Return the forward pass in one way: "ours", "graph" or "dense"."""
    device = next(model.parameters()).device
    image = torch.rand(1, 3, *grid, device=device)
    if way == "graph":
        replay = forward_graph(model, image, number_format=number_format)
        return Subject(way, lambda: replay(image), image.uniform_)
    compute = model if way == "ours" else lambda x: dense.sat(model, x)
    return Subject(way, forwards(compute, image, number_format), image.uniform_)


def forwards(compute: Callable[[Tensor], Tensor], image: Tensor, number_format: Format) -> Run:
    """Return a call of a network on one image, without gradients."""

    def run() -> Tensor:
        with torch.no_grad(), computing(number_format, image.device):
            return compute(image)

    return run


def decibels(found: Tensor, expected: Tensor) -> float:
    """Return the power of what is expected over that of the error, in dB."""
    error = (found.double() - expected).square().mean()
    return float(10 * torch.log10(expected.var() / error.clamp_min(1e-300)))


def check_forward(model: SAT, grid: Grid, number_format: Format, way: str) -> float:
    """Return by how many dB a forward pass agrees with float64.

    Raises
    ------
    ArithmeticError
        If it does not agree.
    """
    device = next(model.parameters()).device
    subject = forward(model, grid, number_format, way)
    torch.manual_seed(1)
    subject.refresh()
    found = subject.run().clone()
    torch.manual_seed(1)
    image = torch.empty(1, 3, *grid, device=device).uniform_()
    wide = copy.deepcopy(model).double()
    with torch.no_grad():
        return require(decibels(found, wide(image.double())), number_format, way)


def require(agreement: float, number_format: Format, way: str) -> float:
    """Return the agreement in dB, to one digit, or raise ArithmeticError."""
    if not agreement >= AT_LEAST[number_format]:
        raise ArithmeticError(
            f"{way} in {number_format} agrees with float64 by {agreement:.1f} dB, not {AT_LEAST[number_format]:.0f}"
        )
    return round(agreement, 1)


def training(model: SAT, batch: int, side: int, number_format: Format, way: str) -> Subject:
    """Return a training step: forward pass, L1 loss, backward pass, Adam."""
    device, scale = next(model.parameters()).device, model.config.scale
    low = torch.rand(batch, 3, side, side, device=device)
    high = torch.rand(batch, 3, scale * side, scale * side, device=device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6, fused=True)

    def run() -> Tensor:
        optimizer.zero_grad()
        found = loss(model, low, high, number_format, way)
        found.backward()
        optimizer.step()
        return found.detach()

    return Subject(way, run, low.uniform_)


def loss(model: SAT, low: Tensor, high: Tensor, number_format: Format, way: str) -> Tensor:
    """Return the L1 loss."""
    with computing(number_format, low.device):
        out = model(low) if way == "ours" else dense.sat(model, low)
        return functional.l1_loss(out, high)


def check_gradients(model: SAT, side: int, number_format: Format, way: str) -> float:
    """Return by how many dB the gradients of one small batch agree with those in float64, in eval mode.

    Raises
    ------
    ArithmeticError
        If they do not agree.
    """
    device, scale = next(model.parameters()).device, model.config.scale
    generator = torch.Generator(device).manual_seed(1)
    low = torch.rand(2, 3, side, side, device=device, generator=generator)
    high = torch.rand(2, 3, scale * side, scale * side, device=device, generator=generator)
    own, wide = copy.deepcopy(model).eval(), copy.deepcopy(model).double().eval()
    loss(own, low, high, number_format, way).backward()
    loss(wide, low.double(), high.double(), "float32", "ours").backward()
    found, expected = (torch.cat([p.grad.flatten() for p in m.parameters() if p.grad is not None]) for m in (own, wide))
    return require(decibels(found, expected), number_format, f"the gradient of {way}")
