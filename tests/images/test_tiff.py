"""TIFF: files by tifffile, Pillow and by hand are read as they say, or refused with the name of what is not taken."""

import io
import logging
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from tiff_by_hand import packed_bits, tiff_by_hand

from satlib.images.files import read, write
from satlib.images.picture import Picture
from satlib.images.remarks import ImageRemark
from satlib.images.tiff import read_tiff
from satlib.images.tiff_writer import write_tiff

RNG = np.random.default_rng(0)
DEEP = RNG.integers(0, 65536, (20, 33, 3), dtype=np.uint16)


def as_read(samples: np.ndarray, bits: int) -> np.ndarray:
    """Return unsigned samples of so many bits in 8 or 16, black and white being what they were."""
    white, dtype = (255, np.uint8) if bits <= 8 else (65535, np.uint16)
    return np.rint(samples.astype(float) * white / (2**bits - 1)).astype(dtype)


@pytest.mark.filterwarnings("ignore::satlib.images.remarks.ImageRemark")
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [*range(1, 24), *range(25, 33)])
def test_all_depths_by_hand(tmp_path, bits, order):
    path = tmp_path / "a.tif"
    samples = RNG.integers(0, 2**bits, (5, 14), dtype=np.uint64)
    samples[0, :2] = 0, 2**bits - 1
    data = packed_bits(samples, bits)
    if bits in (16, 32):
        data = samples.astype(f"{order}u{bits // 8}").tobytes()
    reversed_bits = bytes(int(f"{byte:08b}"[::-1], 2) for byte in data)
    for photometric, fill in product((0, 1), (1, 2)):
        content = data if fill == 1 else reversed_bits
        path.write_bytes(tiff_by_hand(content, (14, 5), {258: bits, 262: photometric, 266: fill}, order))
        expected = as_read(samples, bits)
        expected = expected if photometric else np.iinfo(expected.dtype).max - expected
        np.testing.assert_array_equal(read(path).pixels[..., 0], expected, strict=True)


@pytest.mark.parametrize("bits", [17, 31, 32])
def test_more_than_16_bits_are_rounded_and_that_is_said(tmp_path, bits):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 4), np.uint32), bitspersample=bits)
    with pytest.warns(ImageRemark, match=rf"a\.tif: {bits} bits were rounded to 16"):
        read(tmp_path / "a.tif")


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("compression", "predictor"),
    [
        (None, False),
        ("lzw", False),
        ("lzw", True),
        ("adobe_deflate", True),
        ("zlib", False),
        ("packbits", False),
        ("lzma", True),
        ("zstd", True),
        ("jpeg2000", False),
        ("png", False),
    ],
)
def test_layouts_by_tifffile(tmp_path, compression, predictor, dtype, tile, planes):
    pixels = DEEP if dtype == np.uint16 else (DEEP >> 8).astype(np.uint8)
    stored = pixels if planes == "contig" else np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    for order in "<" if compression in ("png", "jpeg2000") else "<>":  # in which tifffile forgets to swap bytes
        tifffile.imwrite(
            tmp_path / "a.tif",
            stored,
            photometric="rgb",
            planarconfig=planes,
            compression=compression,
            predictor=predictor,
            tile=tile,
            byteorder=order,
            bigtiff=order == ">",
        )
        np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, pixels, strict=True)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group3", "group4"])
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_modes_by_pillow(tmp_path, mode, compression):
    if compression.startswith("group") and mode != "1":
        return
    rgb = Image.fromarray((DEEP >> 8).astype(np.uint8))
    image = rgb.quantize(9) if mode == "P" else Image.fromarray(DEEP[..., 0]) if mode == "I;16" else rgb.convert(mode)
    image.save(tmp_path / "a.tif", compression=compression)
    expected = np.asarray(image.convert({"1": "L", "P": "RGB"}.get(mode, mode)))
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, expected.reshape(20, 33, -1), strict=True)


SMOOTH = np.stack(np.meshgrid(np.linspace(0, 250, 48), np.linspace(250, 0, 32)), -1)[..., [0, 1, 0]].astype(np.uint8)


@pytest.mark.parametrize("mode", ["L", "RGB", "YCbCr"])
def test_jpeg_in_tiff_by_pillow(tmp_path, mode):
    image = Image.fromarray(SMOOTH).convert(mode)
    image.save(tmp_path / "a.tif", compression="jpeg", quality=98)
    expected = np.asarray(image.convert("L" if mode == "L" else "RGB")).reshape(32, 48, -1)
    assert np.abs(read(tmp_path / "a.tif").pixels.astype(int) - expected).max() <= 5


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2)])
def test_jpeg_in_tiff_by_tifffile_is_read_as_pillow_reads_it(tmp_path, subsampling):
    ycbcr = np.asarray(Image.fromarray(SMOOTH).convert("YCbCr"))
    tifffile.imwrite(
        tmp_path / "a.tif", ycbcr, photometric="ycbcr", compression="jpeg", subsampling=subsampling, tile=(16, 16)
    )
    with Image.open(tmp_path / "a.tif") as image:
        np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("compression", "predictor"), [(None, False), ("zlib", True)])
