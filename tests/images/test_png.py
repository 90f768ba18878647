"""PNG: our files decoded by hand, hand-made files read, and metadata of any size, which Pillow takes for damage."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from satlib.images import formats, png
from satlib.images.files import read, write
from satlib.images.metadata import load_exif
from satlib.images.picture import Picture
from satlib.images.png import read_png, write_png

RNG = np.random.default_rng(0)
ICC = bytes(16) + b"RGB " + bytes(RNG.integers(0, 256, 1_200_000, dtype=np.uint8))


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
        chunks[kind], at = chunks.get(kind, b"") + body, at + 12 + length
    return chunks


def png_of(*chunks: tuple[bytes, bytes]) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """Put a chunk before the pixels of a file."""
    at = data.index(b"IDAT") - 4
    return data[:at] + png_of((kind, body))[8:] + data[at:]


def plain_png(pixels: np.ndarray, *others: tuple[bytes, bytes]) -> bytes:
    """Make a 16-bit PNG file without filters."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    return png_of((b"IHDR", head), *others, (b"IDAT", zlib.compress(rows)), (b"IEND", b""))


def unfilter(rows: np.ndarray, step: int) -> np.ndarray:
    """Undo the filters of the specification, byte by byte, slowly."""
    above, out = np.zeros(rows.shape[1] - 1, int), []
    for kind, *values in rows.astype(int):
        line = np.zeros_like(above)
        for x, value in enumerate(values):
            a, b = (int(line[x - step]) if x >= step else 0), int(above[x])
            c = int(above[x - step]) if x >= step else 0
            nearest = min((a, b, c), key=lambda v: (abs(a + b - c - v), (a, b, c).index(v)))
            line[x] = (value + (0, a, b, (a + b) // 2, nearest)[kind]) % 256
        out.append(line)
        above = line
    return np.array(out, np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_what_we_write_by_hand(channels, dtype):
    pixels = random_pixels(6, 5, channels).astype(dtype)
    picture = Picture(pixels, b"Exif\0\0II*\0", b"profile", (254.0, 508.0), 1.0, (0.3,) * 8, b"\x01\x0d\0\x01")
    chunks = png_chunks(write_png(picture))
    depth = 8 * np.dtype(dtype).itemsize
    assert struct.unpack(">IIBBBBB", chunks[b"IHDR"]) == (5, 6, depth, (0, 4, 2, 6)[channels - 1], 0, 0, 0)
    assert zlib.decompress(chunks[b"iCCP"].split(b"\0", 1)[1][1:]) == b"profile"
    assert chunks[b"eXIf"] == b"II*\0"
    assert struct.unpack(">IIB", chunks[b"pHYs"]) == (10_000, 20_000, 1)
    assert chunks[b"gAMA"] == struct.pack(">I", 100_000)
    assert struct.unpack(">8I", chunks[b"cHRM"]) == (30_000,) * 8
    assert chunks[b"cICP"] == b"\x01\x0d\0\x01"
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(6, -1)
    samples = unfilter(rows, channels * depth // 8).view(np.dtype(dtype).newbyteorder(">"))
    np.testing.assert_array_equal(samples.reshape(pixels.shape), pixels)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_round_trip(height, width, channels, seed):
    pixels = np.random.default_rng(seed).integers(0, 65536, (height, width, channels), dtype=np.uint16)
    for data in (write_png(Picture(pixels)), plain_png(pixels)):
        np.testing.assert_array_equal(read_png(data, 1600).pixels, pixels, strict=True)


@pytest.mark.parametrize("bits", [1, 2, 4])
@pytest.mark.parametrize("kind", [0, 3])
def test_few_bits_of_grey_and_of_palettes(bits, kind):
    values = np.arange(2**bits, dtype=np.uint8)
    row = np.packbits(((values[:, None] >> np.arange(bits - 1, -1, -1)) & 1).ravel()).tobytes()
    palette = RNG.integers(0, 256, (2**bits, 3), dtype=np.uint8)
    head = (b"IHDR", struct.pack(">IIBBBBB", 2**bits, 1, bits, kind, 0, 0, 0))
    colors = [(b"PLTE", palette.tobytes())] if kind == 3 else []
    data = png_of(head, *colors, (b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b""))
    expected = palette if kind == 3 else (values * (255 // (2**bits - 1)))[:, None]
    np.testing.assert_array_equal(read_png(data, 99).pixels[0], expected)


def test_interlaced_16_bits(tmp_path):
    """The first of the seven passes of Adam7 has all of an image of one pixel; of others Pillow makes none."""
    head = struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 1)
    data = png_of((b"IHDR", head), (b"IDAT", zlib.compress(b"\0\x12\x34\x56\x78\x9a\xbc")), (b"IEND", b""))
    assert read_png(data, 1).pixels.tolist() == [[[0x1234, 0x5678, 0x9ABC]]]


@pytest.mark.parametrize("channels", [1, 3])
def test_a_transparent_colour_of_16_bits_becomes_alpha(channels):
    pixels = random_pixels(4, 5, channels)
    clear = np.array([1, 2, 300][-channels:], np.uint16)
    pixels[1, 2] = pixels[3, 4] = clear
    pixels[0, 0] = clear + np.array([0, 0, 1][-channels:], np.uint16)  # the same but for a low byte
    decoded = read_png(plain_png(pixels, (b"tRNS", clear.astype(">u2").tobytes())), 99)
    np.testing.assert_array_equal(decoded.pixels[..., :-1], pixels)
    np.testing.assert_array_equal(decoded.pixels[..., -1] == 0, (pixels == clear).all(-1))


@pytest.mark.parametrize(("kind", "text"), [(b"zTXt", b"workflow\0\0"), (b"iTXt", b"workflow\0\1\0\0\0")])
def test_text_of_any_size_is_no_damage(tmp_path, kind, text):
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    long = with_chunk((tmp_path / "a.png").read_bytes(), kind, text + zlib.compress(b"x" * 80_000_000))
    (tmp_path / "b.png").write_bytes(with_chunk(long, b"tEXt", b"long\0" + b"y" * 2_000_000))
    np.testing.assert_array_equal(read(tmp_path / "b.png").pixels, read(tmp_path / "a.png").pixels)


@pytest.mark.parametrize("extension", ["png", "jpg", "webp", "tif"])
def test_a_profile_of_more_than_a_megabyte_comes_back(tmp_path, extension):
    write(Picture(np.zeros((8, 8, 3), np.uint8), icc=ICC), tmp_path / f"a.{extension}")
    assert read(tmp_path / f"a.{extension}").icc == ICC


def test_the_bound_on_profiles_is_ours_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    write(Picture(np.zeros((8, 8, 3), np.uint8), icc=ICC), path)
    monkeypatch.setitem(formats.MAX_PROFILE, "PNG", 1_000_000)
    assert png.MAX_PROFILE is formats.MAX_PROFILE
    with pytest.raises(ValueError, match=r"a\.png: its colour profile has more than the 1000000 bytes that are read"):
        read(path)
    with pytest.raises(ValueError, match=r"b\.png: PNG holds 1000000 bytes of colour profile, not 1200020"):
        write(Picture(np.zeros((8, 8, 3), np.uint8), icc=ICC), tmp_path / "b.png")


def test_exif_in_text_of_older_programs(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "artist"
    body = exif.tobytes()
    digits = "\n".join(body.hex()[i : i + 72] for i in range(0, 2 * len(body), 72))
    text = f"\nexif\n{len(body):8d}\n{digits}\n".encode()
    for kind, packed in ((b"tEXt", text), (b"zTXt", b"\0" + zlib.compress(text))):
        data = plain_png(random_pixels(2, 2, 3), (kind, b"Raw profile type exif\0" + packed))
        assert read_png(data, 4).exif[ExifTags.Base.Artist] == "artist"


def test_metadata_that_says_nonsense_is_left_out():
    chunks = [(b"gAMA", bytes(4)), (b"cHRM", b"x"), (b"pHYs", bytes(9)), (b"iCCP", b"a\0\0damaged"), (b"eXIf", b"II")]
    decoded = read_png(plain_png(random_pixels(2, 2, 3), *chunks), 4)
    assert (decoded.gamma, decoded.chromaticities, decoded.dpi, decoded.icc) == (None, (), None, b"")
    assert dict(decoded.exif) == dict(load_exif(b""))


def test_damage_is_named(tmp_path):
    path, data = tmp_path / "a.png", plain_png(random_pixels(30, 30, 3), (b"gAMA", bytes(4)))
    for content, what in (
        (data[:-12], "it ends before its last chunk"),
        (data.replace(b"gAMA", b"gAMB"), "the checksum of its chunk gAMB is wrong"),
        (data[:8] + data[8:].replace(b"IHDR", b"IHDS", 1), "the checksum of its chunk IHDS is wrong"),
        (data[:8], "its header is damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(OSError, match=rf"a\.png is damaged or truncated: {what}"):
            read(path)


def test_a_side_of_more_than_libpng_takes_is_refused_by_name(tmp_path):
    path = tmp_path / "a.png"
    Image.new("1", (1_000_001, 1)).save(path)
    with pytest.raises(ValueError, match=r"a\.png: a side of 1000001 pixels is more than 1000000"):
        read(path)
