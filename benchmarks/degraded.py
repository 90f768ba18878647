"""`python -m benchmarks degraded --set NAME=FOLDER`: bicubic and two networks on photographs degraded by seed.

Of each photograph the middle is taken, SIDE pixels of low resolution or less, and made small in several ways: by the
usual bicubic, "clean", and by draws of the mild degradation, which one of the networks is trained on. A draw is seeded
by its number and by that of the photograph in its set. Rows of networks whose weights, sets and settings are those of
the file that is written are taken from it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.protocol import say
from benchmarks.test_sets import Pixels, TestSet, arguments, images_of, middle, write
from satlib.data.degradation import PRESETS
from satlib.evaluation.protocol import degraded
from satlib.images.degradation import downscale
from satlib.metrics import psnr, ssim
from satlib.upscaling.api import upscale
from satlib.upscaling.models import Upscaler, get_model
from satlib.weights.checkpoint import bundled

NETWORKS = ("bicubic-x2", "sat-tiny-x2", "sat-tiny-real-x2")
SCALE = 2
SIDE = 128
DRAWS = 4
PASSES = "mild"
CLEAN = "clean"

Row = dict[str, Any]


def main() -> int:
    """Evaluate all networks on all sets and write the rows, network by network."""
    sets, to = arguments("degraded")
    torch.set_num_threads(1)
    weights = {name: digest(bundled(name)) for name in NETWORKS if bundled(name).is_file()}
    settings = {"side": SIDE, "draws": DRAWS, "passes": PASSES, "sets": [one.name for one in sets], "weights": weights}
    known, rows = kept(to, settings), []
    for name in NETWORKS:
        rows += known.get(name) or measure(name, get_model(name, "cpu"), sets)
        write(to, "degraded", settings, rows)
    return 0


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def kept(file: Path, settings: Mapping[str, Any]) -> dict[str, list[Row]]:
    """Return the rows of a written file by network, those that would be measured the same way again."""
    if not file.is_file():
        return {}
    values = json.loads(file.read_text(encoding="utf-8"))
    if any(values.get(key) != settings[key] for key in ("side", "draws", "passes", "sets")):
        return {}
    found: dict[str, list[Row]] = {}
    for row in values["rows"]:
        if values["weights"].get(row["network"]) == settings["weights"].get(row["network"]):
            found.setdefault(row["network"], []).append(row)
    return found


def measure(name: str, model: Upscaler, sets: Sequence[TestSet], side: int = SIDE, draws: int = DRAWS) -> list[Row]:
    """Return the rows of one network: PSNR and SSIM of Y of each photograph, clean and in each draw."""
    rows: list[Row] = []
    for one in sets:
        for number, file in enumerate(images_of(one.folder)):
            photo = middle(file, side, SCALE)
            for draw, low in made_small(photo, number, draws).items():
                output = upscale(low, model, margin=0)
                quality = {
                    "psnr": round(psnr(output, photo, border=SCALE), 4),
                    "ssim": round(ssim(output, photo, border=SCALE), 5),
                }
                rows.append({"network": name, "set": one.name, "image": file.stem, "draw": draw} | quality)
        values = [row["psnr"] for row in rows if row["set"] == one.name and row["draw"] != CLEAN]
        say(f"{name:<17} {one.name:<8} degraded {sum(values) / len(values):.3f} dB")
    return rows


def made_small(photo: Pixels, number: int, draws: int) -> dict[str, Pixels]:
    """Return a photograph's low-resolution versions: the clean one, and each draw of the degradation."""
    found = {CLEAN: downscale(photo, SCALE)}
    for draw in range(draws):
        found[str(draw)] = degraded(photo, SCALE, PRESETS[PASSES], 1000 * draw + number)
    return found
