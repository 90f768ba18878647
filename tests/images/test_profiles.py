"""Profiles fit the pixels that they are attached to; CMYK, LAB and grey where there is none become sRGB, and say so."""

import io

import numpy as np
import pytest
import tifffile
from icc_by_hand import cmyk_profile
from PIL import Image, ImageCms

from satlib.images.files import read, write
from satlib.images.picture import Picture
from satlib.images.pil_images import from_pil
from satlib.images.profiles import SRGB, fits, profile_of_gamma
from satlib.images.remarks import ImageRemark

SRGB_PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_PROFILE = profile_of_gamma(1, 1.0, ())
INKS = cmyk_profile(lambda c, m, y, k: (100 - 20 * (c + m + y) - 30 * k, -60 * c + 70 * m, 80 * y - 40 * c))


def gray_as_srgb(profile: bytes, value: int) -> int:
    opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(Image.new("L", (1, 1), value), opened, srgb, outputMode="RGB").getpixel((0, 0))[0]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_which_profiles_fit(channels):
    assert fits(b"", channels) and fits(b"short", channels)
    assert fits(GRAY_PROFILE, channels) == (channels < 3)
    assert fits(SRGB_PROFILE, channels) == (channels > 2)
    assert not fits(INKS, channels)


@pytest.mark.parametrize("extension", ["png", "jpg", "tif", "webp"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_profile_for_other_pixels_is_left_out_when_writing_and_when_reading(tmp_path, extension, channels):
    path = tmp_path / f"a.{extension}"
    wrong = SRGB_PROFILE if channels == 1 else GRAY_PROFILE
    with pytest.warns(ImageRemark, match=r"the colour profile is for other pixels and left out"):
        write(Picture(np.full((8, 8, channels), 99, np.uint8), icc=wrong), path)
    with Image.open(path) as image:
        assert "icc_profile" not in image.info
    if extension == "webp" and channels == 1:
        return  # has no grey
    Image.new("L" if channels == 1 else "RGB", (8, 8)).save(path, icc_profile=wrong)
    with pytest.warns(ImageRemark, match=rf"a\.{extension}: its colour profile is for (RGB|GRAY), its pixels are"):
        assert read(path).icc == b""


@pytest.mark.parametrize("channels", [1, 2])
def test_grey_with_a_profile_becomes_srgb_in_webp(tmp_path, channels):
    pixels = np.full((8, 8, channels), 200, np.uint8)
    pixels[..., 0] = 60
    with pytest.warns(ImageRemark, match=r"a\.webp: grey was converted to sRGB by its colour profile"):
        write(Picture(pixels, icc=GRAY_PROFILE), tmp_path / "a.webp", quality=100)
    back = read(tmp_path / "a.webp")
    assert back.icc == b"" and back.pixels.shape[2] == channels + 2
    assert np.abs(back.pixels[..., :3].astype(int) - gray_as_srgb(GRAY_PROFILE, 60)).max() <= 2


def test_a_damaged_grey_profile_is_no_profile_in_webp(tmp_path):
    damaged = bytearray(SRGB_PROFILE)
    damaged[16:20] = b"GRAY"
    with pytest.warns(ImageRemark, match="profile for grey is damaged"):
        write(Picture(np.full((8, 8, 1), 60, np.uint8), icc=bytes(damaged)), tmp_path / "a.webp", quality=100)
    back = read(tmp_path / "a.webp")
    assert back.icc == b"" and np.abs(back.pixels.astype(int) - 60).max() <= 2


def cmyk_image() -> Image.Image:
    """No ink, and all of cyan, magenta, yellow and black, in fields of 8 x 8."""
    fields = np.zeros((8, 40, 4), np.uint8)
    for ink in range(4):
        fields[:, 8 * (ink + 1) : 8 * (ink + 2), ink] = 255
    return Image.frombytes("CMYK", (40, 8), fields.tobytes())


def by_littlecms(image: Image.Image) -> np.ndarray:
    profile = ImageCms.ImageCmsProfile(io.BytesIO(INKS))
    return np.asarray(
        ImageCms.profileToProfile(
            image,
            profile,
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    )


@pytest.mark.parametrize("extension", ["jpg", "tif"])
def test_cmyk_files_are_converted_by_their_profile(tmp_path, extension):
    path, image = tmp_path / f"a.{extension}", cmyk_image()
    options = {"quality": 100, "subsampling": 0} if extension == "jpg" else {}
    image.save(path, icc_profile=INKS, **options)
    with pytest.warns(ImageRemark, match=rf"a\.{extension}: CMYK was converted to sRGB by its colour profile"):
        found = read(path)
    expected = by_littlecms(image)
    assert found.icc == b"" and found.pixels.shape == (8, 40, 3)
    assert np.abs(found.pixels.astype(int) - expected).max() <= 3
    plain = np.asarray(image.convert("RGB")).astype(int)
    assert np.abs(expected - plain).max() > 60  # it is no matter of a formula
    assert found.pixels[0, 0].min() > 250  # paper is white


def test_cmyk_of_16_bits(tmp_path):
    samples = np.asarray(cmyk_image()).astype(np.uint16) * 257
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="separated", iccprofile=INKS)
    with pytest.warns(ImageRemark, match=r"CMYK was converted to sRGB by its colour profile, 16 bits to 8"):
        np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, by_littlecms(cmyk_image()))


@pytest.mark.parametrize(
    ("profile", "why"), [(b"", "it has no colour profile"), (INKS[:300], "is damaged"), (SRGB_PROFILE, "is damaged")]
)
def test_cmyk_without_a_profile_by_a_formula(tmp_path, profile, why):
    image = cmyk_image()
    image.save(tmp_path / "a.tif", icc_profile=profile)
    with pytest.warns(ImageRemark, match=f"CMYK was converted to RGB by a simple formula, because .*{why}"):
        np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["CMYK", "LAB"])
