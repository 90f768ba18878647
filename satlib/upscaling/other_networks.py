"""Networks of other people, from files that the `spandrel` package reads: what the chapter of comparisons runs.

spandrel (the extra `peers`) knows the architectures of many published networks, tells from the names and shapes of a
file's tensors which one it holds, and builds it. It unpickles nothing but tensors. Files of SAT are not among them:
those are for :func:`satlib.load`.

Shapes: H, W image height and width, s the scale.
"""

import importlib.util
import pickle
import warnings
from os import PathLike
from types import ModuleType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from satlib.support.devices import check_device
from satlib.support.errors import first_line
from satlib.support.paths import as_path
from satlib.support.torchvision import import_beside_torchvision

UNREADABLE = (pickle.UnpicklingError, RuntimeError, EOFError, OSError, LookupError, ValueError)
"""What spandrel raises at files that are damaged, or whose tensors do not fit together."""


class Descriptor(Protocol):
    """What spandrel makes of a file, as far as it is used here."""

    architecture: Any
    scale: int
    model: nn.Module

    def __call__(self, image: Tensor) -> Tensor:
        """Fill images up to the sizes that the network needs, upscale them, and cut off what was added."""
        ...


class Foreign(nn.Module):
    """A network that upscales RGB images; :func:`satlib.upscale` and :func:`satlib.evaluation.evaluate` take it.

    Parameters
    ----------
    name
        The file's name without its extension.
    descriptor
        What spandrel makes of the file.
    """

    def __init__(self, name: str, descriptor: Descriptor) -> None:
        super().__init__()
        self.name: str = name
        self.architecture: str = descriptor.architecture.name
        """As spandrel calls it, for example "SwinIR"."""
        self.scale: int = descriptor.scale
        self.model: nn.Module = descriptor.model
        self._descriptor = descriptor

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        """Upscale (B, 3, H, W) in [0, 1] to (B, 3, sH, sW) in [0, 1]."""
        upscaled: Tensor = self._descriptor(x)
        return upscaled


def load_foreign(path: str | PathLike[str], *, device: torch.device | str = "cpu") -> Foreign:
    """Load a network of an architecture that spandrel knows.

    Parameters
    ----------
    path
        A .pth, .pt, .ckpt or .safetensors file, as the network's authors publish it.
    device
        Where the network goes.

    Raises
    ------
    OSError
        If there is no such file, spandrel is not installed, or the torchvision that it needs does not work.
    ValueError
        If the file is damaged, of an architecture that spandrel does not know, or of a network that does not upscale
        RGB images.
    """
    path, place = as_path(path), check_device(device)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    spandrel = import_spandrel()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about the ways in which spandrel loads
            found = spandrel.ModelLoader(device=place).load_from_file(path)
    except spandrel.UnsupportedModelError as error:
        raise ValueError(f"{path} is of no architecture that spandrel knows") from error
    except UNREADABLE as error:
        raise ValueError(f"{path} cannot be read as a network: {first_line(error)}") from error
    takes, gives = found.input_channels, found.output_channels
    if not isinstance(found, spandrel.ImageModelDescriptor) or (takes, gives) != (3, 3) or found.scale < 2:
        what = f"scale {found.scale}, {takes} to {gives} channels"
        raise ValueError(f"{path} holds no network that upscales RGB images: {found.architecture.name}, {what}")
    return Foreign(path.stem, found)


def import_spandrel() -> ModuleType:
    """Import spandrel, which imports torchvision.

    Raises
    ------
    OSError
        If spandrel is not installed, or its import fails (:mod:`satlib.support.torchvision`).
    """
    if importlib.util.find_spec("spandrel") is None:
        raise OSError("other networks need the package spandrel; install satlib with it: pip install 'satlib[peers]'")
    return import_beside_torchvision("spandrel", "spandrel")
