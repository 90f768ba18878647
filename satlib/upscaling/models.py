"""What a model is called: a network by its name, its file or itself, or the bicubic baseline."""

import copy
import re
from dataclasses import dataclass
from os import PathLike

import torch
from torch import nn

from satlib.network.model import SAT, as_sat
from satlib.support.devices import check_device, default_device
from satlib.support.paths import shown
from satlib.weights.checkpoint import load

MODELS = "a SAT (a wrapper such as DataParallel may be around it), a name such as 'sat-tiny-x2' or a file of weights"
"""What a message says that a model may be."""

ModelLike = SAT | nn.Module | str | PathLike[str]


@dataclass(frozen=True)
class Bicubic:
    """The baseline: MATLAB's bicubic interpolation by ``scale``."""

    scale: int


def get_model(model: ModelLike | Bicubic, device: torch.device | str | None = None) -> SAT | Bicubic:
    """Return what a model's name, file or the network itself stands for.

    Parameters
    ----------
    model
        "bicubic-x2", "-x3", "-x4" or "-x8"; else as :func:`satlib.load` takes it; or a network, which may be wrapped
        (:func:`satlib.network.model.as_sat`).
    device
        ``None``: a network stays where it is, a loaded one goes to the GPU if CUDA has one. A network that is
        elsewhere is copied there; the one given stays as it is.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load`; ValueError also for a device that does not exist here.
    """
    place = None if device is None else check_device(device)
    if isinstance(model, Bicubic):
        return model
    if isinstance(model, nn.Module):
        given = as_sat(model)
        here = check_device(next(given.parameters()).device)
        return given if place is None or place == here else copy.deepcopy(given).to(place)
    if not isinstance(model, (str, PathLike)):
        raise ValueError(f"model must be {MODELS}, got {shown(model)}")
    bicubic = re.fullmatch(r"bicubic-x([2348])", str(model))
    if bicubic:
        return Bicubic(int(bicubic[1]))
    return load(model, device=place or default_device())


def scale_of(model: SAT | Bicubic) -> int:
    """Return the factor by which a model upscales."""
    return model.scale if isinstance(model, Bicubic) else model.config.scale


def network(model: ModelLike | None) -> SAT | None:
    """Return a network by itself, out of a wrapper, by a bundled name or a file of weights; ``None`` for none.

    Raises
    ------
    ValueError, OSError
        If it is something else, or as :func:`satlib.load`.
    """
    if model is None:
        return None
    if isinstance(model, (str, PathLike)):
        return load(model)
    if not isinstance(model, nn.Module):
        what = "a SAT, a name such as 'sat-tiny-x2', a file of weights or None"
        raise ValueError(f"model must be {what}, got {type(model).__name__}")
    return as_sat(model)
