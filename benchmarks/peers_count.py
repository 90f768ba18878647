"""`python -m benchmarks count-peers`: count SAT's peers as `satlib.complexity` counts SAT.

Writes satlib/results/paper/peers.json. Nothing is computed: networks and images live on torch's "meta" device, so that
only shapes are passed on. Layers and products are separated by `satlib.complexity.measured`.
"""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.peers import SETTINGS, build, import_spandrel
from satlib.complexity import low_resolution
from satlib.complexity.layer_costs import NORM_OPERATIONS
from satlib.complexity.measured import operations
from satlib.dta.sampling import Grid
from satlib.results import paper

OUTPUT = (1280, 640)
"""For which the paper gives FLOPs."""
TIMED = (512, 512)
"""For which it gives run times."""
SCALES = (2, 3, 4)


def main() -> None:
    """Count every peer at every scale and write the results with the versions that made them."""
    architectures = import_spandrel()
    result: dict[str, Any] = {
        "made by": "python -m benchmarks count-peers",
        "versions": {package: version(package) for package in ("spandrel", "torchvision", "torch")},
        "output": OUTPUT,
        "sources": {name: source for name, (source, _) in SETTINGS.items()},
        "rows": [],
        "output timed": TIMED,
        "rows timed": [],
    }
    for name in SETTINGS:
        for scale in SCALES:
            network = build(architectures, name, scale, SETTINGS[name][1]).to("meta")
            for rows, output in ((result["rows"], OUTPUT), (result["rows timed"], TIMED)):
                rows.append({"method": name, "scale": scale} | count(network, low_resolution(output, scale)))
    Path(paper.__file__).with_name("peers.json").write_text(json.dumps(result, indent=1) + "\n")


def count(network: nn.Module, grid: Grid) -> dict[str, int]:
    """Pass a meta image of (H, W) through a network and return what it costs."""
    found = operations(network, torch.empty(1, 3, *grid, device="meta"))
    layers = found.linear + found.convolution + NORM_OPERATIONS * found.normalised
    return {
        "params": sum(p.numel() for p in network.parameters()),
        "published": layers,
        "total": layers + found.products,
    }