def test_floats_in_0_to_1_stay_and_others_are_refused(tmp_path, dtype, compression, predictor):
    path, values = tmp_path / "a.tif", RNG.random((6, 7, 3)).astype(dtype)
    tifffile.imwrite(path, values, photometric="rgb", compression=compression, predictor=predictor)
    np.testing.assert_array_equal(read(path).pixels, values, strict=True)
    write(read(path), tmp_path / "b.tif")
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, values, strict=True)
    for bad in (2, -0.5, np.nan, np.inf):
        values[2, 3, 1] = bad
        tifffile.imwrite(path, values, photometric="rgb", compression=compression, predictor=predictor)
        with pytest.raises(
            ValueError, match=r"a\.tif: a floating image must lie in \[0, 1\] and be finite, got values"
        ):
            read(path)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({262: None}, "PhotometricInterpretation is missing"),
        ({262: 4}, "PhotometricInterpretation 4 (MASK)"),
        ({262: 32803}, "PhotometricInterpretation 32803 (CFA)"),
        ({339: 2}, "SampleFormat 2 (INT) of 8 bits is not supported: it has no fixed white"),
        ({339: 2, 258: 16}, "SampleFormat 2 (INT) of 16 bits"),
        ({339: 6, 258: 64}, "SampleFormat 6 (COMPLEXIEEEFP) of 64 bits"),
        ({258: (5, 6, 5), 277: 3, 262: 2}, "samples of different depths"),
        ({258: 64}, "samples of 64 bits"),
        ({258: 24}, "samples of 24 bits are not supported: programs disagree about their order of bytes"),
        ({262: 2}, "1 samples are too few for RGB"),
        ({262: 5}, "1 samples are too few for SEPARATED"),
        ({277: 20, 258: (8,) * 20}, "20 samples of each pixel are too many"),
        ({262: 6, 277: 3, 258: (8, 8, 8)}, "YCbCr is supported with JPEG compression alone"),
        ({262: 5, 277: 4, 258: (8, 8, 8, 8), 332: 2}, "inks other than CMYK"),
        ({262: 3}, "a palette of 8 bits is not supported"),
        ({258: 12, 317: 2, 259: 8}, "differences (Predictor 2) of 12 bits"),
    ],
)
def test_what_has_no_plain_meaning_is_refused_by_name(tmp_path, tags, message):
    path = tmp_path / "a.tif"
    path.write_bytes(tiff_by_hand(bytes(8 * 8 * 20), (8, 8), tags))
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_compressions_that_nobody_knows_are_an_error(tmp_path):
    (tmp_path / "a.tif").write_bytes(tiff_by_hand(bytes(64), (8, 8), {259: 12345}))
    with pytest.raises(OSError, match=r"a\.tif is damaged or truncated: .*12345"):
        read(tmp_path / "a.tif")


def test_alpha_is_told_from_other_samples(tmp_path):
    path, rgba = tmp_path / "a.tif", np.dstack([DEEP, np.full((20, 33), 40_000, np.uint16)])
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unassalpha"])
    np.testing.assert_array_equal(read(path).pixels, rgba, strict=True)
    tifffile.imwrite(path, rgba, photometric="rgb", extrasamples=["unspecified"])
    with pytest.warns(ImageRemark, match=r"a\.tif: 1 extra sample of each pixel that is not alpha left out"):
        np.testing.assert_array_equal(read(path).pixels, DEEP, strict=True)
    both = np.dstack([DEEP, 7 + 0 * DEEP[..., :1], rgba[..., 3:]])
    tifffile.imwrite(path, both, photometric="rgb", extrasamples=["unspecified", "unassalpha"])
    with pytest.warns(ImageRemark, match="1 extra sample"):
        np.testing.assert_array_equal(read(path).pixels, rgba, strict=True)


