"""LPIPS, a distance between images in the features of a classification network (Zhang et al., CVPR 2018; Table B).

The network is that of the `lpips` package, an extra. Its backbone (VGG-16 or AlexNet, trained on ImageNet) comes from
torchvision and is downloaded at the first use into torch's cache; the small layers on top come with the package.

The paper does not say which backbone Table B is measured with. VGG is the default here: the evaluation script of
BasicSR, on which the paper's code is built, uses it, on whole RGB images, without shaving a border.
"""

import importlib
import importlib.util
import urllib.error
import warnings
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from satlib.support.arrays import plain_array
from satlib.support.devices import check_device
from satlib.support.errors import first_line

BACKBONES = ("vgg", "alex")
SMALLEST = 32
"""Pixels a side that the backbones need."""


def load_lpips(backbone: str = "vgg", *, device: torch.device | str = "cpu", pretrained: bool = True) -> nn.Module:
    """Return the network that :func:`lpips` measures with.

    Parameters
    ----------
    backbone
        "vgg" or "alex".
    pretrained
        Without it the backbone is random, and nothing is downloaded: for tests.

    Raises
    ------
    OSError
        One line if the package is not installed, if torchvision does not work (its usual builds want a GPU build of
        torch), or if the backbone's weights can neither be found nor downloaded.
    ValueError
        For an unknown backbone, or a device that cannot be used.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}")
    place, package = check_device(device), _import()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torchvision warns about the arguments that lpips passes
            network: nn.Module = package.LPIPS(net=backbone, pnet_rand=not pretrained, verbose=False)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        folder = f"{torch.hub.get_dir()}/checkpoints"
        raise OSError(
            f"LPIPS needs the weights of torchvision's {backbone} network, which can be neither found in {folder} nor "
            f"downloaded: {error}"
        ) from error
    return network.to(place).eval()


def lpips(network: nn.Module, sr: npt.NDArray[np.uint8], hr: npt.NDArray[np.uint8]) -> float:
    """Return the distance of two whole images, 0 for identical ones; smaller is better.

    Parameters
    ----------
    network
        From :func:`load_lpips`.
    sr, hr
        Images of one size, (H, W) or (H, W, 3) uint8; grey counts as RGB of three equal channels.

    Raises
    ------
    ValueError
        If the sizes differ, or a side is shorter than 32 pixels.
    """
    sr, hr = plain_array(sr, "sr"), plain_array(hr, "hr")
    if sr.shape[:2] != hr.shape[:2]:
        raise ValueError(f"sr and hr differ in size: {sr.shape} and {hr.shape}")
    if min(sr.shape[:2]) < SMALLEST:
        raise ValueError(f"LPIPS needs {SMALLEST}x{SMALLEST} pixels, got {sr.shape[0]}x{sr.shape[1]}")
    device = next(network.parameters()).device
    with torch.inference_mode():
        return float(network(_tensor(sr).to(device), _tensor(hr).to(device)))


def _tensor(image: npt.NDArray[np.uint8]) -> Tensor:
    """Return an image as (1, 3, H, W) in [-1, 1]."""
    rgb = torch.from_numpy(image.astype(np.float32)) / 127.5 - 1
    planes = rgb[None] if rgb.ndim == 2 else rgb.permute(2, 0, 1)
    return planes.expand(3, -1, -1)[None]


def _import() -> ModuleType:
    """Import the package, telling what is missing or broken in one line."""
    if importlib.util.find_spec("lpips") is None:
        raise OSError("LPIPS needs the package lpips; install satlib with it: pip install 'satlib[lpips]'")
    try:
        return importlib.import_module("lpips")
    except (ImportError, RuntimeError, AttributeError, OSError) as error:
        needed = f"LPIPS needs a torchvision that fits torch {torch.__version__}"
        raise OSError(f"{needed}; the one installed fails: {first_line(error)}") from error
