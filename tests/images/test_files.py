"""Files: every format and kind of pixel round trips, damage is named, and nothing partial is ever written."""

import io
import random
import re
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms, ImageOps

from satlib.images.files import read, write
from satlib.images.formats import check_format
from satlib.images.picture import Picture
from satlib.images.profiles import profile_of_gamma
from satlib.images.remarks import ImageRemark

RNG = np.random.default_rng(0)
# A smooth ramp, so that lossy formats stay close.
RAMP = np.stack(np.meshgrid(np.linspace(0, 255, 31), np.linspace(255, 0, 24)), axis=-1)[..., [0, 1, 0, 1]].astype(
    np.uint8
)
RAMP[..., 3] = 255 - RAMP[..., 3] // 4
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
GRAY_PROFILE = profile_of_gamma(1, 1 / 1.8, ())


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Artist] = "maker", "artist"
    exif.get_ifd(ExifTags.IFD.Exif).update({36867: "2020:02:02 02:02:02", 40962: 31, 40963: 24})
    return exif.tobytes()


@pytest.mark.parametrize("extension", ["png", "PNG", "tif", "tiff", "jpg", "jpeg", "webp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_8_bit_round_trip_with_profile_and_exif(tmp_path, extension, channels):
    path = tmp_path / f"image.{extension}"
    if extension == "webp" and channels < 3:
        return  # has no grey: test_profiles.py
    profile = GRAY_PROFILE if channels < 3 else PROFILE
    picture = Picture(RAMP[..., :channels], exif_bytes(), profile)
    if extension in ("jpg", "jpeg") and channels in (2, 4):
        with pytest.raises(ValueError, match=r"JPEG does not hold transparency"):
            write(picture, path)
        assert list(tmp_path.iterdir()) == []
        return
    write(picture, path, quality=100)
    back = read(path)
    expected = picture.pixels
    assert back.pixels.dtype == np.uint8
    assert back.pixels.shape == expected.shape
    if extension.lower() in ("png", "tif", "tiff"):
        np.testing.assert_array_equal(back.pixels, expected)
    else:
        assert np.abs(back.pixels.astype(int) - expected).mean() <= 4
    assert back.icc == profile
    exif = Image.Exif()
    exif.load(back.exif)
    assert (exif[ExifTags.Base.Make], exif[ExifTags.Base.Artist]) == ("maker", "artist")
    assert exif.get_ifd(ExifTags.IFD.Exif)[36867] == "2020:02:02 02:02:02"


@pytest.mark.parametrize("extension", ["png", "tif"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_round_trip_with_profile_and_exif(tmp_path, extension, channels):
    path = tmp_path / f"image.{extension}"
    pixels = RNG.integers(0, 65536, (24, 31, channels), dtype=np.uint16)
    profile = GRAY_PROFILE if channels < 3 else PROFILE
    write(Picture(pixels, exif_bytes(), profile), path)
    back = read(path)
    np.testing.assert_array_equal(back.pixels, pixels, strict=True)
    assert back.icc == profile
    exif = Image.Exif()
    exif.load(back.exif)
    assert exif[ExifTags.Base.Artist] == "artist"
    assert exif.get_ifd(ExifTags.IFD.Exif)[40962] == 31


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_files(tmp_path, extension, orientation):
    path = tmp_path / f"image.{extension}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Make] = orientation, "maker"
    Image.fromarray(RAMP[..., :3]).save(path, exif=exif)
    picture = read(path)
    with Image.open(path) as image:
        image.load()
        np.testing.assert_array_equal(picture.pixels, np.asarray(ImageOps.exif_transpose(image)))
    kept = Image.Exif()
    kept.load(picture.exif)
    assert kept.get(ExifTags.Base.Orientation, 1) == 1
    assert kept[ExifTags.Base.Make] == "maker"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_of_16_bit_colour(tmp_path, orientation):
    pixels = RNG.integers(0, 65536, (4, 6, 3), dtype=np.uint16)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    for extension in ("png", "tif"):
        path = tmp_path / f"image.{extension}"
        write(Picture(pixels, exif.tobytes()), path)
        high = Image.fromarray((pixels >> 8).astype(np.uint8))
        high.getexif()[ExifTags.Base.Orientation] = orientation
        np.testing.assert_array_equal(read(path).pixels >> 8, np.asarray(ImageOps.exif_transpose(high)))


@pytest.mark.parametrize("extension", ["jpg", "png", "webp"])
def test_damaged_exif_is_said(tmp_path, extension):
    path = tmp_path / f"image.{extension}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 9
    for bad in (b"Exif\0\0XX*\0damaged", exif.tobytes()):
        Image.fromarray(RAMP[..., :3]).save(path, exif=bad)
        with pytest.warns(ImageRemark, match=rf"image\.{extension}: its EXIF is damaged; it may be turned"):
            assert read(path).pixels.shape == (24, 31, 3)


def test_palette_files_become_colour(tmp_path):
    palette = Image.fromarray(RAMP[..., :3]).quantize(16)
    palette.save(tmp_path / "plain.png")
    palette.save(tmp_path / "clear.png", transparency=2)
    np.testing.assert_array_equal(read(tmp_path / "plain.png").pixels, np.asarray(palette.convert("RGB")))
    alpha = read(tmp_path / "clear.png").pixels[..., 3]
    np.testing.assert_array_equal(alpha, np.where(np.asarray(palette) == 2, 0, 255))


def test_a_missing_file_and_a_folder_are_system_errors(tmp_path):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "missing.png")
    with pytest.raises(IsADirectoryError):
        read(tmp_path)


def test_other_files_are_named(tmp_path):
    for content in (b"", b"plain text, not an image", b"P6 1 1 255 abc"):
        path = tmp_path / "image.png"
        path.write_bytes(content)
        with pytest.raises(OSError, match=re.escape(f"{path} is not a PNG, JPEG, WebP, TIFF, BMP or GIF image")):
            read(path)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_truncated_files_are_named(tmp_path, extension, share):
    path = tmp_path / f"image.{extension}"
    write(Picture(RNG.integers(0, 256, (40, 50, 3), dtype=np.uint8)), path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(OSError, match=f"image.{extension} is (damaged or truncated|not a PNG)") as caught:
        read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("ignore::satlib.images.remarks.ImageRemark")  # of damaged profiles
@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif", "bmp", "gif"])
def test_random_damage_is_an_oserror_or_a_valueerror_or_nothing(tmp_path, extension):
    path = tmp_path / f"image.{extension}"
    if extension in ("bmp", "gif"):
        Image.fromarray(RAMP[..., :3]).save(path)
    else:
        write(Picture(RAMP[..., :3], exif_bytes(), PROFILE[:200]), path)
    data, rng = path.read_bytes(), random.Random(0)
    for _ in range(150):
        damaged = bytearray(data)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(damaged)
        try:
            assert read(path, max_pixels=10**6).pixels.dtype in (np.uint8, np.uint16)
        except (OSError, ValueError) as error:
            assert str(path) in str(error)


def test_the_pixel_bound_is_checked_before_decoding(tmp_path):
    path = tmp_path / "image.png"
    Image.new("L", (300, 200)).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"IDAT") + 4])  # a header and no pixels
    with pytest.raises(ValueError, match=r"300 x 200 pixels, more than max_pixels = 59999"):
        read(path, max_pixels=59_999)


def test_the_bound_is_ours_alone(tmp_path):
    path = tmp_path / "image.png"
    Image.new("1", (3, 3)).save(path)
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 30_000, 30_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    path.write_bytes(data)
    with pytest.raises(ValueError, match="30000 x 30000 pixels, more than max_pixels = 899999999"):
        read(path, max_pixels=899_999_999)
    with pytest.raises(OSError, match="damaged or truncated"):  # it is, and its size is no fault
        read(path, max_pixels=900_000_000)


@pytest.mark.parametrize("extension", ["gif", "bmp", "jpg", "webp", "tif", "png"])
def test_more_pixels_than_pillow_takes_are_read_if_asked_for(tmp_path, monkeypatch, extension):
    path = tmp_path / f"image.{extension}"
    Image.new("L", (30, 20), 200).save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read(path, max_pixels=600).pixels.shape[:2] == (20, 30)
    assert Image.MAX_IMAGE_PIXELS == 100
    with pytest.raises(ValueError, match="30 x 20 pixels, more than max_pixels = 599"):
        read(path, max_pixels=599)


def test_several_pages_are_refused_and_camera_previews_are_not(tmp_path):
    pages = [Image.fromarray(RAMP[..., :3]), Image.fromarray(RAMP[..., :3][::-1])]
    for name, options in (("a.tif", {}), ("a.webp", {"lossless": True}), ("a.png", {})):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:], **options)
        with pytest.raises(ValueError, match=f"{name}: it holds 2 pages or frames"):
            read(tmp_path / name)
    pages[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pages[1:])
    assert read(tmp_path / "a.jpg").pixels.shape == (24, 31, 3)


