"""`python -m benchmarks onnx`: bundled networks in torch and as ONNX files, on one thread of the CPU; some minutes.

Writes satlib/results/timings/onnx.json: for each network the bytes of its two files, how far they are from satlib, and
the CPU seconds of satlib and of both files in ONNX Runtime, in turn. Needs the extra `onnx`. Most of the time goes into
the exporter.
"""

import tempfile
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import torch

from benchmarks.protocol import Run, in_turn, machine, save, say
from satlib import SAT, load
from satlib.support.tables import table
from satlib.weights import bundled_names
from satlib.weights.portable.check import check_exploring, check_picture, knobs, photograph, session
from satlib.weights.portable.file import write
from satlib.weights.portable.graph import OUTPUTS, exploring_graph, in_float32, picture_graph
from satlib.weights.portable.sampler import sampler

SIDES = (64, 96, 128)
Row = dict[str, Any]


def main() -> None:
    """Export, compare and time all bundled networks; print and write what was found."""
    torch.set_num_threads(1)
    started_on = machine()
    networks = [measure(name) for name in bundled_names()]
    save("onnx", started_on, {"onnxruntime": onnxruntime.__version__, "networks": networks})


def measure(name: str) -> Row:
    """Export one network both ways, check the files, and time them."""
    model = in_float32(load(name), half=False)
    exploring = exploring_graph(model)
    picture = picture_graph(exploring, sampler(model.config), model.config)
    with tempfile.TemporaryDirectory() as folder:
        explored, pictured = Path(folder, "explore.onnx"), Path(folder, "picture.onnx")
        write(exploring, explored)
        write(picture, pictured)
        found = [*check_picture(pictured, exploring, model), *check_exploring(explored, model)]
        sizes = {"picture": pictured.stat().st_size, "explore": explored.stat().st_size}
    for agreement in found:
        say(f"{name} {agreement}")
    rows: list[Row] = [{"side": side, **in_turn(ways(model, exploring, picture, side))} for side in SIDES]
    say(f"{name}: {sizes['picture']:,} and {sizes['explore']:,} bytes\n{shown(rows)}")
    checks = [{"grid": a.grid, "difference": a.difference, "tied": a.tied} for a in found]
    return {"name": name, "bytes": sizes, "checks": checks, "rows": rows}


def ways(model: SAT, exploring: onnx.ModelProto, picture: onnx.ModelProto, side: int) -> dict[str, Run]:
    """Return the runs that are timed, on a square photograph; each way draws, or is given, the same samples."""
    image, given = square(side), knobs(model.config, (side, side))
    pixels = {"image": image.numpy()}
    alone, all_of_it = session(picture), session(exploring)

    @torch.inference_mode()
    def in_torch() -> object:
        return model(image)

    return {
        "torch": in_torch,
        "picture": lambda: alone.run(None, pixels),
        "explore": lambda: all_of_it.run(OUTPUTS, {**pixels, **given}),
    }


def square(side: int) -> torch.Tensor:
    """Return a square cut of a photograph, (1, 3, side, side); above 96 pixels it is mirrored at the border."""
    image = photograph((min(side, 96), min(side, 96)))
    return torch.nn.functional.pad(image, (0, side - image.shape[3], 0, side - image.shape[2]), mode="reflect")


def shown(rows: list[Row]) -> str:
    """Return the least CPU seconds of each way as a table."""
    ways_of = ("torch", "picture", "explore")
    lines = [(f"{row['side']}", *(f"{min(row[way]):.3f}" for way in ways_of)) for row in rows]
    return table(("side", *ways_of), lines, align="r")
