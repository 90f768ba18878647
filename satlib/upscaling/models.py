"""What upscales: networks and the bicubic baseline as one kind of thing, and what they are called."""

import copy
import re
from dataclasses import dataclass
from os import PathLike
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from satlib.network.model import SAT, as_sat, evaluating, is_sat
from satlib.resize import imresize
from satlib.results import convolutional
from satlib.support.devices import check_device, default_device, move
from satlib.support.paths import shown
from satlib.weights.checkpoint import load
from satlib.weights.convolutional import is_convolutional, load_convolutional

MODELS = "a SAT (a wrapper such as DataParallel may be around it), a name such as 'sat-tiny-x2' or a file of weights"
"""What a message says that a model may be."""

ModelLike = SAT | nn.Module | str | PathLike[str]


@runtime_checkable
class Upscaler(Protocol):
    """What makes images larger by a fixed factor: SAT, the bicubic baseline, a network of another paper.

    It takes RGB, unless it has an attribute ``in_channels``, as SAT has.
    """

    @property
    def name(self) -> str:
        """What to call it where nobody has given it a name."""
        ...

    @property
    def scale(self) -> int:
        """The factor s."""
        ...

    @property
    def n_params(self) -> int:
        """Number of parameters; 0 of a baseline."""
        ...

    def __call__(self, x: Tensor, /) -> Tensor:
        """Return a batch (B, I, H, W) in [0, 1], upscaled to (B, I, sH, sW), about [0, 1]."""
        ...


@dataclass(frozen=True)
class Bicubic:
    """The baseline: MATLAB's bicubic interpolation by ``scale``."""

    scale: int
    name = "bicubic"
    n_params = 0

    def __call__(self, x: Tensor, /) -> Tensor:
        """Interpolate (B, C, H, W), not clipped: it overshoots at edges."""
        return imresize(x, self.scale)


@dataclass(frozen=True)
class Unrestored:
    """The baseline of restoration: what comes in goes out."""

    scale = 1
    name = "unrestored"
    n_params = 0

    def __call__(self, x: Tensor, /) -> Tensor:
        """Return (B, C, H, W) as it is."""
        return x


def get_model(model: ModelLike | Upscaler, device: torch.device | str | None = None) -> Upscaler:
    """Return what a model's name, file or the network itself stands for.

    Parameters
    ----------
    model
        "bicubic-x2", "-x3", "-x4" or "-x8", the baselines; "unrestored", that of scale 1; "convolutional-x2", the
        network of :mod:`satlib.results.convolutional`, or a file of such a network; else as :func:`satlib.load` takes
        it; or what upscales itself. A SAT may be wrapped (:func:`satlib.network.model.as_sat`).
    device
        ``None``: a network stays where it is, a loaded one goes to the GPU if CUDA has one. A network that is
        elsewhere is copied there; the one given stays as it is.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load`; ValueError also for a device that does not exist here.
    """
    place = None if device is None else check_device(device)
    if isinstance(model, (str, PathLike)):
        if str(model) == Unrestored.name:
            return Unrestored()
        if str(model) == "bicubic-x1":
            raise ValueError(
                f"bicubic interpolation by 1 changes nothing; the baseline of scale 1 is {Unrestored.name!r}"
            )
        if bicubic := re.fullmatch(r"bicubic-x([2348])", str(model)):
            return Bicubic(int(bicubic[1]))
        path = convolutional.weights() if str(model) == convolutional.NAME else model
        return (load_convolutional if is_convolutional(path) else load)(path, device=place or default_device())
    found = as_sat(model) if is_sat(model) else model
    if isinstance(found, type) or not isinstance(found, Upscaler):
        raise ValueError(f"model must be {MODELS}, got {shown(model)}")
    if not isinstance(found, nn.Module):
        return found
    here = check_device(weight_of(found).device)
    return found if place in (None, here) else move(copy.deepcopy(found), place)


def channels_of(model: Upscaler) -> int:
    """Return the channels of the images that a model takes and gives: its ``in_channels``, or 3."""
    return int(getattr(model, "in_channels", 3))


def weight_of(model: Upscaler) -> Tensor:
    """Return a weight of a network, where and of what dtype its images must be; an empty one for what has none."""
    weights = model.parameters() if isinstance(model, nn.Module) else iter(())
    return next(weights, torch.empty(0))


def for_inference(model: Upscaler) -> Upscaler:
    """Return a network in eval mode that shares its weights; the one given is not touched, nor what has no modes."""
    return evaluating(model) if isinstance(model, nn.Module) else model


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
