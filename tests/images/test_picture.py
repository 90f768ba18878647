"""Arrays and PIL images become pictures and come back unchanged; what cannot be a picture is named."""

import re

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from satlib.images.picture import Picture, fits_pil, from_array, to_pil
from satlib.images.pil_images import from_pil
from satlib.images.remarks import ImageRemark

RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_an_array_is_taken_as_it_is(dtype, channels):
    rng = np.random.default_rng(1)
    shape = (4, 6) if channels is None else (4, 6, channels)
    array = rng.random(shape).astype(dtype) if np.dtype(dtype).kind == "f" else rng.integers(0, 256, shape, dtype)
    picture = from_array(array)
    assert picture.pixels.shape == (4, 6, channels or 1)
    assert picture.pixels.dtype == dtype
    np.testing.assert_array_equal(picture.pixels.reshape(shape), array)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((4, 4, 5), np.uint8), "shape (4, 4, 5)"),
        (np.zeros((4,), np.uint8), "shape (4,)"),
        (np.zeros((2, 3, 4, 3), np.uint8), "shape (2, 3, 4, 3)"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels: 4 x 0"),
        (np.zeros((4, 4), np.int32), "int32"),
        (np.zeros((4, 4), bool), "bool"),
        (np.full((4, 4), 255.0), "from 255.0 to 255.0"),
        (np.full((4, 4), -0.1), "from -0.1 to -0.1"),
        (np.array([[0.5, np.nan]]), "nan"),
        (np.array([[0.5, np.inf]]), "inf"),
    ],
)
def test_arrays_that_are_no_images_are_named(array, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        from_array(array)


def test_the_pixel_bound_holds_for_arrays_and_pil_images():
    assert from_array(RGB, max_pixels=35).pixels.shape == (5, 7, 3)
    with pytest.raises(ValueError, match=r"7 x 5 pixels, more than max_pixels = 34"):
        from_array(RGB, max_pixels=34)
    with pytest.raises(ValueError, match=r"7 x 5 pixels, more than max_pixels = 34"):
        from_pil(Image.fromarray(RGB), max_pixels=34)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_pil_modes_come_back(mode):
    source = (
        Image.fromarray(RGB[..., 0].astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    )
    back = to_pil(from_pil(source))
    assert back.mode == mode
    np.testing.assert_array_equal(np.asarray(back), np.asarray(source))


def test_big_endian_16_bit_gray_is_taken():
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    big = Image.frombytes("I;16B", (4, 3), values.astype(">u2").tobytes())
    np.testing.assert_array_equal(from_pil(big).pixels[..., 0], values)


def test_palette_bilevel_and_premultiplied_images_are_converted():
    palette = Image.fromarray(RGB).quantize(8)
    np.testing.assert_array_equal(from_pil(palette).pixels, np.asarray(palette.convert("RGB")))
    palette.info["transparency"] = 3
    np.testing.assert_array_equal(from_pil(palette).pixels[..., 3], np.where(np.asarray(palette) == 3, 0, 255))
    bilevel = Image.fromarray(RGB).convert("1")
    np.testing.assert_array_equal(from_pil(bilevel).pixels[..., 0], np.asarray(bilevel) * np.uint8(255))
    premultiplied = Image.fromarray(RGB).convert("RGBA").convert("RGBa")
    np.testing.assert_array_equal(from_pil(premultiplied).pixels[..., :3], RGB)


def test_a_transparent_colour_becomes_alpha():
    image = Image.fromarray(RGB)
    image.info["transparency"] = tuple(int(v) for v in RGB[2, 3])
    alpha = from_pil(image).pixels[..., 3]
    np.testing.assert_array_equal(alpha, np.where((RGB[2, 3] == RGB).all(-1), 0, 255))
    deep = Image.fromarray(np.array([[7, 500], [500, 9]], np.uint16))
    deep.info["transparency"] = 500
    np.testing.assert_array_equal(from_pil(deep).pixels[..., 1], [[65535, 0], [0, 65535]])


@pytest.mark.parametrize("mode", ["HSV", "YCbCr", "I", "F"])
def test_modes_without_a_plain_meaning_are_refused(mode):
    with pytest.raises(ValueError, match=f"mode {mode} is not supported"):
        from_pil(Image.new(mode, (3, 3)))


def test_what_pillow_cannot_hold_is_refused():
    for pixels in (np.zeros((2, 2, 3), np.uint16), np.zeros((2, 2, 1), np.float32)):
        assert not fits_pil(Picture(pixels))
        with pytest.raises(ValueError, match=str(pixels.dtype)):
            to_pil(Picture(pixels))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(orientation):
    image = Image.fromarray(RGB)
    image.getexif()[ExifTags.Base.Orientation] = orientation
    picture = from_pil(image)
    np.testing.assert_array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(image)))
    assert to_pil(picture).getexif().get(ExifTags.Base.Orientation, 1) == 1


def test_an_unknown_orientation_does_nothing():
    image = Image.fromarray(RGB)
    image.getexif()[ExifTags.Base.Orientation] = 0  # unknown
    np.testing.assert_array_equal(from_pil(image).pixels, RGB)
    image.getexif()[ExifTags.Base.Orientation] = 99
    with pytest.warns(ImageRemark, match="the image: its EXIF is damaged; it may be turned"):
        np.testing.assert_array_equal(from_pil(image).pixels, RGB)


def test_exif_is_kept_and_its_size_follows_the_pixels():
    image = Image.fromarray(RGB)
    exif = image.getexif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.ImageWidth] = "maker", 7
    exif.get_ifd(ExifTags.IFD.Exif).update({36867: "2020:02:02 02:02:02", 40962: 7, 40963: 5, 37386: 2.5})
    exif.get_ifd(ExifTags.IFD.GPSInfo)[1] = "N"
    image.info["exif"] = exif.tobytes()
    back = to_pil(from_pil(image).with_pixels(np.zeros((10, 14, 3), np.uint8))).getexif()
    assert back[ExifTags.Base.Make] == "maker"
    assert ExifTags.Base.ImageWidth not in back  # how the pixels lie in a file is the file's matter
    camera = back.get_ifd(ExifTags.IFD.Exif)
    assert (camera[36867], camera[40962], camera[40963], float(camera[37386])) == ("2020:02:02 02:02:02", 14, 10, 2.5)
    assert back.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"


def test_damaged_exif_is_left_out_and_the_pixels_taken():
    image = Image.fromarray(RGB)
    image.info["exif"] = b"Exif\0\0no TIFF header"
    with pytest.warns(ImageRemark, match="the image: its EXIF is damaged; it may be turned"):
        picture = from_pil(image)
    assert picture.exif == b""
    np.testing.assert_array_equal(picture.pixels, RGB)


def test_the_icc_profile_is_kept():
    image = Image.fromarray(RGB)
    image.info["icc_profile"] = b"a profile"
    assert to_pil(from_pil(image)).info["icc_profile"] == b"a profile"
