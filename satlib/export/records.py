"""What is known of a bundled network beside its weights: the numbers that were measured, and the card's paragraphs."""

import json
from typing import NamedTuple

from satlib.weights.checkpoint import bundled, bundled_names


class Result(NamedTuple):
    """The mean of one set of images."""

    data: str
    """The set, as "Set5"."""
    scale: int
    psnr: float
    """In dB, on Y."""
    ssim: float
    baseline: str
    """The same of bicubic interpolation, "PSNR / SSIM"."""


def read_results(name: str) -> list[Result]:
    """Return the recorded numbers of a bundled network, set by set; none of another network."""
    if name not in bundled_names():
        return []
    record = json.loads(bundled(name).with_suffix(".json").read_text(encoding="utf-8"))
    means = {(run["model"], run["data"]): (run["mean"], run["protocol"]["scale"]) for run in record["evaluations"]}
    found = []
    for (model, data), (mean, scale) in means.items():
        if model == name:
            bicubic = means["bicubic", data][0]
            baseline = f"{bicubic['psnr']:.3f} / {bicubic['ssim']:.4f}"
            found.append(Result(data, scale, mean["psnr"], mean["ssim"], baseline))
    return found


def read_prose(name: str) -> list[str]:
    """Return the lines on data and limits of a bundled network, an empty one first; none of another network."""
    if name not in bundled_names():
        return []
    return ["", *bundled("card").with_suffix(".md").read_text(encoding="utf-8").strip().splitlines()]
