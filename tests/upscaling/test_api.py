"""`upscale` on every kind of image, whole and tiled, against the network itself; and files into files."""

import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image

import satlib.upscaling.api
from satlib.config import SATConfig
from satlib.images.alpha import visible_color
from satlib.images.files import read, write
from satlib.images.folder import images_and_others
from satlib.images.picture import Picture
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.upscaling import upscale, upscale_file

RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (9, 13, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> SAT:
    torch.manual_seed(0)
    network = SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1,)))
    with torch.no_grad():
        for parameter in network.upsampler.parameters():
            parameter *= 0.2  # keeps most of an untrained network's output inside [0, 1]
    return network


def by_hand(model: SAT, rgb: np.ndarray) -> np.ndarray:
    """Run (H, W, 3) in [0, 1] through the network: (sH, sW, 3), not clipped."""
    model.eval()
    with torch.no_grad():
        return model(torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()


def test_uint8_colour_is_the_network_rounded(model):
    expected = np.rint(by_hand(model, RGB / 255).clip(0, 1) * 255)
    out = upscale(RGB, model, margin=0)
    assert out.dtype == np.uint8
    assert np.abs(out - expected).max() == 0
    assert len(np.unique(out)) > 30  # the fixture's output is no constant


def test_floats_are_not_rounded_and_keep_their_dtype(model):
    for dtype in (np.float16, np.float32, np.float64):
        image = RNG.random((9, 13, 3)).astype(dtype)
        out = upscale(image, model, margin=0)
        assert out.dtype == dtype
        np.testing.assert_allclose(
            out, by_hand(model, image).clip(0, 1), rtol=0, atol=1e-3 if dtype == np.float16 else 1e-6
        )


def test_uint16_is_finer_than_uint8(model):
    image = RGB.astype(np.uint16) * 257
    out = upscale(image, model, margin=0)
    assert out.dtype == np.uint16
    assert np.abs(out - np.rint(by_hand(model, image / 65535).clip(0, 1) * 65535)).max() <= 1
    assert (out % 257 != 0).any()


@pytest.mark.parametrize("shape", [(9, 13), (9, 13, 1)])
def test_grey_is_the_mean_of_three_equal_channels(model, shape):
    gray = RNG.random(shape)
    out = upscale(gray, model, margin=0)
    assert out.shape == (18, 26, *shape[2:])
    three = by_hand(model, np.broadcast_to(gray.reshape(9, 13, 1), (9, 13, 3)))
    np.testing.assert_allclose(out.reshape(18, 26), three.mean(2).clip(0, 1), atol=1e-6)


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_upscaled_beside_the_colour(model, channels):
    image = RNG.integers(0, 256, (9, 13, channels), dtype=np.uint8)
    np.testing.assert_array_equal(upscale(image, model)[..., -1], imresize(image[..., -1], 2))
    out, color = upscale(image, model, margin=0), visible_color(image).squeeze()
    np.testing.assert_array_equal(out[..., :-1].squeeze(), upscale(color, model, margin=0))


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16", "P", "1"])
def test_pil_images_come_back_in_their_mode(model, mode):
    image = (
        Image.fromarray(RGB[..., 0].astype(np.uint16) * 200) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    )
    out = upscale(image, model)
    assert out.mode == {"P": "RGB", "1": "L"}.get(mode, mode)
    assert out.size == (26, 18)


def test_paths_give_pil_images_and_16_bit_colour_an_array(model, tmp_path):
    Image.fromarray(RGB).save(tmp_path / "a.png")
    for path in (tmp_path / "a.png", str(tmp_path / "a.png")):
        np.testing.assert_array_equal(np.asarray(upscale(path, model)), upscale(RGB, model))
    deep = RNG.integers(0, 65536, (9, 13, 3), dtype=np.uint16)
    write(Picture(deep), tmp_path / "b.png")
    np.testing.assert_array_equal(upscale(tmp_path / "b.png", model), upscale(deep, model), strict=True)


def test_profile_and_exif_stay_and_the_image_stands_upright(model):
    image = Image.fromarray(RGB)
    image.info["icc_profile"] = b"profile"
    image.getexif()[ExifTags.Base.Orientation] = 6
    image.getexif()[ExifTags.Base.Artist] = "artist"
    out = upscale(image, model)
    assert out.size == (18, 26)
    np.testing.assert_array_equal(np.asarray(out), upscale(np.rot90(RGB, -1), model))
    assert out.info["icc_profile"] == b"profile"
    assert out.getexif()[ExifTags.Base.Artist] == "artist"
    assert out.getexif().get(ExifTags.Base.Orientation, 1) == 1


@settings(max_examples=12)
@given(st.integers(1, 40), st.integers(1, 40))
def test_every_size(model, height, width):
    image = np.random.default_rng(height * 41 + width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert upscale(image, model).shape == (2 * height, 2 * width, 3)
    assert upscale(image, "bicubic-x3").shape == (3 * height, 3 * width, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (17, 1), (1, 1, 4)])
def test_single_pixels_and_lines(model, shape):
    image = RNG.integers(0, 256, shape, dtype=np.uint8)
    out = upscale(image, model, tile=16, overlap=4, ensemble=True)
    assert out.shape == (2 * shape[0], 2 * shape[1], *shape[2:])


@pytest.mark.parametrize("scale", [2, 3, 4, 8])
def test_the_baseline(scale):
    np.testing.assert_array_equal(upscale(RGB, f"bicubic-x{scale}"), imresize(RGB, scale))
    deep = RGB.astype(np.uint16) * 257
    np.testing.assert_array_equal(upscale(deep, f"bicubic-x{scale}"), imresize(deep, scale))


def test_one_tile_is_the_whole_image_bit_for_bit(model):
    image = RNG.random((20, 30, 3)).astype(np.float32)
    whole = upscale(image, model)
    for tile in (30, 31, 500, "auto"):
        np.testing.assert_array_equal(upscale(image, model, tile=tile, overlap=4), whole)
    np.testing.assert_array_equal(
        upscale(image, model, tile=30, overlap=4, ensemble=True), upscale(image, model, ensemble=True)
    )


def test_tiles_are_close_to_the_whole_image_and_closer_with_overlap(model):
    image = np.asarray(Image.linear_gradient("L").resize((96, 80))) / 255
    whole = upscale(image, model)
    errors = [np.abs(upscale(image, model, tile=48, overlap=overlap) - whole).max() for overlap in (0, 16)]
    assert 0 < errors[1] < errors[0]
    assert errors[1] < 4 / 255


def test_the_same_call_gives_the_same_bits(model):
    image = RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    for options in ({}, {"tile": 32, "overlap": 8}, {"ensemble": True}):
        np.testing.assert_array_equal(upscale(image, model, **options), upscale(image, model, **options))


def test_the_ensemble_turns_with_the_image(model):
    image = RNG.random((10, 14, 3))
    out = upscale(image, model, ensemble=True)
    np.testing.assert_allclose(upscale(np.rot90(image), model, ensemble=True), np.rot90(out), atol=1e-5)
    np.testing.assert_allclose(upscale(image[:, ::-1], model, ensemble=True), out[:, ::-1], atol=1e-5)
    assert np.abs(out - upscale(image, model)).max() > 1e-3


@pytest.mark.parametrize(
    ("image", "options", "message"),
    [
        (RGB, {"tile": 20}, "more than twice the overlap of 16, got 20"),
        (RGB, {"tile": 8, "overlap": 0}, "got 8"),
        (RGB, {"tile": "all"}, "got 'all'"),
        (RGB, {"max_pixels": 116}, "13 x 9 pixels, more than max_pixels = 116"),
        (RGB, {"device": "abacus"}, "device 'abacus'"),
        (np.full((4, 4), np.nan), {}, "nan"),
        (torch.zeros(3, 4, 4), {}, "got Tensor"),
        (Image.new("HSV", (4, 4)), {}, "mode HSV"),
        (None, {}, "got NoneType"),
    ],
)
def test_bad_input_is_one_clear_line(model, image, options, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        upscale(image, model, **options)
    assert "\n" not in str(caught.value)


def test_a_model_without_weights_says_so():
    with pytest.raises(OSError, match=r"sat-light-x3"):
        upscale(RGB, "sat-light-x3")


def test_progress_goes_to_stderr_and_nothing_to_stdout(model, capsys):
    upscale(RGB, model, progress=True)
    assert capsys.readouterr().out == ""


def test_a_file_into_a_file(model, tmp_path):
    deep = RNG.integers(0, 65536, (9, 13, 4), dtype=np.uint16)
    write(Picture(deep, icc=b"profile"), tmp_path / "in.tif")
    assert upscale_file(tmp_path / "in.tif", tmp_path / "out.png", model) == (18, 26)
    out = read(tmp_path / "out.png")
    np.testing.assert_array_equal(out.pixels, upscale(deep, model), strict=True)
    assert out.icc == b"profile"


def test_what_cannot_be_written_is_known_before_the_work(model, tmp_path, monkeypatch):
    def never(*args: object, **options: object) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr(satlib.upscaling.api, "upscale_picture", never)
    Image.fromarray(RGB).convert("RGBA").save(tmp_path / "in.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "in.png")
    (tmp_path / "folder.png").mkdir()
    faults = {
        "in.png": "is the input",
        "link.png": "is the input",
        "folder.png": "it is a folder",
        "none/out.png": "does not exist",
        "out.gif": ".gif is not one of",
        "out.jpg": "does not hold transparency",
    }
    for name, message in faults.items():
        with pytest.raises((ValueError, OSError), match=message):
            upscale_file(tmp_path / "in.png", tmp_path / name, model)
    with pytest.raises(FileNotFoundError):
        upscale_file(tmp_path / "missing.png", tmp_path / "out.png", model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.png", "in.png", "link.png"]


def test_the_image_files_of_a_folder(tmp_path):
    for name in ("b.PNG", "a.jpg", "c.txt", ".hidden.png", "d.webp", "e"):
        (tmp_path / name).touch()
    (tmp_path / "sub.png").mkdir()
    found, others = images_and_others(tmp_path)
    assert [path.name for path in found] == ["a.jpg", "b.PNG", "d.webp"]
    assert [path.name for path in others] == ["c.txt", "e"]
