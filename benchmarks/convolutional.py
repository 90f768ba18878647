"""`python -m benchmarks convolutional RUN --set NAME=FOLDER`: keep the convolutional network that was trained.

RUN is the folder that `satlib train runs/train/convolutional-x2.yaml --out RUN` has filled; it must be finished. Its
last weights are kept in float16, as those of "sat-tiny-x2" are, and measured so on test sets, whose images stay where
they are. Of the photographs that were held out the last validation of the training is kept, in float32. The numbers of
"sat-tiny-x2" are those on record: of its own last validation, in `checkpoints/`, and of its weights.
"""

import argparse
import copy
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib import resources
from pathlib import Path
from typing import Any

import torch

from benchmarks.test_sets import TestSet, parse
from satlib.evaluation import evaluate
from satlib.results import convolutional
from satlib.support.files import hash_file, replacing
from satlib.training.journal import TRAIN, VALID, read_table
from satlib.training.yaml_config import CONFIG, read_config
from satlib.weights.checkpoint import load
from satlib.weights.convolutional import load_convolutional, save_convolutional

BESIDE = "sat-tiny-x2"
TRAINED = Path(__file__).parents[1] / "checkpoints" / BESIDE
"""What the training of the other network left."""

Row = dict[str, Any]


def keep(run: Path, sets: Sequence[TestSet], folder: Path) -> None:
    """Write the weights and the numbers of a finished training.

    Parameters
    ----------
    run
        Its folder.
    sets
        Test sets to measure it on; the other network must have been measured on them.
    folder
        Where both files go.

    Raises
    ------
    OSError, ValueError
        If the training is not finished, or data are missing.
    """
    config, curve = read_config(run / CONFIG), read_table(run / VALID)
    if not curve or curve[-1]["step"] != config.steps:
        steps = [row["step"] for row in curve]
        raise ValueError(f"{run} must hold a finished training of {config.steps:,} steps, got validations at {steps}")
    weights = folder / f"{convolutional.NAME}.safetensors"
    save_convolutional(copy.deepcopy(load_convolutional(run / "last.safetensors")).half(), weights)
    model = load_convolutional(weights)
    ours: Row = {"params": model.n_params, "held out": _rounded(curve[-1])}
    for name, images in sets:
        rows = [asdict(image) for image in evaluate(model, images, scale=model.scale).images]
        ours[name] = _rounded({key: sum(row[key] for row in rows) / len(rows) for key in ("psnr", "ssim")})
    content = {
        "made by": "python -m benchmarks convolutional",
        "torch": torch.__version__,
        "sha256": hash_file(weights),
        "steps": config.steps,
        "seconds": round(read_table(run / TRAIN)[-1]["seconds"]),
        "curve": [[row["step"], round(row["psnr"], 3)] for row in curve],
        "networks": {convolutional.NAME: ours, BESIDE: on_record([name for name, _ in sets])},
    }
    with replacing(folder / f"{convolutional.NAME}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def on_record(sets: Sequence[str]) -> Row:
    """Return what is on record of the other network.

    Raises
    ------
    ValueError
        If it has not been measured on one of the sets.
    """
    found: Row = {"params": load(BESIDE).n_params, "held out": _rounded(read_table(TRAINED / VALID)[-1])}
    text = (resources.files("satlib") / "weights" / f"{BESIDE}.json").read_text(encoding="utf-8")
    known = {row["data"]: row["mean"] for row in json.loads(text)["evaluations"] if row["model"] == BESIDE}
    for name in sets:
        if name not in known:
            raise ValueError(f"{BESIDE} has been measured on {' and '.join(known)}, not on {name}")
        found[name] = _rounded(known[name])
    return found


def _rounded(values: Row) -> dict[str, float]:
    return {"psnr": round(values["psnr"], 3), "ssim": round(values["ssim"], 4)}


def main() -> int:
    """Keep what the arguments name; exit code 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks convolutional")
    parser.add_argument("run", type=Path, help="the folder of the finished training")
    parser.add_argument("--set", type=parse, action="append", default=[], metavar="NAME=FOLDER", help="a test set")
    default = Path(convolutional.__file__).parent
    parser.add_argument("--to", type=Path, default=default, help="the folder to write into")
    options = parser.parse_args(sys.argv[2:])
    try:
        keep(options.run, options.set, options.to)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0
