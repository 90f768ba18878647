"""What several commands read from their options in the same way."""

from pathlib import Path

import torch

from satlib.config import PRESETS, SCALES, SATConfig
from satlib.network.model import SAT
from satlib.upscaling.models import Upscaler, get_model
from satlib.upscaling.tiling import Tile
from satlib.weights.checkpoint import benchmark_names, bundled, bundled_names, parse_name


def parse_tile(text: str) -> Tile:
    """Return the tile that --tile asks for: auto, none or a side in pixels."""
    if text in ("auto", "none"):
        return "auto" if text == "auto" else None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"--tile must be auto, none or a number of pixels, got {text!r}") from None


DEFAULT_SCALE = 4
"""The scale of a name that leaves it open, where --scale is not given."""


def full_name(model: str, scale: int | None) -> str:
    """Return a model's name with its scale: "bicubic", a preset or "sat-tiny-real" gets one, else it is as it is."""
    full = f"{model}-x{scale or DEFAULT_SCALE}"
    return full if model == "bicubic" or model in PRESETS or full in bundled_names() else model


def choose_config(preset: str, scale: int | None) -> SATConfig:
    """Return the configuration of a preset, named without its scale or with it ("sat-x2").

    Raises
    ------
    ValueError
        If there is no such preset or scale, or the name has another scale than --scale.
    """
    named = parse_name(preset)
    if named is None:
        return SATConfig.preset(preset, DEFAULT_SCALE if scale is None else scale)
    if scale not in (None, named[1]):
        raise ValueError(f"--scale {scale} does not fit the name {preset}")
    return SATConfig.preset(*named)


def choose_model(model: str, scale: int | None, *, device: str | None, untrained: bool) -> Upscaler:
    """Return the model that the options name.

    Parameters
    ----------
    model
        "bicubic"; a preset, with the scale ("sat-tiny-x4") or without; or a file of weights.
    scale
        --scale.
    untrained
        Build the preset with random weights, the same every time.

    Raises
    ------
    OSError, ValueError
        If there is no such model, or it has another scale.
    """
    if scale not in (None, *SCALES):
        raise ValueError(f"--scale must be one of {', '.join(map(str, SCALES))}, got {scale}")
    name = full_name(model, scale)
    if not untrained:
        _check_weights(name)
    network = get_model(_untrained(name) if untrained else name, device)
    if scale not in (None, network.scale):
        raise ValueError(f"--scale {scale} does not fit the model {model}, which upscales by {network.scale}")
    return network


def _check_weights(name: str) -> None:
    """Raise ValueError with the remedy if a name is that of a network whose weights are not bundled."""
    if parse_name(name) is not None and not Path(name).exists() and not bundled(name).is_file():
        raise ValueError(
            f"no trained weights are bundled for {name!r}, only for {', '.join(benchmark_names())}; "
            "--untrained runs it with random weights"
        )


def _untrained(name: str) -> SAT:
    parsed = parse_name(name)
    if parsed is None:
        raise ValueError(f"--untrained needs a model of the form <preset>-x<scale>, got {name!r}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return SAT(SATConfig.preset(parsed[0], scale=parsed[1]))
