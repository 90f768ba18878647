"""What a model is called: a network by its name, its file or itself, or the bicubic baseline."""

import copy
import re
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch

from satlib.network.model import SAT
from satlib.support.errors import first_line
from satlib.weights.checkpoint import load

ModelLike = SAT | str | PathLike[str]


@dataclass(frozen=True)
class Bicubic:
    """The baseline: MATLAB's bicubic interpolation by ``scale``."""

    scale: int


def get_model(model: str | PathLike[str] | SAT, device: torch.device | str | None = None) -> SAT | Bicubic:
    """Return what a model's name, file or the network itself stands for.

    Parameters
    ----------
    model
        "bicubic-x2", "-x3", "-x4" or "-x8"; else as :func:`satlib.load` takes it; or a network.
    device
        ``None``: a network stays where it is, a loaded one goes to the GPU if CUDA has one. A network that is
        elsewhere is copied there; the one given stays as it is.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load`; ValueError also for a device that does not exist here.
    """
    place = None if device is None else _check_device(device)
    if isinstance(model, SAT):
        here = next(model.parameters()).device
        return model if place is None or place == here else copy.deepcopy(model).to(place)
    bicubic = re.fullmatch(r"bicubic-x([2348])", str(model))
    if bicubic:
        return Bicubic(int(bicubic[1]))
    return load(str(model), device=place or ("cuda" if torch.cuda.is_available() else "cpu"))


def scale_of(model: SAT | Bicubic) -> int:
    """Return the factor by which a model upscales."""
    return model.scale if isinstance(model, Bicubic) else model.config.scale


def _check_device(device: torch.device | str) -> torch.device:
    try:
        return torch.empty(0, device=device).device  # with the index that "cuda" stands for
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = first_line(error)
        if reason.startswith("Expected one of"):  # torch lists all that any build knows
            reason = "give cpu, cuda or, of several GPUs, cuda:1"
        raise ValueError(f"device {str(device)!r} cannot be used: {reason}") from error


def network(model: ModelLike | None) -> SAT | None:
    """Return a network by itself, by a bundled name ("sat-tiny-x2") or a file of weights; ``None`` for none.

    Raises
    ------
    ValueError, OSError
        If it is something else, or as :func:`satlib.load`.
    """
    if model is None or isinstance(model, SAT):
        return model
    if isinstance(model, (str, PathLike)):
        return load(Path(model))
    what = "a SAT, a name such as 'sat-tiny-x2', a file of weights or None"
    raise ValueError(f"model must be {what}, got {type(model).__name__}")
