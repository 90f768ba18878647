"""Networks of others: what is asked of spandrel, what comes back, and one clear line for whatever is missing.

spandrel is no part of the environment of the tests; a small module stands in for it.
"""

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from satlib import upscale
from satlib.evaluation import evaluate
from satlib.explore.compared_models import upscale_by_all
from satlib.support import torchvision
from satlib.upscaling.other_networks import load_foreign

IMAGE = np.random.default_rng(0).integers(0, 256, (7, 9, 3), dtype=np.uint8)


class Repeat(nn.Module):
    """Upscales by repeating pixels, times a weight of 1."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[:2] == (1, 3) and 0 <= float(x.min()) <= float(x.max()) <= 1
        return self.weight * x.repeat_interleave(2, 2).repeat_interleave(2, 3)


class Described:
    """What spandrel returns for an image network."""

    def __init__(self, scale: int = 2, channels: int = 3) -> None:
        self.model = Repeat()
        self.scale, self.input_channels, self.output_channels = scale, channels, channels
        self.architecture = types.SimpleNamespace(name="Repeat")

    def __call__(self, image: Tensor) -> Tensor:
        return self.model(image)


class UnknownArchitectureError(Exception):
    """Stands for spandrel's own."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "repeat_x2.pth").touch()
    return tmp_path / "repeat_x2.pth"


def stand_in(monkeypatch: pytest.MonkeyPatch, found: object) -> list[object]:
    """Put a package called spandrel into place whose loader gives ``found`` or raises it; return what it is asked."""
    asked: list[object] = []

    class ModelLoader:
        def __init__(self, device: object) -> None:
            asked.append(device)

        def load_from_file(self, path: Path) -> object:
            asked.append(path)
            if isinstance(found, Exception):
                raise found
            return found

    package = types.ModuleType("spandrel")
    package.__spec__ = importlib.util.spec_from_loader("spandrel", None)
    package.ModelLoader, package.ImageModelDescriptor = ModelLoader, Described
    package.UnsupportedModelError = UnknownArchitectureError
    monkeypatch.setitem(sys.modules, "spandrel", package)
    return asked


def test_a_network_upscales_an_image(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    asked = stand_in(monkeypatch, Described())
    model = load_foreign(str(file), device="cpu")
    assert asked == [torch.device("cpu"), file]
    assert (model.name, model.architecture, model.scale, model.n_params) == ("repeat_x2", "Repeat", 2, 1)
    np.testing.assert_array_equal(upscale(IMAGE, model), IMAGE.repeat(2, 0).repeat(2, 1))


def test_an_output_is_rounded_and_clipped(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    found = Described()
    found.model.weight.data.fill_(1.5)
    stand_in(monkeypatch, found)
    expected = np.minimum(np.rint(1.5 * (IMAGE / np.float32(255)) * 255), 255)
    np.testing.assert_array_equal(upscale(IMAGE, load_foreign(file))[::2, ::2], expected)


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE[..., :2], IMAGE / 255.0, IMAGE.astype(np.uint16)])
def test_every_kind_of_image_comes_back_as_its_kind(
    monkeypatch: pytest.MonkeyPatch, file: Path, image: np.ndarray
) -> None:
    stand_in(monkeypatch, Described())
    if image.shape[2:] == (2,):
        image = np.stack((image[..., 0], np.full(image.shape[:2], 255, np.uint8)), axis=2)
    out = upscale(image, load_foreign(file))
    assert out.dtype == image.dtype
    color = slice(0, 1 if image.shape[2:] == (2,) else None)  # alpha is interpolated
    expected = image.repeat(2, 0).repeat(2, 1)
    np.testing.assert_allclose(out[..., color], expected[..., color], rtol=0, atol=1e-7 if out.dtype.kind == "f" else 0)


@pytest.mark.parametrize("tile", [16, "auto"])
def test_tiles_and_orientations_are_for_every_network(
    monkeypatch: pytest.MonkeyPatch, file: Path, tile: int | Literal["auto"]
) -> None:
    stand_in(monkeypatch, Described())
    image = np.random.default_rng(1).integers(0, 256, (70, 21, 3), dtype=np.uint8)
    found = upscale(image, load_foreign(file), tile=tile, overlap=4, ensemble=True)
    np.testing.assert_array_equal(found, image.repeat(2, 0).repeat(2, 1))


