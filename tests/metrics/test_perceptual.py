"""LPIPS and DISTS: with a random backbone where the packages are, and one clear line where they are not.

The expected values are those of the definitions, written down here once more over the backbone's features.
"""

import importlib.util
import sys
import types
import urllib.error
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from satlib.metrics.perceptual import PACKAGES, dists, load_dists, load_lpips, lpips

HAS_PACKAGES = all(importlib.util.find_spec(name) is not None for name in PACKAGES)
needs_packages = pytest.mark.skipif(not HAS_PACKAGES, reason="torchmetrics or torchvision is not installed")
LOADERS = {"LPIPS": (load_lpips, lpips), "DISTS": (load_dists, dists)}
each_metric = pytest.mark.parametrize("metric", LOADERS)


def image(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# With the packages ---------------------------------------------------------------------------------------------------


@pytest.fixture
def random_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Backbones with random weights in place of downloaded ones."""
    from satlib.support.torchvision import import_beside_torchvision

    models = import_beside_torchvision("torchvision.models", "a test")
    for name, weights in (("vgg16", models.VGG16_Weights), ("alexnet", models.AlexNet_Weights)):
        torch.manual_seed(0)
        state = getattr(models, name)(weights=None).state_dict()
        monkeypatch.setattr(weights, "get_state_dict", lambda self, state=state, **options: state)


def features(stages: list[nn.Module], x: Tensor) -> list[Tensor]:
    """What each of some stages gives, one after the other."""
    found = []
    for stage in stages:
        x = stage(x)
        found.append(x)
    return found


def scaled(pixels: np.ndarray, mean: list[float], deviation: list[float]) -> Tensor:
    rgb = pixels if pixels.ndim == 3 else pixels[..., None].repeat(3, 2)
    values = (rgb / 255 - np.array(mean)) / np.array(deviation)
    return torch.from_numpy(values).permute(2, 0, 1)[None].float()


@needs_packages
@pytest.mark.parametrize("backbone", ["vgg", "alex"])
def test_lpips_is_the_mean_of_weighted_differences_of_unit_features(random_backbone: None, backbone: str) -> None:
    network = load_lpips(backbone)
    stages = [getattr(network.net, f"slice{i}") for i in range(1, 6)]
    # The paper's layer normalises in [-1, 1]; these are its numbers in [0, 1].
    means, deviations = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    for a, b in ((image(1, 40, 48, 3), image(2, 40, 48, 3)), (image(3, 33, 32), image(4, 33, 32))):
        total = 0.0
        with torch.no_grad():
            of_a, of_b = (features(stages, scaled(x, means, deviations)) for x in (a, b))
            for x, y, lin in zip(of_a, of_b, network.lins, strict=True):
                unit_x, unit_y = (z / z.square().sum(1, keepdim=True).add(1e-8).sqrt() for z in (x, y))
                weight = lin.model[-1].weight.view(1, -1, 1, 1)
                total += float((weight * (unit_x - unit_y).square()).sum(1).mean())
        assert lpips(network, a, b) == pytest.approx(total, rel=1e-3) and total > 0.01
        assert lpips(network, a, a) == 0
    assert not network.training


@needs_packages
def test_dists_is_one_minus_the_weighted_similarity_of_means_and_structures(random_backbone: None) -> None:
    network = load_dists()
    stages = [getattr(network, f"stage{i}") for i in range(1, 6)]
    a, b = image(1, 40, 48, 3), image(2, 40, 48, 3)
    similarity = 0.0
    with torch.no_grad():
        plain = [torch.from_numpy(x / 255).permute(2, 0, 1)[None].float() for x in (a, b)]
        given = [scaled(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]) for x in (a, b)]
        of_a, of_b = ([p, *features(stages, g)] for p, g in zip(plain, given, strict=True))
        total = float(network.alpha.sum() + network.beta.sum())
        start = 0
        for x, y in zip(of_a, of_b, strict=True):
            for channel in range(x.shape[1]):
                u, v = x[0, channel].double(), y[0, channel].double()
                covariance = ((u - u.mean()) * (v - v.mean())).mean()
                means = (2 * u.mean() * v.mean() + 1e-6) / (u.mean() ** 2 + v.mean() ** 2 + 1e-6)
                structures = (2 * covariance + 1e-6) / (u.var(correction=0) + v.var(correction=0) + 1e-6)
                place = (0, start + channel, 0, 0)
                similarity += float(network.alpha[place] * means + network.beta[place] * structures) / total
            start += x.shape[1]
    assert dists(network, a, b) == pytest.approx(1 - similarity, abs=2e-5) and 1 - similarity > 0.01
    assert dists(network, a, a) == pytest.approx(0, abs=1e-5)
    assert dists(network, a[..., 0], b[..., 0]) > 0


# Without them --------------------------------------------------------------------------------------------------------


class Distance(nn.Module):
    """Takes the place of a network: the mean absolute difference of what it is given."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        self.options = options
        self.weight = nn.Parameter(torch.ones(()))

    @property
    def net(self) -> nn.Module:
        """As the metric of torchmetrics has it."""
        return self

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        assert a.shape[:2] == b.shape[:2] == (1, 3)
        return self.weight * (a - b).abs().mean().view(1, 1, 1, 1)


def fake(monkeypatch: pytest.MonkeyPatch, network: Callable[..., nn.Module]) -> None:
    """Put modules into place that build their networks by a function."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: types.ModuleType(name))
    for name, network_of in (
        ("torchmetrics.image.lpip", "LearnedPerceptualImagePatchSimilarity"),
        ("torchmetrics.functional.image.dists", "DISTSNetwork"),
    ):
        module = types.ModuleType(name)
        setattr(module, network_of, network)
        parts = name.split(".")
        for end in range(1, len(parts)):
            monkeypatch.setitem(sys.modules, ".".join(parts[:end]), types.ModuleType(".".join(parts[:end])))
        monkeypatch.setitem(sys.modules, name, module)


@each_metric
@pytest.mark.parametrize("package", PACKAGES)
def test_package_that_is_missing(monkeypatch: pytest.MonkeyPatch, metric: str, package: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else types.ModuleType(name))
    with pytest.raises(OSError, match=rf"^{metric} needs the package {package}; .* pip install 'satlib\[perceptual\]'"):
        LOADERS[metric][0]()


@each_metric
@pytest.mark.parametrize(
    "error",
    [RuntimeError("operator torchvision::nms does not exist\nmore"), ImportError("No module"), AttributeError("x")],
)
def test_torchvision_that_does_not_work(monkeypatch: pytest.MonkeyPatch, metric: str, error: Exception) -> None:
    def fail(name: str) -> types.ModuleType:
        raise error

    fake(monkeypatch, Distance)
    monkeypatch.setattr("satlib.support.torchvision.importlib.import_module", fail)
    with pytest.raises(OSError, match=rf"^{metric} needs a torchvision that fits torch [\w.+]+; .* fails: [\w :]+$"):
        LOADERS[metric][0]()


@each_metric
def test_weights_that_cannot_be_downloaded(monkeypatch: pytest.MonkeyPatch, metric: str) -> None:
    def offline(**options: object) -> nn.Module:
        raise urllib.error.URLError("Name or service not known")

    fake(monkeypatch, offline)
    with pytest.raises(OSError, match=rf"^{metric} needs the weights of torchvision's vgg network.*/checkpoints nor"):
        LOADERS[metric][0]()


def test_what_the_networks_are_built_with_and_given(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, Distance)
    first, second = load_lpips("alex"), load_dists()
    assert isinstance(first, Distance) and isinstance(second, Distance) and not first.training
    assert (first.options, second.options) == ({"net_type": "alex"}, {})
    black, white = np.zeros((32, 40, 3), np.uint8), np.full((32, 40, 3), 255, np.uint8)
    assert lpips(first, black, white) == lpips(first, black[..., 0], white) == 2  # from -1 to 1
    assert dists(second, black, white) == dists(second, black, white[..., 0]) == 1  # from 0 to 1


@each_metric
def test_bad_input(metric: str) -> None:
    with pytest.raises(ValueError, match="one of vgg, alex, got 'resnet'"):
        load_lpips("resnet")
    network, measure = Distance(), LOADERS[metric][1]
    with pytest.raises(ValueError, match="differ in size"):
        measure(network, image(1, 40, 40, 3), image(1, 40, 41, 3))
    with pytest.raises(ValueError, match=f"{metric} needs 32x32 pixels, got 31x40"):
        measure(network, image(1, 31, 40, 3), image(1, 31, 40, 3))
