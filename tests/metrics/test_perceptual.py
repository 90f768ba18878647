"""LPIPS: with a random backbone where the package works, and one clear line where it does not."""

import importlib.util
import sys
import types
import urllib.error
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from satlib.metrics.perceptual import load_lpips, lpips


@pytest.fixture
def network() -> nn.Module:
    try:
        torch.manual_seed(0)
        return load_lpips("alex", pretrained=False)
    except OSError as error:
        pytest.skip(str(error))


def image(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def fake(monkeypatch: pytest.MonkeyPatch, network: Callable[..., nn.Module]) -> None:
    """Put a package called lpips into place that builds its network by a function."""
    package = types.ModuleType("lpips")
    package.__spec__ = importlib.util.spec_from_loader("lpips", None)
    package.LPIPS = network
    monkeypatch.setitem(sys.modules, "lpips", package)


class Distance(nn.Module):
    """Takes the place of the network: the mean absolute difference of what it is given."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        assert a.shape[:2] == b.shape[:2] == (1, 3)
        return self.weight * (a - b).abs().mean().view(1, 1, 1, 1)


def test_random_backbone(network: nn.Module) -> None:
    a, b = image(1, 40, 48, 3), image(2, 40, 48, 3)
    assert lpips(network, a, a) == 0
    assert lpips(network, a, (a // 2 + b // 2).astype(np.uint8)) > 0
    assert lpips(network, a, b) == pytest.approx(lpips(network, b, a))
    assert lpips(network, image(1, 33, 32), image(1, 33, 32)) == 0
    assert not network.training


def test_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lpips", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError, match=r"needs the package lpips; .* pip install 'satlib\[lpips\]'"):
        load_lpips()


@pytest.mark.parametrize(
    "error",
    [RuntimeError("operator torchvision::nms does not exist\nmore"), ImportError("No module"), AttributeError("x")],
)
def test_torchvision_that_does_not_work(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(name: str) -> types.ModuleType:
        raise error

    fake(monkeypatch, Distance)
    monkeypatch.setattr("satlib.metrics.perceptual.importlib.import_module", fail)
    with pytest.raises(OSError, match=r"^LPIPS needs a torchvision that fits torch [\w.+]+; .* fails: [\w :]+$"):
        load_lpips()


def test_weights_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(**options: object) -> nn.Module:
        raise urllib.error.URLError("Name or service not known")

    fake(monkeypatch, offline)
    with pytest.raises(OSError, match=r"weights of torchvision's vgg network.*neither found in .*/checkpoints nor"):
        load_lpips()


def test_what_the_network_is_built_with_and_given(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, Distance)
    network = load_lpips("alex")
    assert isinstance(network, Distance) and not network.training
    assert network.options == {"net": "alex", "pnet_rand": False, "verbose": False}
    black, white = np.zeros((32, 40, 3), np.uint8), np.full((32, 40, 3), 255, np.uint8)
    assert lpips(network, black, white) == 2  # from -1 to 1
    assert lpips(network, black[..., 0], white) == 2


def test_bad_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="one of vgg, alex, got 'resnet'"):
        load_lpips("resnet")
    network = Distance()
    with pytest.raises(ValueError, match="differ in size"):
        lpips(network, image(1, 40, 40, 3), image(1, 40, 41, 3))
    with pytest.raises(ValueError, match="needs 32x32 pixels, got 31x40"):
        lpips(network, image(1, 31, 40, 3), image(1, 31, 40, 3))
