"""`satlib.explore.compare`: models of every kind, the divider, the window, PSNR, and what is refused."""

import io

import numpy as np
import pytest
import torch
from explorers import PHOTO, tiny
from PIL import Image
from torch import Tensor, nn

from satlib import explore, metrics, samples, upscale
from satlib.explore.compared_models import named
from satlib.figures.explorers.compare import enlarged, split, window
from satlib.network.model import in_eval
from satlib.resize import imresize

HIGH = samples.load("coffee").resize((64, 48))


def nearest(batch: Tensor) -> Tensor:
    return nn.functional.interpolate(batch, scale_factor=2)


def array(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def test_models_of_every_kind_are_compared() -> None:
    model = tiny().train()
    explorer = explore.compare([model, "sat-tiny-x2", "bicubic-x2", nearest, nn.Upsample(scale_factor=2)], PHOTO)
    assert list(explorer.outputs) == ["bicubic", "SAT x2", "sat-tiny-x2", "bicubic-x2", "nearest", "Upsample"]
    assert model.training
    with torch.inference_mode():
        expected = in_eval(model)(explorer.image.unsqueeze(0))[0].clamp(0, 1)
    assert torch.equal(explorer.outputs["SAT x2"], expected)
    assert torch.equal(explorer.outputs["bicubic"], imresize(explorer.image, 2).clamp(0, 1))
    assert torch.equal(explorer.outputs["nearest"], explorer.outputs["Upsample"])
    shown = np.asarray(upscale(PHOTO, "sat-tiny-x2", margin=0))
    ours = explorer.outputs["sat-tiny-x2"].permute(1, 2, 0).numpy()
    assert np.abs(ours * 255 - shown).max() <= 0.5 + 1e-3


def test_names_are_given_and_told_apart() -> None:
    assert list(named({"mine": nearest, "yours": nearest})) == ["mine", "yours"]
    assert list(named([nearest, nearest, "bicubic-x2", nearest])) == [
        "nearest",
        "nearest (2)",
        "bicubic-x2",
        "nearest (3)",
    ]
    assert list(named(nearest)) == ["nearest"]


def test_the_divider_parts_the_two_images() -> None:
    explorer = explore.compare({"black": lambda x: 0 * nearest(x), "white": lambda x: 0 * nearest(x) + 1}, PHOTO)
    explorer.turn({explorer.left: "black", explorer.right: "white"})
    for share in (0, 25, 50, 100):
        explorer.place.value = share
        picture = array(explorer.picture.value)  # (384, 512, 3): 48 x 64, eight times as large
        assert picture.shape == (384, 512, 3)
        split_at = 512 * share // 100
        assert (picture[:, : max(0, split_at - 1)] == 0).all()
        assert (picture[:, split_at + 1 :] == 255).all()


def test_the_window_zooms_and_follows_a_click() -> None:
    explorer = explore.compare(nearest, PHOTO)
    assert explorer.span == (slice(0, 48), slice(0, 64))
    explorer.zoom.value = 4
    explorer.turn({explorer.row: 0, explorer.column: 31})
    assert explorer.span == (slice(0, 12), slice(48, 64))
    explorer.photo.clicked = (0.0, 0.99)  # column 48, row 11 of the output: column 24, row 5 of the input
    assert (explorer.row.value, explorer.column.value) == (5, 24)
    rows, columns = explorer.span
    assert (rows, columns) == (slice(5, 17), slice(41, 57))
    explorer.place.value = 0
    shown = array(explorer.picture.value)[16::32, 16::32]
    expected = explorer.outputs["nearest"][:, rows, columns].permute(1, 2, 0).mul(255).round().byte().numpy()
    assert np.array_equal(shown[:, 1:], expected[:, 1:]), "every pixel is a square of 32 x 32"


def test_psnr_is_that_of_the_papers() -> None:
    explorer = explore.compare(nearest, PHOTO, hr=HIGH)
    high = np.asarray(HIGH)
    for name, value in explorer.psnr.items():
        ours = explorer.outputs[name].permute(1, 2, 0).mul(255).round().byte().numpy()
        assert value == pytest.approx(metrics.psnr(ours, high, border=2))
    assert f"bicubic, {explorer.psnr['bicubic']:.2f} dB" in explorer.numbers.value
    explorer.right.value = "high resolution"
    assert "right: high resolution;" in explorer.numbers.value
    assert "dB" not in explore.compare(nearest, PHOTO).numbers.value


def test_large_images_are_shrunk_unless_the_high_resolution_is_given() -> None:
    large = PHOTO.resize((256, 200))
    assert explore.compare(nearest, large).image.shape == (3, 150, 192)
    assert explore.compare(nearest, large, hr=PHOTO.resize((512, 400))).image.shape == (3, 200, 256)


def fails(batch: Tensor) -> Tensor:
    raise RuntimeError("sides must be multiples of 64")


@pytest.mark.parametrize(
    ("models", "message"),
    [
        ([], "at least one model, got none"),
        ([7], "model 'int' must be a network, a name or callable, got int"),
        (["sat-giant-x2"], "unknown model 'sat-giant-x2'"),
        ([fails], r"model 'fails' failed on a batch \(1, 3, 24, 32\): sides must be multiples of 64"),
        ({"grey": lambda x: x[:, :1]}, r"model 'grey' must return floats \(1, 3, sH, sW\), got \(1, 1, 24, 32\)"),
        ({"list": lambda x: [x]}, "model 'list' must return floats .*, got list"),
        ({"odd": lambda x: x[..., 1:]}, r"model 'odd' must return \(3, 24, 32\) enlarged s times, got \(3, 24, 31\)"),
        ({"one": lambda x: x, "two": nearest}, "all models must upscale by one factor, got {'one': 1, 'two': 2}"),
        ({"one": lambda x: x}, "all models must enlarge: beside bicubic interpolation, a network of scale 1 has no"),
    ],
)
def test_models_that_do_not_fit_are_named(models: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        explore.compare(models, PHOTO)


def test_a_high_resolution_of_another_size_is_named() -> None:
    with pytest.raises(ValueError, match=r"hr must be \(3, 48, 64\), the size that bicubic makes, got \(3, 24, 32\)"):
        explore.compare(nearest, PHOTO, hr=PHOTO)


def test_split_and_window_are_exact() -> None:
    left, right = torch.zeros(3, 2, 10), torch.ones(3, 2, 10)
    for share in (0.0, 0.3, 1.0):
        assert split(left, right, share)[0, 0].tolist() == [0.0] * round(10 * share) + [1.0] * (10 - round(10 * share))
    with pytest.raises(ValueError, match="one shape"):
        split(left, right[:, :1], 0.5)
    assert window((10, 20), 1, (0.9, 0.1)) == (slice(0, 10), slice(0, 20))
    assert window((10, 20), 2, (0.5, 1.0)) == (slice(2, 7), slice(10, 20))
    assert window((1, 1), 16, (0.5, 0.5)) == (slice(0, 1), slice(0, 1))


def test_enlarged_pixels_are_squares() -> None:
    image = torch.rand(3, 5, 4, generator=torch.Generator().manual_seed(0))
    picture = array(enlarged(image))
    assert picture.shape == (510, 408, 3)
    small = image.permute(1, 2, 0).double().mul(255).round().byte().numpy()
    assert np.array_equal(picture, small.repeat(102, 0).repeat(102, 1))
