"""`python -m benchmarks trials OUT --to FILE`: keep what a batch of trainings has given, in one small file.

The batch is one of `satlib run --batch` with the chapter on training, or an experiment of `satlib experiment`, which
need not be finished: its finished trainings are kept, with their curves. What each training gave is kept, and PSNR of
its last weights on further photographs; with ``--layers``, a report on each of its SAA layers, too, on squares in the
middle of the package's photographs.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from satlib import samples
from satlib.analysis.controls import Pixels
from satlib.analysis.layer_reports import layer_reports
from satlib.evaluation import evaluate
from satlib.runner.records import read_record
from satlib.support.files import replacing
from satlib.support.progress import Say, say_nothing
from satlib.training.journal import VALID, read_table
from satlib.training.trials.run import RESULTS, name_of, read_jobs
from satlib.weights.checkpoint import load

KEPT = ("psnr", "ssim", "bicubic", "step", "seconds")
"""Of what notebook 14 leaves: the measures on the photographs that were held out."""

SIDE = 168
"""Of the squares, in pixels: 2, 3 and 4 divide it."""

WEIGHTS = "last.safetensors"
Job = dict[str, Any]


def collect(
    out: str | Path, to: str | Path, *, data: Sequence[str | Path] = (), layers: bool = False, say: Say = say_nothing
) -> None:
    """Write what a batch has given to a JSON file.

    Parameters
    ----------
    out
        The folder, as `satlib run --batch` or `satlib experiment` left it.
    to
        The file to write.
    data
        Folders of photographs on which the last weights of each job are measured as well; PSNR of Y, in dB, is kept
        under the folder's name.
    layers
        Whether a report on each SAA layer of the last weights is kept as well, under "layers": none for a network
        without SAA (:class:`satlib.analysis.layer_reports.LayerReport`).
    say
        Told a line about each job.

    Raises
    ------
    OSError, ValueError
        If a job is not done, or files are missing or damaged.
    """
    read = _of_experiment if (Path(out) / RESULTS).is_file() else _of_batch
    jobs = []
    for job, weights in read(Path(out)):
        jobs.append(job | _on_photographs(weights, data) | (_on_layers(weights) if layers else {}))
        say(f"{name_of(job)}: " + ", ".join(f"{k} {v:.4g}" for k, v in jobs[-1].items() if isinstance(v, float)))
    if not jobs:
        raise ValueError(f"there is no record of a job in {out}")
    content = {"machine": {"device": _device(), "torch": torch.__version__}, "steps": jobs[0]["step"], "jobs": jobs}
    with replacing(Path(to)) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _of_batch(out: Path) -> Iterator[tuple[Job, Path]]:
    """Yield a batch's jobs: row, seed and measures, and the file of the last weights."""
    for path in sorted(out.glob("*.json")):
        record = read_record(path)
        if record.state != "done":
            raise ValueError(f"{path}: the job is {record.state}; run the batch again first")
        missing = [key for key in KEPT if key not in record.results]
        if missing:
            raise ValueError(f"job {record.name} left no {missing[0]}; was it a training?")
        seed = record.parameters["seed"]
        job = {"row": record.name.removesuffix(f"-seed{seed}"), "seed": seed}
        yield job | {key: record.results[key] for key in KEPT}, Path(str(record.parameters["out"]), WEIGHTS)


def _of_experiment(out: Path) -> Iterator[tuple[Job, Path]]:
    """Yield an experiment's finished trainings: what they gave, with their curves, and the file of the last weights."""
    for job in read_jobs(out):
        folder = out / name_of(job)
        curve = [[row["step"], round(row["psnr"], 3)] for row in read_table(folder / VALID)]
        yield job | {"curve": curve}, folder / WEIGHTS


def _on_photographs(weights: Path, data: Sequence[str | Path]) -> dict[str, float | None]:
    """Return PSNR of a network on folders of photographs, by the folder's name."""
    found: dict[str, float | None] = {}
    for folder in data:
        model = load(weights)
        found[Path(folder).name] = evaluate(model, folder, scale=model.config.scale, metrics=("psnr",)).psnr
    return found


def _on_layers(weights: Path) -> dict[str, list[dict[str, float]]]:
    """Return the reports on the SAA layers of a network, first to last."""
    model = load(weights)
    found = layer_reports(model, squares()) if model.saa_layers() else []
    return {"layers": [report._asdict() for report in found]}


def squares() -> list[Pixels]:
    """Return the middle of each of the package's photographs, (168, 168, 3) uint8."""
    photos = [np.asarray(samples.load(name).convert("RGB")) for name in samples.names()]
    corners = [((photo.shape[0] - SIDE) // 2, (photo.shape[1] - SIDE) // 2) for photo in photos]
    return [photo[y : y + SIDE, x : x + SIDE] for photo, (y, x) in zip(photos, corners, strict=True)]


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def main() -> int:
    """Collect as the arguments say; exit code 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks trials", description="Keep what a batch has given.")
    parser.add_argument("out", type=Path, help="the folder of a batch of trainings, or of an experiment")
    parser.add_argument("--to", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--data", type=Path, action="append", default=[], help="photographs to measure the last weights on; repeatable"
    )
    parser.add_argument("--layers", action="store_true", help="report on each SAA layer, too")
    options = parser.parse_args(sys.argv[2:])
    try:
        collect(options.out, options.to, data=options.data, layers=options.layers, say=_say)
    except (OSError, ValueError) as error:
        _say(f"error: {error}")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