def test_pil_images_are_converted_alike(mode):
    image = cmyk_image() if mode == "CMYK" else Image.new("LAB", (4, 4), (150, 100, 160))
    image.info["icc_profile"] = INKS if mode == "CMYK" else b""
    with pytest.warns(ImageRemark, match=f"the image: {mode} was converted"):
        found = from_pil(image).pixels
    if mode == "CMYK":
        np.testing.assert_array_equal(found, by_littlecms(image))
    else:
        expected = ImageCms.profileToProfile(
            image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
        assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 2


@pytest.mark.parametrize("channels", [1, 3])
def test_gamma_becomes_a_profile_where_there_is_no_gama(tmp_path, channels):
    picture = Picture(np.full((8, 8, channels), 60, np.uint8), gamma=1.0, chromaticities=SRGB)
    for extension in ("jpg", "tif"):
        write(picture, tmp_path / f"a.{extension}")
        with Image.open(tmp_path / f"a.{extension}") as image:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
            shown = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        linear = 60 / 255
        assert abs(shown.getpixel((4, 4))[0] / 255 - (1.055 * linear ** (1 / 2.4) - 0.055)) < 0.02
    write(picture, tmp_path / "a.png")
    assert read(tmp_path / "a.png").gamma == 1.0 and read(tmp_path / "a.png").icc == b""


def test_the_usual_gamma_needs_no_profile_and_files_are_the_same_each_time():
    assert (
        profile_of_gamma(3, 0.45455, SRGB) == profile_of_gamma(3, None, ()) == profile_of_gamma(1, 0.45455, ()) == b""
    )
    wide = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
    assert len(profile_of_gamma(3, None, wide)) > 300
    assert profile_of_gamma(3, 0.5, wide) == profile_of_gamma(3, 0.5, wide)
    assert profile_of_gamma(3, 0.5, (0.0,) * 8) == b""  # no colours at all
