"""`python -m benchmarks options --set NAME=FOLDER`: Tables F and H at inference, on images of test sets.

The bundled networks are evaluated with another subsampling factor, or another number of neighbours, than they were
trained with. Nothing is trained anew, which is what the paper's rows are. A second seed is the yardstick: it changes
nothing but which tokens are sampled. Of each photograph the middle is taken, SIDE pixels of low resolution or less.
"""

from collections.abc import Mapping
from typing import Any

import torch

from benchmarks.protocol import say
from benchmarks.test_sets import TestSet, arguments, images_of, middle, write
from satlib import load, upscale
from satlib.images.degradation import downscale
from satlib.metrics import psnr, ssim

NETWORKS = ("sat-tiny-x2", "sat-tiny-x4")
SIDE = 96
CHANGES: dict[str, dict[str, float]] = {
    "as trained": {},
    "beta = 2": {"subsample": 2},
    "beta = 8": {"subsample": 8},
    "m = 30": {"neighbors": 30},
    "m = 50": {"neighbors": 50},
    "m = 100": {"neighbors": 100},
    "seed = 1": {"seed": 1},
}
"""Fields of the configuration, by the name of the row. The networks are trained with beta = 4 and m = 0.1K."""

Row = dict[str, Any]


def main() -> int:
    """Evaluate all networks with all changes on all sets and write the rows."""
    sets, to = arguments("options")
    torch.set_num_threads(1)
    rows = [
        row
        for network in NETWORKS
        for name, change in CHANGES.items()
        for test_set in sets
        for row in measure(network, name, change, test_set)
    ]
    write(to, "options", {"side": SIDE, "changes": CHANGES}, rows)
    return 0


def measure(network: str, name: str, change: Mapping[str, float], test_set: TestSet, side: int = SIDE) -> list[Row]:
    """Return the rows of one network with one change: PSNR and SSIM of Y of each image."""
    model = load(network, device="cpu", **change)
    rows: list[Row] = []
    scale = model.config.scale
    for file in images_of(test_set.folder):
        photo = middle(file, side, scale)
        output = upscale(downscale(photo, scale), model, margin=0)
        quality = {
            "psnr": round(psnr(output, photo, border=scale), 5),
            "ssim": round(ssim(output, photo, border=scale), 6),
        }
        rows.append({"network": network, "change": name, "set": test_set.name, "image": file.stem} | quality)
    say(f"{network}  {name:<12} {test_set.name:<8} {sum(row['psnr'] for row in rows) / len(rows):.4f} dB")
    return rows