@pytest.mark.parametrize("white", [255, 65535])
def test_premultiplied_colour_is_divided_by_alpha(tmp_path, white):
    dtype = np.uint8 if white == 255 else np.uint16
    alpha = np.array([[white, white // 2, 0]])
    color = np.array([[[white, 10, 0], [white // 2, 10, 0], [9, 9, 9]]])
    stored = np.concatenate((color, alpha[..., None]), axis=2).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", extrasamples=["assocalpha"])
    half = white // 2
    expected = [[white, 10, 0, white], [white, round(10 * white / half), 0, half], [0, 0, 0, 0]]
    assert read(tmp_path / "a.tif").pixels.tolist() == [expected]


@pytest.mark.parametrize("high", [False, True])
def test_palettes_of_8_and_16_bits(tmp_path, high):
    palette = RNG.integers(0, 256, (3, 256), dtype=np.uint16)
    index = RNG.integers(0, 256, (4, 5), dtype=np.uint8)
    stored = (palette << 8 if high else palette).flatten()
    (tmp_path / "a.tif").write_bytes(tiff_by_hand(index.tobytes(), (5, 4), {262: 3, 320: stored}))
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, palette.T[index].astype(np.uint8), strict=True)


def test_pages_are_refused_and_thumbnails_are_not(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(DEEP, photometric="rgb")
        writer.write(DEEP[::4, ::4], photometric="rgb", subfiletype=1)
    np.testing.assert_array_equal(read(path).pixels, DEEP, strict=True)
    with tifffile.TiffWriter(path) as writer:
        writer.write(DEEP, photometric="rgb")
        writer.write(DEEP, photometric="rgb", metadata=None)
    with pytest.raises(ValueError, match=r"a\.tif: it holds 2 pages or frames, not one image"):
        read(path)


def test_stacks_of_imagej_and_raw_files_are_refused(tmp_path):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DEEP[..., 0], imagej=True, metadata={"axes": "YX"})
    np.testing.assert_array_equal(read(path).pixels[..., 0], DEEP[..., 0], strict=True)
    tifffile.imwrite(path, np.moveaxis(DEEP, -1, 0), imagej=True, metadata={"axes": "ZYX"}, contiguous=True)
    with pytest.raises(ValueError, match=r"a\.tif: it holds 3 pages or frames, not one image"):
        read(path)
    with tifffile.TiffWriter(path) as writer:
        writer.write(DEEP[::4, ::4], photometric="rgb", subfiletype=1, subifds=1)
        writer.write(DEEP[..., 0], photometric="cfa", subfiletype=0)
    with pytest.raises(ValueError, match=r"a\.tif: its page is a thumbnail of an image that is not read here"):
        read(path)


def test_reading_in_threads_leaves_the_logger_as_it_was(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", DEEP, photometric="rgb")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, [tmp_path / "a.tif"] * 20))
    logger = logging.getLogger("tifffile")
    assert not logger.filters and not logger.disabled


@pytest.mark.parametrize("deep", [False, True])
def test_lab_becomes_srgb(tmp_path, deep):
    lab = np.zeros((4, 5, 3), np.int32)
    lab[...] = (60 * 255 // 100, 40, -30)
    stored = lab.astype(np.uint8)
    if deep:
        stored = np.dstack([lab[..., :1] * 257, lab[..., 1:] * 256]).astype(np.uint16)
    tags = {262: 8, 277: 3, 258: (16, 16, 16) if deep else (8, 8, 8)}
    (tmp_path / "a.tif").write_bytes(tiff_by_hand(stored.tobytes(), (5, 4), tags))
    with pytest.warns(ImageRemark, match=r"a\.tif: LAB was converted to sRGB"):
        found = read(tmp_path / "a.tif").pixels
    plain = Image.frombytes("LAB", (5, 4), lab.astype(np.uint8).tobytes())
    expected = ImageCms.profileToProfile(
        plain, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    assert np.abs(found.astype(int) - np.asarray(expected)).max() <= 2
    assert found[0, 0, 2] > found[0, 0, 1]  # b < 0 is blue


@pytest.mark.parametrize("cut", [0.2, 0.6, 0.97])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "packbits"])
def test_missing_strips_are_damage_and_not_black(tmp_path, compression, cut):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, DEEP, photometric="rgb", rowsperstrip=4, compression=compression)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * cut)])
    with pytest.raises(OSError, match=r"a\.tif is damaged or truncated"):
        read(path)


def test_a_strip_of_no_bytes_is_damage(tmp_path):
    for tags in ({279: 0}, {279: 2**31}, {278: 4}):
        (tmp_path / "a.tif").write_bytes(tiff_by_hand(bytes(64), (8, 8), tags))
        with pytest.raises(OSError, match=r"a\.tif is damaged or truncated"):
            read(tmp_path / "a.tif")


def test_large_tiles_ask_for_no_memory(tmp_path):
    tags = {322: 2**16, 323: 2**16, 324: 8, 325: 64, 278: None, 279: None}
    (tmp_path / "a.tif").write_bytes(tiff_by_hand(bytes(64), (8, 8), tags))
    with pytest.raises(ValueError, match="its tiles have 65536 x 65536 pixels"):
        read(tmp_path / "a.tif")


@given(
    st.integers(1, 20), st.integers(1, 20), st.integers(1, 4), st.sampled_from([np.uint8, np.uint16]), st.integers(0)
)
def test_what_we_write_is_what_tifffile_reads(height, width, channels, dtype, seed):
    pixels = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, (height, width, channels), dtype, True)
    data = write_tiff(Picture(pixels, icc=bytes(70_000), dpi=(300.0, 72.0)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = tifffile.imread(io.BytesIO(data))
    np.testing.assert_array_equal(found.reshape(pixels.shape), pixels, strict=True)
    decoded = read_tiff(io.BytesIO(data), 10**6)
    np.testing.assert_array_equal(decoded.pixels, pixels, strict=True)
