"""`python -m benchmarks reports`: what the SAA layers of each bundled network do, on the package's photographs.

Writes satlib/results/test_sets/reports.json, a row for each network: the reports on its layers, its controls (all
layers read what is not their own), and its PSNR with more and with fewer aggregated tokens. Minutes on one core.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.protocol import say
from benchmarks.test_sets import Pixels, write
from benchmarks.trials import squares
from satlib import load, upscale
from satlib.analysis.controls import controls
from satlib.analysis.layer_reports import layer_reports
from satlib.images.degradation import downscale
from satlib.metrics import psnr
from satlib.results import test_sets
from satlib.weights import bundled_names

KEEP = (0.001, 0.003, 0.01, 0.03, 0.1)
"""K/N: how many tokens are left of those that there are; the networks are trained at 0.03."""


def main() -> None:
    """Report on all bundled networks; print and write the rows."""
    torch.set_num_threads(1)
    images = squares()
    rows = [report(name, images) for name in bundled_names()]
    settings = {"side": images[0].shape[0], "photographs": len(images), "keep": KEEP}
    write(Path(test_sets.__file__).with_name("reports.json"), "reports", settings, rows)


def report(name: str, images: list[Pixels]) -> dict[str, Any]:
    """Return the row of a network: means for layers; what each control changes, and PSNR of Y, in dB for each image."""
    model = load(name)
    found: dict[str, Any] = {
        "network": name,
        "layers": [
            {key: round(value, 5) for key, value in one._asdict().items()} for one in layer_reports(model, images)
        ],
        "controls": {
            what: [round(change, 4) for change in changes] for what, changes in controls(model, images).items()
        },
        "psnr": {str(keep): levels(name, keep, images) for keep in KEEP},
    }
    for what, values in {**found["controls"], **found["psnr"]}.items():
        say(f"{name}  {what:<28} {min(values):8.3f} to {max(values):7.3f}, median {np.median(values):7.3f} dB")
    return found


def levels(name: str, keep_ratio: float, images: list[Pixels]) -> list[float]:
    """Return the PSNR of Y of each image, in dB, by a network that keeps another share of aggregated tokens."""
    model = load(name, keep_ratio=keep_ratio)
    scale = model.config.scale
    lows = [downscale(image, scale) for image in images]
    outputs = [upscale(low, model, margin=0) for low in lows]
    return [round(psnr(out, image, border=scale), 4) for out, image in zip(outputs, images, strict=True)]
