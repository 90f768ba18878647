"""LPIPS and DISTS, distances between images in the features of a classification network.

LPIPS: Zhang et al., CVPR 2018, the paper's Table B. DISTS: Ding et al., IEEE TPAMI 44(5), 2022; the paper does not use
it. Both networks are those of torchmetrics, an extra, which has the small weights of both. The backbone, VGG-16 or, for
LPIPS, AlexNet, trained on ImageNet, comes from torchvision and is downloaded at the first use into torch's cache.

The paper does not say which backbone Table B is measured with. VGG is the default here: the evaluation script of
BasicSR, on which the paper's code is built, uses it, on whole RGB images, without shaving a border.
"""

import importlib.util
import urllib.error
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from satlib.support.arrays import plain_array
from satlib.support.devices import check_device
from satlib.support.torchvision import import_beside_torchvision

Image = npt.NDArray[np.uint8]

BACKBONES = ("vgg", "alex")
SMALLEST = 32
"""Pixels a side that the backbones need."""
PACKAGES = ("torchmetrics", "torchvision")


def load_lpips(backbone: str = "vgg", *, device: torch.device | str = "cpu") -> nn.Module:
    """Return the network that :func:`lpips` measures with.

    Parameters
    ----------
    backbone
        "vgg" or "alex".
    device
        Where it goes.

    Raises
    ------
    OSError
        One line if a package is not installed, if torchvision does not work, or if the backbone's weights can neither
        be found nor downloaded.
    ValueError
        For an unknown backbone, or a device that cannot be used.
    """
    if backbone not in BACKBONES:
        raise ValueError(f"backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}")
    place = check_device(device)
    module = _import("torchmetrics.image.lpip", "LPIPS")
    with _downloading("LPIPS", backbone):
        network: nn.Module = module.LearnedPerceptualImagePatchSimilarity(net_type=backbone).net
    return network.to(place).eval()


def load_dists(*, device: torch.device | str = "cpu") -> nn.Module:
    """Return the network that :func:`dists` measures with, on VGG-16; ``device`` and errors as :func:`load_lpips`."""
    place = check_device(device)
    module = _import("torchmetrics.functional.image.dists", "DISTS")
    with _downloading("DISTS", "vgg"):
        network: nn.Module = module.DISTSNetwork()
    return network.to(place).eval()


def lpips(network: nn.Module, sr: Image, hr: Image) -> float:
    """Return the LPIPS distance of two whole images, 0 for identical ones; smaller is better.

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
    a, b = _pair("LPIPS", network, sr, hr)
    with torch.inference_mode():
        return float(network(a / 127.5 - 1, b / 127.5 - 1))  # from -1 to 1


def dists(network: nn.Module, sr: Image, hr: Image) -> float:
    """Return the DISTS distance of two whole images, about 0 for identical ones; smaller is better.

    ``network`` comes from :func:`load_dists`; images and errors are those of :func:`lpips`. Images are not resized.
    """
    a, b = _pair("DISTS", network, sr, hr)
    with torch.inference_mode():
        return float(network(a / 255, b / 255))


def _pair(metric: str, network: nn.Module, sr: Image, hr: Image) -> tuple[Tensor, Tensor]:
    """Return two images as (1, 3, H, W) float32 in [0, 255], where the network is."""
    sr, hr = plain_array(sr, "sr"), plain_array(hr, "hr")
    if sr.shape[:2] != hr.shape[:2]:
        raise ValueError(f"sr and hr differ in size: {sr.shape} and {hr.shape}")
    if min(sr.shape[:2]) < SMALLEST:
        raise ValueError(f"{metric} needs {SMALLEST}x{SMALLEST} pixels, got {sr.shape[0]}x{sr.shape[1]}")
    device = next(network.parameters()).device
    return _tensor(sr).to(device), _tensor(hr).to(device)


def _tensor(image: Image) -> Tensor:
    rgb = torch.from_numpy(image.astype(np.float32))
    planes = rgb[None] if rgb.ndim == 2 else rgb.permute(2, 0, 1)
    return planes.expand(3, -1, -1)[None]


def _import(name: str, metric: str) -> ModuleType:
    """Import a module of torchmetrics, telling what is missing or broken in one line."""
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            advice = "install satlib with it: pip install 'satlib[perceptual]'"
            raise OSError(f"{metric} needs the package {package}; {advice}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages that torchmetrics looks for and does not need here
        return import_beside_torchvision(name, metric)


@contextmanager
def _downloading(metric: str, backbone: str) -> Iterator[None]:
    """Let a network be built; if the weights of its backbone cannot be downloaded, say whose they are, in one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torchvision, about how it is called
            yield
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        folder = f"{torch.hub.get_dir()}/checkpoints"
        raise OSError(
            f"{metric} needs the weights of torchvision's {backbone} network, which can be neither found in {folder} "
            f"nor downloaded: {error}"
        ) from error