@pytest.mark.parametrize(
    ("name", "size", "channels", "dtype", "quality", "message"),
    [
        ("a.bmp", (9, 9), 3, np.uint8, 95, ".bmp is not one of .png"),
        ("a", (9, 9), 3, np.uint8, 95, "no extension is not one of .png"),
        ("a.jpg", (9, 9), 3, np.uint16, 95, "JPEG does not hold uint16; choose .png or .tif"),
        ("a.webp", (9, 9), 1, np.uint16, 95, "WEBP does not hold uint16"),
        ("a.png", (9, 9), 3, np.float32, 95, "PNG does not hold float32; choose .tif"),
        ("a.png", (1_000_001, 9), 3, np.uint8, 95, "PNG does not hold 1000001 x 9 pixels; choose .tif"),
        ("a.jpg", (9, 9), 4, np.uint8, 95, "JPEG does not hold transparency"),
        ("a.webp", (20_000, 9), 3, np.uint8, 95, "WEBP does not hold 20000 x 9 pixels"),
        ("a.jpg", (9, 70_000), 3, np.uint8, 95, "JPEG does not hold 9 x 70000 pixels"),
        ("a.jpg", (9, 9), 3, np.uint8, 0, "quality must be in 1..100, got 0"),
    ],
)
def test_what_a_format_cannot_hold_is_known_before_the_work(name, size, channels, dtype, quality, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        check_format(name, size, channels, dtype, quality)


@pytest.mark.parametrize("name", [b"Exif\0\0", b""])
def test_the_room_for_exif_and_profiles_is_known_before_the_work(tmp_path, monkeypatch, name):
    encoded = []
    monkeypatch.setattr("satlib.images.files._encode", lambda *arguments: encoded.append(arguments) or b"made")
    write(Picture(RAMP[..., :3], name + bytes(65527)), tmp_path / "a.jpg")
    said = f"cannot write {tmp_path / 'a.jpg'}: JPEG holds 65533 bytes of EXIF, not 65534"
    with pytest.raises(ValueError, match=re.escape(said)):
        write(Picture(RAMP[..., :3], name + bytes(65528)), tmp_path / "a.jpg")
    for extension, most_of_profile in (("jpg", 255 * 65519), ("png", 2**26)):
        with pytest.raises(ValueError, match=f"holds {most_of_profile} bytes of colour profile, not"):
            write(Picture(RAMP[..., :3], icc=bytes(most_of_profile + 1)), tmp_path / f"b.{extension}")
    assert len(encoded) == 1 and [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_writing_replaces_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "image.png"
    write(Picture(RAMP[..., :3]), path)
    old = path.read_bytes()

    def interrupted(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(Picture(RAMP[::-1, :, :3]), path)
    assert [file.name for file in tmp_path.iterdir()] == ["image.png"]
    assert path.read_bytes() == old


def test_jpeg_quality_changes_the_size_and_100_is_close(tmp_path):
    noise = RNG.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    sizes = []
    for quality in (10, 95, 100):
        write(Picture(noise), tmp_path / "a.jpg", quality=quality)
        sizes.append((tmp_path / "a.jpg").stat().st_size)
    assert sizes == sorted(sizes)
    with Image.open(io.BytesIO((tmp_path / "a.jpg").read_bytes())) as image:
        assert np.abs(np.asarray(image).astype(int) - noise).max() <= 4
