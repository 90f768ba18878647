"""The parts of a network, each as a call of its own: in the dense form and as satlib runs it.

Parts run on features as a network has them, so that their times add up to that of the network, but for what lies
between them (additions, drawing samples, caches that are cold). Half of the window attentions are shifted, and one of
each kind makes one call here.
"""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from benchmarks import dense
from benchmarks.cpu import features, no_grad
from benchmarks.protocol import Run
from satlib import SAT, SATConfig, plain
from satlib.complexity.parameters import one_group
from satlib.dta.sampling import Grid
from satlib.network.attention import (
    RectangleWindowAttention,
    to_image,
    to_tokens,
)
from satlib.network.geometry import eval_sample

NETWORKS = (("sat-light", (128, 128)), ("sat", (128, 128)))
"""Presets and the images that they are looked at with; 128 x 128 at x4 is what the paper times."""

WAYS = ("dense", "ours")


@dataclass(frozen=True)
class Part:
    """One part of a network."""

    name: str
    count: float
    """How many of these calls a forward pass makes."""
    dense: Run
    ours: Run


def network(preset: str) -> SAT:
    """Return the untrained network at x4."""
    torch.manual_seed(0)
    return SAT(SATConfig.preset(preset, scale=4)).eval()


def whole(model: SAT, grid: Grid) -> tuple[Run, Run]:
    """Return the forward pass of the whole network on a random image."""
    image = torch.rand(1, 3, *grid, generator=torch.Generator().manual_seed(0))
    return no_grad(lambda: dense.sat(model, image)), no_grad(lambda: model(image))


def parts(model: SAT, grid: Grid) -> list[Part]:
    """Return the parts of a network; "SAA layer" contains "aggregation"."""
    x, layers = features(grid, model.config.channels), sum(model.config.groups)
    group, block, _ = one_group(model)
    slow_mlp = dense.on_tokens(plain.gated_mlp, block.mlp, grid)
    deep = to_image(x, grid)
    return [
        _windows(model, x, grid),
        *_selective(model, x, grid),
        _part("gated MLP", 2 * layers, lambda: slow_mlp(x), lambda: block.mlp(x, grid)),
        _part("norms", 4 * layers + 2, lambda: block.norm1(x), lambda: block.norm1(x)),
        _part(
            "convolutions",
            len(model.groups) + 1,
            lambda: group.conv(x.transpose(1, 2).reshape(deep.shape)),
            lambda: to_tokens(group.conv(deep)),
        ),
        _part("upsampler", 1, lambda: _upsample(model, deep.contiguous()), lambda: _upsample(model, deep)),
    ]


def _part(name: str, count: float, slow: Run, fast: Run) -> Part:
    return Part(name, count, no_grad(slow), no_grad(fast))


def _windows(model: SAT, x: Tensor, grid: Grid) -> Part:
    """Return window attention, one plain and one shifted."""
    modules = [m for m in model.modules() if isinstance(m, RectangleWindowAttention)]
    pair = [next(m for m in modules if m.shifted == shifted) for shifted in (False, True)]
    at = model.geometry(grid)
    slow = [
        dense.on_tokens(partial(plain.window_attention, config=model.config, shifted=m.shifted), m, grid) for m in pair
    ]
    return _part(
        "window attention", len(modules) / 2, lambda: [run(x) for run in slow], lambda: [m(x, at) for m in pair]
    )


def _selective(model: SAT, x: Tensor, grid: Grid) -> tuple[Part, Part]:
    """Return aggregation, and the SAA layer around it."""
    modules, c, at = model.saa_layers(), model.config, model.geometry(grid)
    module, n_centers = modules[0], c.n_centers(x.shape[1])
    sample = eval_sample(c, grid, 0)
    slow = dense.on_tokens(partial(plain.selective_attention, config=c, layer=0), module, grid)
    return (
        _part(
            "aggregation",
            len(modules),
            lambda: plain.aggregate(x, n_centers, sample, c).tokens,
            lambda: module.aggregate(x, at),
        ),
        _part("SAA layer", len(modules), lambda: slow(x), lambda: module(x, at)),
    )


def _upsample(model: SAT, deep: Tensor) -> Tensor:
    result: Tensor = model.upsampler(model.features(deep))
    return result


def without_aggregation(seconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Put "SAA attention" in place of "SAA layer": what the layer takes beyond the aggregation of the same turn."""
    pairs = zip(seconds["SAA layer"], seconds["aggregation"], strict=True)
    attention = [float(f"{max(layer - inside, 0):.5g}") for layer, inside in pairs]
    return {
        "SAA attention" if name == "SAA layer" else name: attention if name == "SAA layer" else times
        for name, times in seconds.items()
    }
