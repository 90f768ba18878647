"""16-bit colour: written files decoded by hand and by tifffile, hand-made files read, odd layouts refused."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from skimage.io import imread, imsave

from satlib.images.files import read
from satlib.images.picture import Picture
from satlib.images.sixteen_bit import encode_png, encode_tiff, is_deep, read_deep

RNG = np.random.default_rng(0)


def random_pixels(*shape: int) -> np.ndarray:
    return RNG.integers(0, 65536, shape, dtype=np.uint16)


def png_chunks(data: bytes) -> dict[bytes, bytes]:
    """Parse a PNG file, checking the CRCs."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length) == (zlib.crc32(kind + body),)
        chunks[kind], at = body, at + 12 + length
    return chunks


def plain_png(pixels: np.ndarray, transparent: tuple[int, ...] = ()) -> bytes:
    """Make a 16-bit PNG file without filters."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)),
        *([(b"tRNS", struct.pack(f">{len(transparent)}H", *transparent))] if transparent else []),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_by_hand(channels):
    pixels = random_pixels(6, 5, channels)
    chunks = png_chunks(encode_png(pixels, exif=b"Exif\0\0II*\0", icc=b"profile"))
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (5, 6, 16, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    assert zlib.decompress(chunks[b"iCCP"].split(b"\0", 1)[1][1:]) == b"profile"
    assert chunks[b"eXIf"] == b"II*\0"
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(6, -1)
    previous = np.zeros(10 * channels, int)
    for y in range(6):
        assert rows[y, 0] == 2
        previous = (rows[y, 1:] + previous) % 256
        for x in range(5):
            for c in range(channels):
                high, low = previous[2 * (x * channels + c) :][:2]
                assert high * 256 + low == pixels[y, x, c]


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_tiff_as_tifffile_reads_it(tmp_path, channels):
    pixels = random_pixels(9, 7, channels)
    path = tmp_path / "image.tif"
    path.write_bytes(encode_tiff(pixels, icc=bytes(70_000)))
    np.testing.assert_array_equal(imread(path), pixels if channels > 1 else pixels[..., 0], strict=True)


@pytest.mark.parametrize("channels", [3, 4])
def test_tiff_as_tifffile_writes_it(tmp_path, channels):
    pixels = random_pixels(9, 7, channels)
    path = tmp_path / "image.tif"
    imsave(path, pixels, check_contrast=False)
    np.testing.assert_array_equal(read(path).pixels, pixels, strict=True)


def plain_tiff(samples: np.ndarray, size: tuple[int, int], planes: int = 1, extra: int | None = None) -> bytes:
    """Make a big-endian 16-bit TIFF file of ``size`` (width, height) from samples in file order, uncompressed."""
    width, height = size
    channels, count = samples.size // (width * height), samples.nbytes
    tags = {256: [width], 257: [height], 258: [16] * channels, 259: [1], 262: [2], 277: [channels], 278: [height]}
    tags |= {
        273: [0] if planes == 1 else [0] * channels,
        279: [count] if planes == 1 else [count // channels] * channels,
    }
    tags |= {284: [planes]} | ({} if extra is None else {338: [extra]})
    at = 8 + 2 + 12 * len(tags) + 4
    pixels_at = at + sum(4 * len(values) for values in tags.values() if len(values) > 1)
    tags[273] = [pixels_at + i * tags[279][0] for i in range(len(tags[273]))]
    entries, arrays = b"", b""
    for tag, values in sorted(tags.items()):
        packed = struct.pack(f">{len(values)}I", *values)
        entries += struct.pack(">HHI", tag, 4, len(values)) + (
            packed if len(values) == 1 else struct.pack(">I", at + len(arrays))
        )
        arrays += packed if len(values) > 1 else b""
    return b"MM\0*" + struct.pack(">IH", 8, len(tags)) + entries + bytes(4) + arrays + samples.astype(">u2").tobytes()


@pytest.mark.parametrize(("channels", "extra"), [(3, None), (4, 2), (4, 0)])
def test_big_endian_tiff(tmp_path, channels, extra):
    pixels = random_pixels(3, 4, channels)
    path = tmp_path / "image.tif"
    path.write_bytes(plain_tiff(pixels, (4, 3), extra=extra))
    kept = 3 if extra == 0 else channels  # an extra sample that is not alpha is no colour
    np.testing.assert_array_equal(read(path).pixels, pixels[..., :kept], strict=True)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_png_round_trip(height, width, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, channels), dtype=np.uint16)
    for data in (encode_png(pixels), plain_png(pixels)):
        file = io.BytesIO(data)
        image = Image.open(file)
        assert is_deep(image)
        np.testing.assert_array_equal(read_deep(file, image), pixels, strict=True)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(3, 4), st.integers(0, 2**32 - 1))
def test_tiff_round_trip(height, width, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, channels), dtype=np.uint16)
    file = io.BytesIO(encode_tiff(pixels))
    image = Image.open(file)
    assert is_deep(image)
    np.testing.assert_array_equal(read_deep(file, image), pixels, strict=True)


def test_a_transparent_colour_of_16_bits_becomes_alpha(tmp_path):
    path = tmp_path / "image.png"
    pixels = random_pixels(4, 5, 3)
    pixels[1, 2] = pixels[3, 4] = (1, 2, 300)
    pixels[0, 0] = (1, 2, 301)  # the same but for a low byte
    path.write_bytes(plain_png(pixels, (1, 2, 300)))
    picture = read(path)
    np.testing.assert_array_equal(picture.pixels[..., :3], pixels)
    np.testing.assert_array_equal(picture.pixels[..., 3] == 0, (pixels == (1, 2, 300)).all(-1))


def test_8_bit_files_are_not_deep():
    for file_format in ("PNG", "JPEG", "TIFF", "WEBP"):
        file = io.BytesIO()
        Image.new("RGB", (3, 3)).save(file, file_format)
        assert not is_deep(Image.open(file))
    assert not is_deep(Image.new("RGB", (3, 3)))


def test_separate_planes_and_premultiplied_alpha_are_refused(tmp_path):
    path = tmp_path / "image.tif"
    path.write_bytes(plain_tiff(random_pixels(3, 9, 7), (7, 9), planes=2))
    with pytest.raises(ValueError, match=r"image\.tif: 16-bit colour in separate planes is not supported"):
        read(path)
    path.write_bytes(plain_tiff(random_pixels(9, 7, 4), (7, 9), extra=1))
    with pytest.raises(ValueError, match=r"image\.tif: 16-bit colour stored as RGBa;16B is not supported"):
        read(path)


def test_a_truncated_deep_file_is_damaged(tmp_path):
    for name, data in (
        ("a.png", encode_png(random_pixels(30, 30, 3))),
        ("a.tif", encode_tiff(random_pixels(30, 30, 3))),
    ):
        (tmp_path / name).write_bytes(data[:-2000])
        with pytest.raises(OSError, match=f"{name} is damaged or truncated"):
            read(tmp_path / name)


def test_one_pixel(tmp_path):
    for name, encode in (("a.png", encode_png), ("a.tif", encode_tiff)):
        (tmp_path / name).write_bytes(encode(np.array([[[1, 256, 65535]]], np.uint16)))
        assert read(tmp_path / name).pixels.tolist() == Picture(np.array([[[1, 256, 65535]]])).pixels.tolist()
