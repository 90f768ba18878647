"""`python -m benchmarks convolutional RUN --set NAME=FOLDER`: keep the convolutional network that was trained.

RUN is the folder that `satlib train runs/train/convolutional-x2.yaml --out RUN` has filled; it must be finished. Its
last weights are kept in float16, as those of "sat-tiny-x2" are. Both networks, as they are kept, are measured on the
photographs that were held out and on test sets, whose images stay where they are.
"""

import argparse
import copy
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks.test_sets import TestSet, parse
from satlib.data.store import Store
from satlib.evaluation import evaluate
from satlib.evaluation.protocol import Protocol, compare
from satlib.images.picture import Picture
from satlib.results import convolutional
from satlib.support.files import hash_file, replacing
from satlib.training.config import TrainConfig
from satlib.training.journal import TRAIN, VALID, read_table
from satlib.training.validation import Example, data_of
from satlib.training.yaml_config import CONFIG, read_config
from satlib.upscaling.models import Upscaler, get_model
from satlib.upscaling.run import upscale_picture
from satlib.weights.convolutional import load_convolutional, save_convolutional

BESIDE = "sat-tiny-x2"


def keep(run: Path, sets: Sequence[TestSet], folder: Path, store: str | None = None) -> None:
    """Write the weights and the numbers of a finished training.

    Parameters
    ----------
    run
        Its folder.
    sets
        Test sets to measure both networks on.
    folder
        Where both files go.
    store
        The photographs, if they are not where the training had them.

    Raises
    ------
    OSError, ValueError
        If the training is not finished, or data are missing.
    """
    config = read_config(run / CONFIG)
    config = config if store is None else config.replace(store=store)
    curve = [[row["step"], round(row["psnr"], 3)] for row in read_table(run / VALID)]
    if not curve or curve[-1][0] != config.steps:
        raise ValueError(f"{run} must hold a finished training of {config.steps:,} steps, got validations {curve}")
    weights = folder / f"{convolutional.NAME}.safetensors"
    save_convolutional(copy.deepcopy(load_convolutional(run / "last.safetensors")).half(), weights)
    networks = {convolutional.NAME: load_convolutional(weights), BESIDE: get_model(BESIDE)}
    examples = data_of(config, Store(config.store, config.network.scale))[1]
    content = {
        "made by": "python -m benchmarks convolutional",
        "torch": torch.__version__,
        "sha256": hash_file(weights),
        "steps": config.steps,
        "seconds": round(read_table(run / TRAIN)[-1]["seconds"]),
        "curve": curve,
        "networks": {name: measured(model, examples, sets, config) for name, model in networks.items()},
    }
    with replacing(folder / f"{convolutional.NAME}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def measured(
    model: Upscaler, examples: Sequence[Example], sets: Sequence[TestSet], config: TrainConfig
) -> dict[str, object]:
    """Return the parameters of a network, and PSNR and SSIM on held-out photographs and on each set."""
    protocol = Protocol(scale=config.network.scale)
    rows = [compare(upscale_picture(Picture(e.lr), model).pixels, e.hr, protocol) for e in examples]
    found: dict[str, object] = {"params": model.n_params, "held out": _means(rows)}
    for name, folder in sets:
        found[name] = _means([asdict(image) for image in evaluate(model, folder, scale=protocol.scale).images])
    return found


def _means(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {key: round(sum(row[key] for row in rows) / len(rows), n) for key, n in (("psnr", 3), ("ssim", 4))}


def main() -> int:
    """Keep what the arguments name; exit code 2 with one line on stderr for bad input."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks convolutional")
    parser.add_argument("run", type=Path, help="the folder of the finished training")
    parser.add_argument("--set", type=parse, action="append", default=[], metavar="NAME=FOLDER", help="a test set")
    parser.add_argument("--store", help="the photographs, if they are not where the training had them")
    default = Path(convolutional.__file__).parent
    parser.add_argument("--to", type=Path, default=default, help="the folder to write into")
    options = parser.parse_args(sys.argv[2:])
    try:
        keep(options.run, options.set, options.to, options.store)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0
