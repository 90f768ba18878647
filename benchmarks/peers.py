"""Count SAT's peers the way `satlib.complexity` counts SAT, and write `satlib/paper/peers.json`.

The networks come from the `spandrel` package (the extra `peers`), with the settings of their authors'
released configurations. Nothing is computed: networks and images live on torch's "meta" device, so that only shapes
are passed on. Layers and products are separated by `satlib.measure`. Run from the root of the repository:

    python -m benchmarks.peers
"""

import json
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import torch
from torch import nn

from satlib import paper
from satlib.complexity import low_resolution
from satlib.layers import NORM_OPERATIONS
from satlib.measure import operations

OUTPUT = (1280, 640)
SCALES = (2, 3, 4)
SIX = [6] * 6
SETTINGS: dict[str, tuple[str, dict[str, object]]] = {
    "SwinIR": (
        "https://github.com/JingyunLiang/SwinIR, main_test_swinir.py, classical_sr",
        {"img_size": 64, "window_size": 8, "depths": SIX, "embed_dim": 180, "num_heads": SIX, "mlp_ratio": 2,
         "upsampler": "pixelshuffle", "resi_connection": "1conv"},
    ),
    "HAT": (
        "https://github.com/XPixelGroup/HAT, options/test/HAT_SRx4.yml",
        {"img_size": 64, "window_size": 16, "compress_ratio": 3, "squeeze_factor": 30, "conv_scale": 0.01,
         "overlap_ratio": 0.5, "depths": SIX, "embed_dim": 180, "num_heads": SIX, "mlp_ratio": 2,
         "upsampler": "pixelshuffle", "resi_connection": "1conv"},
    ),
    "ATD": (
        "https://github.com/LabShuHangGU/Adaptive-Token-Dictionary, options/test/003_ATD_SRx4_finetune.yml",
        {"img_size": 64, "embed_dim": 210, "depths": SIX, "num_heads": SIX, "window_size": 16, "category_size": 256,
         "num_tokens": 128, "reducted_dim": 20, "convffn_kernel_size": 5, "mlp_ratio": 2,
         "upsampler": "pixelshuffle", "resi_connection": "1conv"},
    ),
    "DAT": (
        "https://github.com/zhengchen1999/DAT, options/Test/test_DAT_x4.yml",
        {"img_size": 64, "split_size": [8, 32], "depth": SIX, "embed_dim": 180, "num_heads": SIX,
         "expansion_factor": 4, "resi_connection": "1conv"},
    ),
    "RGT": (
        "https://github.com/zhengchen1999/RGT, options/test/test_RGT_x4.yml",
        {"img_size": 64, "depth": [6] * 8, "embed_dim": 180, "num_heads": [6] * 8, "mlp_ratio": 2,
         "split_size": [8, 32], "c_ratio": 0.5, "resi_connection": "1conv"},
    ),
}  # fmt: skip


def main() -> None:
    """Count every peer at every scale and write the results with the versions that made them."""
    architectures = import_spandrel()
    rows = [count(name, getattr(architectures, name), scale) for name in SETTINGS for scale in SCALES]
    result = {
        "made by": "python -m benchmarks.peers",
        "versions": {package: version(package) for package in ("spandrel", "torchvision", "torch")},
        "output": OUTPUT,
        "sources": {name: source for name, (source, _) in SETTINGS.items()},
        "rows": rows,
    }
    Path(paper.__file__).with_name("peers.json").write_text(json.dumps(result, indent=1) + "\n")


def import_spandrel() -> ModuleType:
    """Import the architectures of spandrel, which import torchvision.

    Beside a CPU build of torch, torchvision's compiled operators are missing and its import fails. They are declared
    here, without a body, which is enough: none of these networks uses them.
    """
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    return import_module("spandrel.architectures")


def count(name: str, package: ModuleType, scale: int) -> dict[str, object]:
    """Build a peer, pass a meta image through it and return its row."""
    build: Callable[..., nn.Module] = getattr(package, name)
    network = build(upscale=scale, img_range=1.0, **SETTINGS[name][1]).eval().to("meta")
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


if __name__ == "__main__":
    main()
