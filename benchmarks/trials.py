"""`python -m benchmarks trials OUT --to FILE`: keep what a batch of trainings has given, in one small file.

The batch is one of `satlib run --batch` with the chapter on training. What each job gave is kept, and PSNR of its last
weights on further photographs.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from satlib.evaluation import evaluate
from satlib.runner.records import Record, read_record
from satlib.support.files import replacing
from satlib.support.progress import Say, say_nothing
from satlib.weights.checkpoint import load

KEPT = ("psnr", "ssim", "bicubic", "step", "seconds")
"""Of what notebook 14 leaves: the measures on the photographs that were held out."""


def collect(out: str | Path, to: str | Path, *, data: Sequence[str | Path] = (), say: Say = say_nothing) -> None:
    """Write what a batch has given to a JSON file.

    Parameters
    ----------
    out
        The batch's folder, as `satlib run --batch` left it.
    to
        The file to write.
    data
        Folders of photographs on which the last weights of each job are measured as well; PSNR of Y, in dB, is kept
        under the folder's name.
    say
        Told a line about each job.

    Raises
    ------
    OSError, ValueError
        If a job is not done, or files are missing or damaged.
    """
    jobs = []
    for path in sorted(Path(out).glob("*.json")):
        record = read_record(path)
        if record.state != "done":
            raise ValueError(f"{path}: the job is {record.state}; run the batch again first")
        jobs.append(_job(record, data))
        say(f"{record.name}: " + ", ".join(f"{k} {v:.4g}" for k, v in jobs[-1].items() if isinstance(v, float)))
    if not jobs:
        raise ValueError(f"there is no record of a job in {out}")
    content = {"machine": {"device": _device(), "torch": torch.__version__}, "steps": jobs[0]["step"], "jobs": jobs}
    with replacing(Path(to)) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _job(record: Record, data: Sequence[str | Path]) -> dict[str, Any]:
    """Return a job's row, seed and measures."""
    missing = [key for key in KEPT if key not in record.results]
    if missing:
        raise ValueError(f"job {record.name} left no {missing[0]}; was it a training?")
    seed = record.parameters["seed"]
    measures = {key: record.results[key] for key in KEPT}
    weights = Path(str(record.parameters["out"]), "last.safetensors")
    for folder in data:
        model = load(weights)
        measures[Path(folder).name] = evaluate(model, folder, scale=model.config.scale, metrics=("psnr",)).psnr
    return {"row": record.name.removesuffix(f"-seed{seed}"), "seed": seed, **measures}


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def main() -> int:
    """Collect as the arguments say; exit code 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks trials", description="Keep what a batch has given.")
    parser.add_argument("out", type=Path, help="the folder of a batch of trainings")
    parser.add_argument("--to", type=Path, required=True, help="the JSON file to write")
    parser.add_argument(
        "--data", type=Path, action="append", default=[], help="photographs to measure the last weights on; repeatable"
    )
    options = parser.parse_args(sys.argv[2:])
    try:
        collect(options.out, options.to, data=options.data, say=_say)
    except (OSError, ValueError) as error:
        _say(f"error: {error}")
        return 2
    return 0


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
