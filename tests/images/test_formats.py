"""One list says what is an image: readers, folders, sets, archives and the command go by it."""

import io
import re
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from satlib.commands.app import app
from satlib.data.archives import extract_images
from satlib.data.store import Store
from satlib.data.store_writer import prepare
from satlib.evaluation import evaluate
from satlib.images.files import read
from satlib.images.folder import image_files, images_and_others, read_8bit
from satlib.images.formats import FORMATS, READ, WRITTEN, check_format, format_of, written_name
from satlib.images.remarks import ImageRemark
from satlib.resize import imresize

RNG = np.random.default_rng(0)
RGB = imresize(RNG.integers(0, 256, (6, 8, 3), dtype=np.uint8), 8)
NAMES = [f"image{number}{suffix}" for number, suffix in enumerate(FORMATS)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "set").mkdir()
    for name in NAMES:
        Image.fromarray(RGB).save(tmp_path / "set" / name, **({"lossless": True} if "webp" in name else {}))
    return tmp_path / "set"


def test_the_list_in_words_and_its_first_bytes(folder):
    assert set(FORMATS.values()) == set(re.findall(r"\w+", READ.upper())) - {"OR"}
    assert {".jfif", ".bmp", ".gif"} < set(FORMATS)
    for name in NAMES:
        assert format_of((folder / name).read_bytes()[:12]) == FORMATS[name[name.index(".") :]]
    assert format_of(b"II+\0") == format_of(b"MM\0+") == "TIFF"
    assert format_of(b"") is None and format_of(b"%PDF-1.7") is None and format_of(b"RIFF1234WAVE") is None


def test_every_format_of_the_list_is_read_found_measured_and_prepared(folder, tmp_path):
    assert [path.name for path in image_files(folder)] == sorted(NAMES)
    assert [path.name for path in images_and_others(folder)[0]] == sorted(NAMES)
    for name in NAMES:
        pixels = read(folder / name).pixels
        assert pixels.shape == RGB.shape
        assert np.abs(pixels.astype(int) - RGB).mean() < 12  # JPEG's colours, and the palette of GIF
        np.testing.assert_array_equal(read_8bit(folder / name), pixels)
    assert len(evaluate("bicubic", folder, scale=2).images) == len(NAMES)
    assert len(Store(prepare(folder, tmp_path / "store", scales=[2]), 2)) == len(NAMES)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in NAMES:
            archive.write(folder / name, f"set/{name}")
    assert extract_images(tmp_path / "a.zip", tmp_path, [("set", "unpacked")]) == len(NAMES)


def test_the_command_upscales_a_folder_of_all_of_them(folder, tmp_path):
    Image.fromarray(RGB).save(folder / "image7.png")
    done = CliRunner().invoke(
        app, ["upscale", str(folder), str(tmp_path / "large"), "--model", "bicubic", "--scale", "2"]
    )
    assert done.exit_code == 0, done.output
    made = sorted(path.name for path in (tmp_path / "large").iterdir())
    assert made == sorted(
        [*(n for n in NAMES if written_name(folder / n) == n), "image7.png", "image7.bmp.png", "image8.png"]
    )
    assert {read(tmp_path / "large" / name).pixels.shape for name in made} == {(96, 128, 3)}


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_is_not_written_is_known_before_the_work(suffix):
    if suffix in WRITTEN:
        assert check_format(f"a{suffix}", (9, 9), 3, np.uint8) == FORMATS[suffix]
    else:
        with pytest.raises(ValueError, match=rf"cannot write a\{suffix}: \{suffix} is not one of \.png, "):
            check_format(f"a{suffix}", (9, 9), 3, np.uint8)


def test_exif_and_profiles_that_do_not_fit_are_known_before_the_work():
    for key, most in (("exif", 65533), ("icc", 255 * 65519)):
        check_format("a.jpg", (9, 9), 3, np.uint8, **{key: most})
        check_format("a.webp", (9, 9), 3, np.uint8, **{key: most + 1})
        with pytest.raises(ValueError, match=rf"cannot write a\.jpg: JPEG holds {most} bytes of .*, not {most + 1}"):
            check_format("a.jpg", (9, 9), 3, np.uint8, **{key: most + 1})


@pytest.mark.parametrize("count", [1, 3])
def test_of_a_gif_the_first_frame_is_taken_and_that_is_said(tmp_path, count):
    frames = [Image.new("RGB", (9, 7), (80 * number, 20, 30)) for number in range(3)][:count]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    if count > 1:
        with pytest.warns(ImageRemark, match=rf"a\.gif: the first of its {count} frames was taken"):
            picture = read(tmp_path / "a.gif")
    else:
        picture = read(tmp_path / "a.gif")
    np.testing.assert_array_equal(picture.pixels, np.asarray(frames[0]))


def test_gif_and_palette_transparency(tmp_path):
    image = Image.fromarray(RGB).quantize(8)
    image.save(tmp_path / "a.gif", transparency=2)
    with Image.open(tmp_path / "a.gif") as saved:
        np.testing.assert_array_equal(read(tmp_path / "a.gif").pixels, np.asarray(saved.convert("RGBA")))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_modes_of_bmp(tmp_path, mode):
    image = Image.fromarray(RGB).quantize(9) if mode == "P" else Image.fromarray(RGB).convert(mode)
    image.save(tmp_path / "a.bmp", dpi=(300, 300))
    with Image.open(tmp_path / "a.bmp") as saved:
        wanted = np.asarray(saved.convert({"1": "L", "P": "RGB"}.get(saved.mode, saved.mode)))
    picture = read(tmp_path / "a.bmp")
    np.testing.assert_array_equal(picture.pixels, wanted.reshape(picture.pixels.shape))
    assert picture.dpi == pytest.approx((300, 300), abs=0.1)


@pytest.mark.parametrize(("marker", "bits"), [(0xC1, 12), (0xC3, 8)])
def test_jpeg_that_pillow_does_not_know_is_refused_by_name(tmp_path, marker, bits):
    file = io.BytesIO()
    Image.fromarray(RGB).save(file, "JPEG")
    data = bytearray(file.getvalue())
    at = data.index(b"\xff\xc0")
    data[at + 1], data[at + 4] = marker, bits
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(ValueError, match=r"a\.jpg: lossless JPEG and JPEG of more than 8 bits are not supported"):
        read(tmp_path / "a.jpg")


def test_the_bound_on_pixels_is_that_of_the_caller_for_huge_files_of_few_bytes(tmp_path):
    import zlib

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    width, height = 14_000, 13_000
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    assert read(path, max_pixels=width * height).pixels.shape == (height, width, 1)
    with pytest.raises(ValueError, match="more than max_pixels = 181999999"):
        read(path, max_pixels=width * height - 1)
