"""What people report of upscaling: black images, formats that cannot hold the result, names that are long."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import satlib.upscaling.api as api
from satlib import SAT, SATConfig, upscale
from satlib.upscaling import upscale_file
from satlib.upscaling.models import Bicubic

RGB = np.random.default_rng(0).integers(0, 256, (18, 25, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1,)))


@pytest.mark.parametrize("layer", ["groups.0.conv", "upsampler.0", "head"])
@pytest.mark.parametrize("tile", [None, 16])
def test_an_output_that_is_not_finite_names_the_layer(model, layer, tile):
    broken = copy.deepcopy(model)
    with torch.no_grad():
        broken.get_submodule(layer).weight.fill_(3e38)
    with pytest.raises(ValueError, match=f"the network's output is not finite, and so is what its layer {layer} gives"):
        upscale(RGB, broken, tile=tile, overlap=4)
    broken.get_submodule(layer).weight.data[0] = float("nan")
    with pytest.raises(ValueError, match=f"the network's weights are not finite: {layer}.weight has NaN"):
        upscale(RGB, broken)


class Odd:
    """Something that upscales, by its own account."""

    name, scale, n_params = "odd", 2, 0

    def __init__(self, run):
        self.run = run

    def __call__(self, x):
        return self.run(x)


@pytest.mark.parametrize(
    ("run", "got"),
    [
        (lambda x: x, r"\(1, 3, 26, 33\)"),
        (lambda x: Bicubic(2)(x)[:, :1], r"\(1, 1, 52, 66\)"),
        (lambda x: Bicubic(2)(x)[0], r"\(3, 52, 66\)"),
        (lambda x: Bicubic(2)(x).numpy(), "ndarray"),
    ],
)
def test_an_output_that_is_not_what_was_promised_is_an_error(run, got):
    with pytest.raises(ValueError, match=rf"^odd upscales by 2, to \(1, 3, 52, 66\), got {got}$"):
        upscale(RGB, Odd(run))
    assert upscale(RGB, Odd(Bicubic(2))).shape == (36, 50, 3)


def test_exif_that_jpeg_does_not_hold_is_told_before_the_work(tmp_path: Path, monkeypatch):
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"ASCII\0\0\0" + b"a" * 70_000}
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    upscale_file(tmp_path / "a.png", tmp_path / "b.png", Bicubic(2))
    monkeypatch.setattr(api, "upscale_picture", None)  # an error where it is called
    with pytest.raises(ValueError, match=r"cannot write .*b\.jpg: JPEG holds 65533 bytes of EXIF, not 70"):
        upscale_file(tmp_path / "a.png", tmp_path / "b.jpg", Bicubic(2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_as_much_exif_as_jpeg_holds_is_written(tmp_path: Path):
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"ASCII\0\0\0" + b"a" * 65_000}
    Image.fromarray(RGB).save(tmp_path / "a.png", exif=exif)
    upscale_file(tmp_path / "a.png", tmp_path / "b.jpg", Bicubic(2))
    with Image.open(tmp_path / "b.jpg") as image:
        assert len(image.getexif().get_ifd(0x8769)[0x9286]) == 65_008


def test_long_names_are_written_or_refused_before_the_work(tmp_path: Path, monkeypatch):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    long = tmp_path / ("图" * 83 + ".png")  # 253 bytes
    upscale_file(tmp_path / "a.png", long, Bicubic(2))
    assert long.is_file() and len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(api, "read", None)
    with pytest.raises(OSError, match="the name has 256 bytes, and 255 is the most"):
        upscale_file(tmp_path / "a.png", tmp_path / ("图" * 84 + ".png"), Bicubic(2))
