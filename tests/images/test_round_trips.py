"""Everything that we write we can read: over formats, channels, depths, sizes and metadata."""

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from satlib.images.files import read, write
from satlib.images.formats import WRITTEN
from satlib.images.metadata import load_exif
from satlib.images.picture import Picture
from satlib.images.pil_images import from_pil
from satlib.images.profiles import profile_of_gamma
from satlib.images.remarks import ImageRemark

COLOR = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY = profile_of_gamma(1, 1 / 1.8, ())
HOLDS = {
    "PNG": (np.uint8, np.uint16),
    "TIFF": (np.uint8, np.uint16, np.float16, np.float32, np.float64),
    "JPEG": (np.uint8,),
    "WEBP": (np.uint8,),
}


@st.composite
def exifs(draw: st.DrawFn) -> bytes:
    exif = Image.Exif()
    text = st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1, max_size=40)
    if draw(st.booleans()):
        exif[ExifTags.Base.Artist] = draw(text)
    if draw(st.booleans()):
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0" + draw(st.binary(max_size=30_000))
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.FNumber] = draw(st.floats(0.5, 30))
    if draw(st.booleans()):
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAltitude] = draw(st.floats(0, 9000))
    return exif.tobytes() if len(exif) else b""


@st.composite
def pictures(draw: st.DrawFn) -> tuple[str, Picture]:
    """Draw an extension and a picture that its format holds."""
    suffix = draw(st.sampled_from(sorted(WRITTEN)))
    dtype = draw(st.sampled_from(HOLDS[WRITTEN[suffix]]))
    channels = draw(st.sampled_from([1, 3] if WRITTEN[suffix] == "JPEG" else [1, 2, 3, 4]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 40)), draw(st.integers(1, 40)), channels)
    values = rng.random(shape) * (np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1)
    profile = (GRAY if channels < 3 else COLOR) + bytes(draw(st.sampled_from([0, 70_000, 1_100_000])))
    dpi = st.tuples(*[st.floats(1, 10_000)] * 2)
    return suffix, Picture(
        values.astype(dtype),
        draw(exifs()),
        draw(st.sampled_from([b"", profile])),
        draw(st.none() | dpi),
        draw(st.none() | st.floats(0.2, 3)),
        draw(st.sampled_from([(), (0.31, 0.33, 0.6, 0.3, 0.3, 0.6, 0.2, 0.1)])),
        draw(st.sampled_from([b"", b"\x09\x10\0\x01"])),
    )


@settings(max_examples=150)
@given(pictures())
def test_what_is_written_is_read(drawn):
    suffix, picture = drawn
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", ImageRemark)
        path = Path(folder, f"a{suffix}")
        write(picture, path)
        back = read(path)
        write(back, path)
        again = read(path)
    height, width, channels = picture.pixels.shape
    name = WRITTEN[suffix]
    assert back.pixels.shape[:2] == (height, width) and back.pixels.dtype == picture.pixels.dtype
    if name in ("PNG", "TIFF"):
        np.testing.assert_array_equal(back.pixels, picture.pixels)
        np.testing.assert_array_equal(again.pixels, picture.pixels)
    if name != "WEBP" or channels > 2:
        assert back.icc == picture.icc if picture.icc or name == "PNG" else True
    assert (back.icc, back.gamma, back.chromaticities, back.cicp) == (
        again.icc,
        again.gamma,
        again.chromaticities,
        again.cicp,
    )
    check_metadata(name, picture, back)


def check_metadata(name: str, picture: Picture, back: Picture) -> None:
    exif, kept = load_exif(picture.exif), load_exif(back.exif)
    assert kept.get(ExifTags.Base.Artist) == exif.get(ExifTags.Base.Artist)
    for group in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        assert kept.get_ifd(group) == exif.get_ifd(group)
    if picture.dpi is not None:
        assert back.dpi == pytest.approx(picture.dpi, abs=0.51 if name == "JPEG" else 0.02, rel=1e-6)
    if name == "PNG":
        assert back.gamma == (None if picture.gamma is None else pytest.approx(picture.gamma, abs=1e-5))
        assert back.chromaticities == pytest.approx(picture.chromaticities)
        assert back.cicp == picture.cicp


@pytest.mark.parametrize("extension", ["jpg", "png", "tif", "bmp"])
@pytest.mark.parametrize("target", ["jpg", "png", "tif", "webp"])
def test_resolution_goes_from_every_format_to_every_other(tmp_path, extension, target):
    Image.new("RGB", (8, 8), "gray").save(tmp_path / f"a.{extension}", dpi=(300, 150))
    write(read(tmp_path / f"a.{extension}"), tmp_path / f"b.{target}")
    assert read(tmp_path / f"b.{target}").dpi == pytest.approx((300, 150), abs=0.02)
    if target != "webp":
        with Image.open(tmp_path / f"b.{target}") as image:
            assert image.info["dpi"] == pytest.approx((300, 150), abs=0.02)


def test_resolution_turns_with_the_image(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (8, 4)).save(tmp_path / "a.png", dpi=(300, 150), exif=exif)
    assert read(tmp_path / "a.png").dpi == pytest.approx((150, 300), abs=0.02)


def test_centimeters_are_converted(tmp_path):
    Image.new("L", (4, 4)).save(tmp_path / "a.tif", resolution=100, resolution_unit="cm")
    assert read(tmp_path / "a.tif").dpi == pytest.approx((254, 254))


def test_what_a_pil_image_says_of_its_colours_is_kept(tmp_path):
    picture = Picture(np.zeros((4, 4, 3), np.uint8), dpi=(72.0, 72.0), gamma=0.5, chromaticities=(0.3,) * 8)
    write(picture, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        taken = from_pil(image)
    assert (taken.gamma, taken.chromaticities) == (0.5, (0.3,) * 8)
    assert taken.dpi == pytest.approx((72, 72), abs=0.02)


@pytest.mark.parametrize("target", ["a.jpg", "a.tif"])
def test_a_colour_space_of_video_that_is_lost_is_said(tmp_path, target):
    with pytest.warns(ImageRemark, match=r"does not hold the colour space of video \(cICP\), which is left out"):
        write(Picture(np.zeros((4, 4, 3), np.uint8), cicp=b"\x09\x10\0\x01"), tmp_path / target)
