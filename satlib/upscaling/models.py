"""What upscales: networks and the bicubic baseline as one kind of thing, and what they are called."""

import copy
import re
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from satlib.network.model import SAT, eval_mode
from satlib.resize import imresize
from satlib.support.errors import first_line
from satlib.weights.checkpoint import load

ModelLike = SAT | str | PathLike[str]


class Upscaler(Protocol):
    """What makes RGB images larger by a fixed factor: SAT, the bicubic baseline, a network of another paper."""

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
        """Return a batch (B, 3, H, W) in [0, 1], upscaled to (B, 3, sH, sW), about [0, 1]."""
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


def get_model(model: str | PathLike[str] | Upscaler, device: torch.device | str | None = None) -> Upscaler:
    """Return what a model's name, file or the network itself stands for.

    Parameters
    ----------
    model
        "bicubic-x2", "-x3", "-x4" or "-x8"; else as :func:`satlib.load` takes it; or what upscales itself.
    device
        ``None``: a network stays where it is, a loaded one goes to the GPU if CUDA has one. A network that is
        elsewhere is copied there; the one given stays as it is.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load`; ValueError also for a device that does not exist here.
    """
    place = None if device is None else _check_device(device)
    if not isinstance(model, (str, PathLike)):
        if place is None or not isinstance(model, nn.Module) or place == weight_of(model).device:
            return model
        return copy.deepcopy(model).to(place)
    bicubic = re.fullmatch(r"bicubic-x([2348])", str(model))
    if bicubic:
        return Bicubic(int(bicubic[1]))
    return load(str(model), device=place or ("cuda" if torch.cuda.is_available() else "cpu"))


def weight_of(model: Upscaler) -> Tensor:
    """Return a weight of a network, where and of what dtype its images must be; an empty one for what has none."""
    weights = model.parameters() if isinstance(model, nn.Module) else iter(())
    return next(weights, torch.empty(0))


def in_eval_mode(model: Upscaler) -> AbstractContextManager[None]:
    """Put a network into eval mode meanwhile; what has no modes stays as it is."""
    return eval_mode(model) if isinstance(model, nn.Module) else nullcontext()


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