def test_it_is_evaluated_and_compared_as_any_network(
    monkeypatch: pytest.MonkeyPatch, file: Path, tmp_path: Path
) -> None:
    stand_in(monkeypatch, Described())
    (tmp_path / "set").mkdir()
    low = np.random.default_rng(2).integers(0, 256, (12, 14, 3), dtype=np.uint8)
    Image.fromarray(low.repeat(2, 0).repeat(2, 1)).save(tmp_path / "set" / "a.png")
    Image.fromarray(low).save(tmp_path / "a.png")
    (tmp_path / "low").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "low" / "a.png")
    model = load_foreign(file)
    rows = tmp_path / "rows"
    found = evaluate(model, tmp_path / "set", scale=2, lr=tmp_path / "low", resume=rows)
    assert found.model == "repeat_x2 (1 parameters)" and found.psnr == float("inf")
    model.model.weight.data.fill_(0.5)  # other weights: no finished row is theirs
    assert evaluate(model, tmp_path / "set", scale=2, lr=tmp_path / "low", resume=rows).psnr < 20
    compared = upscale_by_all([model, "sat-tiny-x2"], torch.rand(3, 12, 14))
    assert list(compared) == ["bicubic", "repeat_x2", "sat-tiny-x2"]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (UnknownArchitectureError(), "is of no architecture that spandrel knows"),
        (RuntimeError("PytorchStreamReader failed\nat x"), "cannot be read as a network: PytorchStreamReader failed$"),
        (ValueError("Unsupported model file extension .txt"), "cannot be read as a network: Unsupported"),
        (EOFError(), "cannot be read as a network: EOFError"),
        (Described(scale=1), "no network that upscales RGB images: Repeat, scale 1, 3 to 3 channels"),
        (Described(channels=1), "no network that upscales RGB images: Repeat, scale 2, 1 to 1 channels"),
    ],
)
def test_files_that_are_of_no_use(monkeypatch: pytest.MonkeyPatch, file: Path, found: object, message: str) -> None:
    stand_in(monkeypatch, found)
    with pytest.raises(ValueError, match=f"repeat_x2.pth .*{message}") as error:
        load_foreign(file)
    assert "\n" not in str(error.value)


def test_a_network_for_something_else_than_images(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    other = types.SimpleNamespace(**vars(Described()))
    stand_in(monkeypatch, other)
    with pytest.raises(ValueError, match="no network that upscales RGB images"):
        load_foreign(file)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file: .*none.pth"):
        load_foreign(tmp_path / "none.pth")


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError, match=r"^other networks need the package spandrel; .* pip install 'satlib\[peers\]'$"):
        load_foreign(file)


def failing_imports(monkeypatch: pytest.MonkeyPatch, times: int) -> list[bool]:
    """Let the import of spandrel fail some times, as torchvision's does beside a CPU build of torch.

    Return, for each time, whether an operator was declared then.
    """
    stand_in(monkeypatch, Described())
    monkeypatch.setattr(torchvision, "OPERATORS", ("satlib_test",))
    tried: list[bool] = []

    def import_module(name: str) -> types.ModuleType:
        tried.append(hasattr(torch.ops.torchvision, "satlib_test"))
        if len(tried) <= times:
            raise RuntimeError("operator torchvision::nms does not exist\nmore")
        return sys.modules[name]

    monkeypatch.setattr(torchvision, "importlib", types.SimpleNamespace(import_module=import_module))
    return tried


def test_missing_operators_are_declared_while_the_import_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    tried = failing_imports(monkeypatch, 1)
    assert load_foreign(file).architecture == "Repeat"
    assert tried == [False, True]


def test_a_torchvision_that_does_not_work_all_the_same(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    failing_imports(monkeypatch, 2)
    with pytest.raises(OSError, match=r"^spandrel needs a torchvision that fits torch [\w.+]+; .* does not exist$"):
        load_foreign(file)
