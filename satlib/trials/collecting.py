"""From the folder of a batch of trainings to one small file: what each job gave, and PSNR on further photographs."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from satlib.checkpoint import load
from satlib.evaluation import evaluate
from satlib.files import replacing
from satlib.running.records import Record, read_record

KEPT = ("psnr", "ssim", "bicubic", "step", "seconds")
"""Of what notebook 14 leaves: the measures on the photographs that were held out."""


def collect(
    out: str | Path, to: str | Path, *, data: Sequence[str | Path] = (), report: Callable[[str], None] | None = None
) -> None:
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
    report
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
        if report is not None:
            report(f"{record.name}: " + ", ".join(f"{k} {v:.4g}" for k, v in jobs[-1].items() if isinstance(v, float)))
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
