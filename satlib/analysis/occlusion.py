"""Occlusion: what a square of the output loses when a part of the input is blurred. The slow check of attributions.

It asks the network itself and no gradient, so that jumps count: other centres may be chosen without that part. Parts
are looked at one at a time; what several do together is not seen.
"""

import math

import torch
from torch import Tensor

from satlib.analysis.attribution import BATCH, SIGMA, Objective, Square, blurred, check_square, measured
from satlib.support.checks import integers, require
from satlib.support.progress import Progress, silent
from satlib.upscaling.models import ModelLike, Upscaler, for_inference, get_model, weight_of


def occlusion(
    model: ModelLike | Upscaler,
    image: Tensor,
    square: Square,
    *,
    part: int = 4,
    objective: Objective = "detail",
    sigma: float = SIGMA,
    batch: int = BATCH,
    progress: Progress = silent,
) -> Tensor:
    """Return what the objective of a square loses without each part of the input, (H, W) float64.

    Parameters
    ----------
    model, image, square, objective, sigma, batch, progress
        As for :func:`satlib.analysis.attribution.attribution`; ``progress`` is told parts.
    part
        Side of the parts, in input pixels: one at a time is replaced by the blurred image. All pixels of a part have
        its loss divided by their number, so that the map is on the scale of an attribution.

    Raises
    ------
    ValueError
        If the square is not in the output, a number is out of range, or the model is none.
    """
    require(0 < sigma < math.inf, "sigma", sigma, "positive")
    integers("part and batch", part, batch)
    require(min(part, batch) >= 1, "part and batch", (part, batch), "at least 1")
    network = get_model(model)
    check_square(square, image, network.scale)
    height, width = image.shape[1:]
    weight, soft, sharp = weight_of(network), blurred(image, sigma), image.double().cpu()
    corners = [(y, x) for y in range(0, height, part) for x in range(0, width, part)]
    lost = torch.zeros(height, width, dtype=torch.float64)
    run = for_inference(network)
    with torch.no_grad(), progress("occlusion") as report:
        whole = float(measured(run(sharp[None].to(weight)), square, objective))
        for start in range(0, len(corners), batch):
            some = corners[start : start + batch]
            images = sharp.repeat(len(some), 1, 1, 1)
            for changed, (y, x) in zip(images, some, strict=True):
                changed[:, y : y + part, x : x + part] = soft[:, y : y + part, x : x + part]
            values = measured(run(images.to(weight)), square, objective).tolist()
            for value, (y, x) in zip(values, some, strict=True):
                cell = lost[y : y + part, x : x + part]
                cell.fill_((whole - value) / cell.numel())
            report(min(start + batch, len(corners)), len(corners))
    return lost
