"""What a GPU can do at best, and what a network needs of it: rates measured in place, limits from `needs.py`.

A limit is the time of all multiply-adds at the rate of a large product, or of all bytes at the bandwidth of a large
copy, stage by stage whichever is longer. Exponentials are not in it.
"""

from functools import partial

import torch

from benchmarks.gpu_timing import Method, timed
from benchmarks.needs import needs
from satlib.complexity import complexity
from satlib.config import SATConfig
from satlib.dta.sampling import Grid
from satlib.upscaling.precision import FORMATS, Format, exact

BYTES = {"float32": 4, "bfloat16": 2}
"""Of a number."""


def rates(device: torch.device, method: Method, side: int, n_bytes: int) -> dict[str, float]:
    """Return multiply-adds per second of a product of ``side`` in each format, and bytes per second of a copy."""
    found: dict[str, float] = {}
    for number_format in FORMATS:
        a, b = torch.randn(2, side, side, device=device, dtype=getattr(torch, number_format))
        with exact():
            best = timed(partial(torch.mm, a, b), device, method)
        found[number_format] = side**3 / best.median
        del a, b
    source = torch.ones(n_bytes, dtype=torch.uint8, device=device).view(torch.float32)
    target = torch.empty_like(source)
    found["bytes"] = 2 * n_bytes / timed(lambda: target.copy_(source), device, method).median
    return {name: float(f"{value:.4g}") for name, value in found.items()}


def limit(config: SATConfig, grid: Grid, number_format: Format, found: dict[str, float]) -> float:
    """Return the seconds that a forward pass over one image takes at best, at these rates."""
    layers = sum(config.groups)
    counts = {
        "window attention": layers / 2,
        "aggregation": layers,
        "SAA attention": layers,
        "gated MLP": 2 * layers,
        "norms": 4 * layers + 2,
    }
    share = BYTES[number_format] / 4  # `needs` counts float32
    total = 0.0
    for name, need in needs(config, grid).items():
        arithmetic, moved = need.macs / found[number_format], share * need.n_bytes / found["bytes"]
        total += counts[name] * max(arithmetic, moved)
    macs = complexity(config, (grid[1] * config.scale, grid[0] * config.scale)).macs
    return total + (macs["convolutions"] + macs["upsampler"]) / found[number_format]
