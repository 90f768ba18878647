"""Evaluations in JSON files, those beside the bundled weights among them, and what networks gain in them."""

import json
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from satlib.evaluation.evaluation import Evaluation, Score
from satlib.evaluation.protocol import Protocol
from satlib.support.files import replacing
from satlib.support.paths import as_path
from satlib.weights.checkpoint import bundled

BASE = "bicubic"
"""The model that gains are counted from."""


def content(found: Iterable[Evaluation]) -> dict[str, Any]:
    """Return evaluations as JSON values: each with the command that prints it; and the mean PSNR, by model and data."""
    every = list(found)
    listed = [{"command": command(one), **one.to_dict()} for one in every]
    return {"evaluations": listed} | {f"{one.model}, {one.data}": one.psnr for one in every}


def command(found: Evaluation) -> str:
    """Return the command that prints an evaluation."""
    return f"satlib evaluate {found.model} --data {found.data} --scale {found.protocol.scale}"


def write(path: str | PathLike[str], values: Mapping[str, Any]) -> None:
    """Write JSON values to a file, whose folder is made if it is missing.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    target = as_path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        temporary.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def read(path: str | PathLike[str]) -> list[Evaluation]:
    """Return the evaluations that :func:`content` was made of, in their order.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no file of evaluations.
    """
    source = Path(path)
    try:
        return [_evaluation(dict(one)) for one in json.loads(source.read_text(encoding="utf-8"))["evaluations"]]
    except (ValueError, TypeError, LookupError) as error:
        raise ValueError(f"{source} is no file of evaluations: {error}") from None


def recorded(name: str) -> list[Evaluation]:
    """Return what is recorded beside the weights of a bundled network, "sat-tiny-x2"; nothing where nothing is."""
    path = bundled(name).with_suffix(".json")
    return read(path) if path.is_file() else []


def gains(found: Iterable[Evaluation]) -> dict[tuple[str, str], list[float]]:
    """Return by how many dB each model is above bicubic interpolation, image by image, by data and model.

    The images of a data set stand in the order of the evaluation of :data:`BASE`.

    Raises
    ------
    ValueError
        If a data set has no evaluation of bicubic interpolation, or an image of it, or PSNR, is missing.
    """
    every = {(one.data, one.model): {score.name: score.psnr for score in one.images} for one in found}
    above = {}
    for (data, model), levels in every.items():
        if model == BASE:
            continue
        base = every.get((data, BASE), {})
        pairs = [(levels.get(name), base.get(name)) for name in {**base, **levels}]
        above[data, model] = [own - other for own, other in pairs if own is not None and other is not None]
        if len(above[data, model]) < len(pairs):
            raise ValueError(f"{model} and {BASE} must have the PSNR of the same images of {data}")
    return above


def _evaluation(values: dict[str, Any]) -> Evaluation:
    return Evaluation(
        model=values["model"],
        data=values["data"],
        protocol=Protocol(**values["protocol"]),
        images=tuple(_score(dict(image)) for image in values["images"]),
        failures=tuple((name, reason) for name, reason in values["failures"]),
        device=values["device"],
        peak_bytes=values["peak_bytes"],
    )


def _score(values: dict[str, Any]) -> Score:
    """Return the numbers of an image; an infinite one is a string in JSON."""
    numbers: dict[str, Any] = {key: float(value) if value == "inf" else value for key, value in values.items()}
    return Score(**numbers)
