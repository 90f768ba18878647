"""The page *Real photographs*: a photograph by each network, and what was measured on degraded ones.

Photographs and outputs are (H, W, 3) uint8. Rows are those of `satlib.results.test_sets`, "degraded": one for each
network, photograph and draw of the degradation, the draw "clean" being bicubic downscaling.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from satlib.analysis.statistics import interval
from satlib.evaluation.crops import Box, Pixels, cut
from satlib.figures.quality.divider import Divider
from satlib.figures.quality.sheets import Row, Sheet
from satlib.support.tables import table

BICUBIC, USUAL, REAL = NETWORKS = ("bicubic-x2", "sat-tiny-x2", "sat-tiny-real-x2")
CLEAN = "clean"
METRICS = {"psnr": 2, "ssim": 4}
"""What rows have, and the digits that a table shows."""

Rows = Sequence[Mapping[str, Any]]


def divider(photograph: Pixels, outputs: Mapping[str, Pixels], name: str) -> Divider:
    """Draw a degraded photograph in one place: as each model enlarges it, and as it was."""
    return Divider(
        {**outputs, "the photograph": photograph},
        zoom=3,
        alt=f"A part of the photograph {name!r}, degraded and enlarged, in parts beside each other: by "
        f"{', by '.join(outputs)}; and as it was. Interpolation is soft; the usual network is sharper and keeps the "
        "input's grain; the one for degraded photographs has sharp edges and smooth areas; the photograph has more "
        "detail than any of them.",
    )


def crops(
    photographs: Mapping[str, Pixels], outputs: Mapping[str, Mapping[str, Pixels]], boxes: Mapping[str, Box]
) -> Sheet:
    """Draw a crop of each photograph, as each model makes it and as it was."""
    rows = []
    for name, hr in photographs.items():
        images = {**outputs[name], "the photograph": hr}
        rows.append(Row(name, {label: cut(image, boxes[name]) for label, image in images.items()}))
    return Sheet(
        rows,
        zoom=3,
        alt=f"Crops of {len(rows)} degraded photographs, enlarged by each model, and as they were. The network for "
        "degraded photographs draws edges more sharply than the others; fine texture that is lost comes back in none.",
    )


def margins(rows: Rows, metric: str = "psnr") -> str:
    """Return a table of means by set and kind of input, and of by how much the last network is above others.

    Raises
    ------
    ValueError
        If there is no such metric, or a network was measured on other photographs.
    """
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    digits, lines = METRICS[metric], []
    for name in dict.fromkeys(row["set"] for row in rows):
        for clean in (False, True):
            found = {n: values(rows, n, name, metric, clean=clean) for n in NETWORKS}
            means = (f"{found[n].mean():.{digits}f}" for n in NETWORKS)
            above = (_above(found[REAL] - found[other], digits) for other in (USUAL, BICUBIC))
            kind = "clean" if clean else "degraded"
            lines.append((f"{name}, {len(found[REAL])}", kind, *means, *above))
    head = ("set, photographs", "input", *NETWORKS, f"above {USUAL}", f"above {BICUBIC}")
    return table(head, lines, align="llr")


def values(rows: Rows, network: str, name: str, metric: str, *, clean: bool) -> Tensor:
    """Return what a network has in a set, (photographs, draws).

    Raises
    ------
    ValueError
        If there is nothing, or a photograph has other draws than another.
    """
    found: dict[str, list[float]] = {}
    for row in rows:
        if (row["network"], row["set"], row["draw"] == CLEAN) == (network, name, clean):
            found.setdefault(row["image"], []).append(row[metric])
    if len({len(several) for several in found.values()}) != 1:
        raise ValueError(f"{network} needs as many draws of each photograph of {name}, got {found}")
    return torch.tensor(list(found.values()), dtype=torch.float64)


def _above(differences: Tensor, digits: int) -> str:
    mean, low, high = interval(differences)
    return f"{mean:+.{digits}f} ({low:+.{digits}f} to {high:+.{digits}f})"
