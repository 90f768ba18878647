"""`python -m benchmarks count-peers`: count SAT's peers as `satlib.complexity` counts SAT.

Writes satlib/results/paper/peers.json. Nothing is computed: networks and images live on torch's "meta" device, so that
only shapes are passed on. Layers and products are separated by `satlib.complexity.measured`.
"""

import json
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch

from benchmarks.peers import SETTINGS, build, import_spandrel
from satlib.complexity import low_resolution
from satlib.complexity.layer_costs import NORM_OPERATIONS
from satlib.complexity.measured import operations
from satlib.results import paper

OUTPUT = (1280, 640)
SCALES = (2, 3, 4)


def main() -> None:
    """Count every peer at every scale and write the results with the versions that made them."""
    architectures = import_spandrel()
    result = {
        "made by": "python -m benchmarks count-peers",
        "versions": {package: version(package) for package in ("spandrel", "torchvision", "torch")},
        "output": OUTPUT,
        "sources": {name: source for name, (source, _) in SETTINGS.items()},
        "rows": [count(name, architectures, scale) for name in SETTINGS for scale in SCALES],
    }
    Path(paper.__file__).with_name("peers.json").write_text(json.dumps(result, indent=1) + "\n")


def count(name: str, architectures: ModuleType, scale: int) -> dict[str, object]:
    """Build a peer, pass a meta image through it and return its row."""
    network = build(architectures, name, scale, SETTINGS[name][1]).to("meta")
    height, width = low_resolution(OUTPUT, scale)
    found = operations(network, torch.empty(1, 3, height, width, device="meta"))
    layers = found.linear + found.convolution + NORM_OPERATIONS * found.normalised
    return {
        "method": name,
        "scale": scale,
        "params": sum(p.numel() for p in network.parameters()),
        "published": layers,
        "total": layers + found.products,
    }
