"""Pixels without a colour in the palette are damage, in each format that has palettes; all others are read."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from satlib.images.files import read
from satlib.images.palettes import check_entries

COLORS = np.array([[10, 20, 30], [200, 100, 50], [0, 255, 0], [7, 8, 9]], np.uint8)
GOOD = np.array([[0, 1, 2, 3, 3, 0], [3, 2, 1, 0, 1, 2], [0, 0, 1, 3, 2, 1]], np.uint8)
BEYOND = GOOD + 2


def packed(row: np.ndarray, bits: int) -> bytes:
    text = "".join(format(int(value), f"0{bits}b") for value in row)
    text += "0" * (-len(text) % 8)
    return bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))


def png(indexes: np.ndarray, bits: int, colors: np.ndarray = COLORS) -> bytes:
    height, width = indexes.shape
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, bits, 3, 0, 0, 0),
        b"PLTE": colors.tobytes(),
        b"IDAT": zlib.compress(b"".join(b"\0" + packed(row, bits) for row in indexes)),
        b"IEND": b"",
    }
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks.items()
    )


def bmp(indexes: np.ndarray, bits: int, colors: np.ndarray = COLORS) -> bytes:
    height, width = indexes.shape
    table = b"".join(bytes([blue, green, red, 0]) for red, green, blue in colors)
    rows = b"".join(packed(row, bits).ljust((width * bits + 31) // 32 * 4, b"\0") for row in indexes[::-1])
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, 0, 0, 0, len(colors), 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(table + rows), 0, 0, 54 + len(table)) + head + table + rows


def gif(indexes: np.ndarray, bits: int, colors: np.ndarray = COLORS, **options: int) -> bytes:
    """Write all 256 colours by Pillow, and cut the table."""
    image = Image.fromarray(indexes)
    image.putpalette(np.concatenate([colors, np.arange(756, dtype=np.uint8).reshape(252, 3)]).tobytes())
    image.save(file := io.BytesIO(), "GIF", optimize=False, **options)
    data = file.getvalue()
    assert data[10] & 7 == 7
    return data[:10] + bytes([data[10] & ~7 | 1]) + data[11 : 13 + 12] + data[13 + 768 :]


@pytest.mark.parametrize(
    ("make", "bits"),
    [(png, 8), (png, 4), (bmp, 8), (bmp, 4), (gif, 8)],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_pixels_beyond_the_palette_are_damage(tmp_path: Path, make, bits: int) -> None:
    path = tmp_path / f"a.{make.__name__}"
    path.write_bytes(make(GOOD, bits))
    np.testing.assert_array_equal(read(path).pixels, COLORS[GOOD])
    path.write_bytes(make(BEYOND, bits))
    with pytest.raises(
        OSError, match=r"damaged or truncated: it has pixels of colour 4, and a palette of 4 colours, 0"
    ):
        read(path)


@pytest.mark.parametrize("make", [bmp, gif])
def test_a_palette_of_greys_hides_none(tmp_path: Path, make) -> None:
    path, grays = tmp_path / f"a.{make.__name__}", np.repeat(np.arange(4, dtype=np.uint8)[:, None], 3, axis=1)
    path.write_bytes(make(BEYOND, 8, grays))
    with pytest.raises(OSError, match="it has pixels of colour 4"):
        read(path)


def test_a_transparent_pixel_needs_no_colour(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    path.write_bytes(gif(np.where(GOOD == 2, 9, GOOD).astype(np.uint8), 8, transparency=9))
    pixels = read(path).pixels
    np.testing.assert_array_equal(pixels[..., 3], np.where(GOOD == 2, 0, 255))
    np.testing.assert_array_equal(pixels[GOOD != 2][:, :3], COLORS[GOOD][GOOD != 2])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_every_index_of_a_full_palette_is_read(tmp_path: Path, bits: int) -> None:
    count = 2**bits
    colors = np.random.default_rng(0).integers(0, 256, (count, 3), dtype=np.uint8)
    indexes = (np.arange(count * 3).reshape(3, -1) % count).astype(np.uint8)
    (tmp_path / "a.png").write_bytes(png(indexes, bits, colors))
    np.testing.assert_array_equal(read(tmp_path / "a.png").pixels, colors[indexes])


def test_what_is_counted() -> None:
    check_entries([1, 2, 0, 0], 2)
    check_entries([1, 2, 0, 4], 2, transparent=3)
    with pytest.raises(OSError, match=r"^it has pixels of colour 3, and a palette of 2 colours, 0 to 1$"):
        check_entries([1, 2, 0, 4], 2, transparent=2)
