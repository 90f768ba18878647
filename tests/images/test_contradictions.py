"""Files that contradict their own size are refused by name; intact ones of odd writers are not."""

import io
import re
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from benchmarks.small_images import pillow
from satlib.images.files import read
from satlib.images.remarks import ImageRemark
from satlib.samples import load


def photo(width=61, height=45):
    return load("coffee").crop((60, 60, 60 + width, 60 + height))


def saved(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return bytearray(file.getvalue())


def frame_of_jpeg(data):
    """Where a JPEG says its height; its width is two bytes behind."""
    return re.search(rb"\xff[\xc0\xc2]\0.\x08", data, re.DOTALL).end()


JPEGS = {
    "colour": {},
    "full": {"subsampling": 0},
    "progressive": {"progressive": True},
    "restart": {"restart_marker_blocks": 3},
    "rows": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("size", [(13, 45), (61, 13), (93, 45), (61, 93), (61, 301), (573, 45)])
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_of_another_size_is_refused(tmp_path, options, size):
    path = tmp_path / "a.jpg"
    data = saved(photo(), "JPEG", **options)
    struct.pack_into(">2H", data, frame_of_jpeg(data), *size[::-1])
    path.write_bytes(data)
    with pytest.raises(OSError, match=rf"a\.jpg is damaged or truncated: .*{size[0]} x {size[1]}"):
        read(path)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from(list(JPEGS.values())),
    st.sampled_from([1, 60, 100]),
    st.sampled_from(["L", "RGB", "CMYK"]),
    st.sampled_from([None, 0, 127, 128, 255]),
)
@pytest.mark.filterwarnings("ignore::satlib.images.remarks.ImageRemark")
def test_every_intact_jpeg_is_read(tmp_path_factory, width, height, options, quality, mode, level):
    path = tmp_path_factory.mktemp("jpeg") / "a.jpg"
    image = photo(width, height).convert(mode)
    if level is not None:
        image = Image.new(mode, (width, height), level if mode == "L" else (level,) * len(mode))
    content = saved(image, "JPEG", **options, quality=quality)
    for data in (content, content + b"\0\1\2 a trailer", content[:-2] + b"\xff\xff" + content[-2:]):
        path.write_bytes(data)
        assert read(path).pixels.shape[:2] == (height, width)


def test_jpegs_of_another_encoder_are_read(tmp_path):
    for options in ({}, {"subsampling": "411"}, {"optimize": True}, {"level": 100}):
        (tmp_path / "a.jpg").write_bytes(imagecodecs.jpeg8_encode(np.asarray(photo()), **options))
        assert read(tmp_path / "a.jpg").pixels.shape == (45, 61, 3)


@pytest.mark.parametrize("side", [18, 22])
@pytest.mark.parametrize("mode", ["RGB", "L", "1"])
def test_a_bmp_of_another_size_is_refused(tmp_path, mode, side):
    path = tmp_path / "a.bmp"
    for stored in (True, False):
        data = saved(photo().convert(mode), "BMP")
        data[side] = 9
        if not stored:
            data[34:38] = bytes(4)
        path.write_bytes(data)
        with pytest.raises(OSError, match=r"a\.bmp .* bytes more than its (9 x 45|61 x 9) pixels take"):
            read(path)


def test_intact_bmps_of_odd_writers_are_read(tmp_path):
    path = tmp_path / "a.bmp"
    expected = np.asarray(photo())
    plain = saved(photo(), "BMP")
    rows = plain[54:]
    unsaid, wrong, top_down = bytearray(plain), bytearray(plain), bytearray(plain)
    unsaid[34:38] = bytes(4)
    struct.pack_into("<I", wrong, 34, 7)
    struct.pack_into("<i", top_down, 22, -45)
    line = len(rows) // 45
    top_down[54:] = b"".join(rows[at : at + line] for at in range(len(rows) - line, -1, -line))
    core = b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + struct.pack("<IHHHH", 12, 61, 45, 1, 24) + rows
    trailed = (unsaid + b"\0\0", unsaid + bytes(500), wrong + b"\1\2", plain + b"x" * 999)
    for data in (plain, unsaid, top_down, core, *trailed):
        path.write_bytes(data)
        np.testing.assert_array_equal(read(path).pixels, expected)


def runs(lines, width, height):
    """A BMP of run lengths, a line each."""
    palette, packed = bytes(range(0, 64, 4)) * 4, b"".join(line + b"\0\0" for line in lines) + b"\0\1"
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(packed), 0, 0, 16, 0)
    at = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", at + len(packed), 0, 0, at) + head + palette + packed


def test_bmps_of_run_lengths_are_counted(tmp_path):
    path = tmp_path / "a.bmp"
    lines = [b"\x05\x01\x04\x02", b"\0\x03\1\2\3\0\6\1", b"\x09\x07"]
    path.write_bytes(runs(lines, 9, 3))
    assert read(path).pixels.shape == (3, 9, 3)
    for width, height in ((8, 3), (9, 2)):
        path.write_bytes(runs(lines, width, height))
        with pytest.raises(OSError, match=rf"a\.bmp .* 3 lines of up to 9 pixels, its size is {width} x {height}"):
            read(path)
    path.write_bytes(runs(lines, 12, 3))
    with pytest.warns(ImageRemark, match=r"a\.bmp: it has 3 lines of up to 9 pixels, its size is 12 x 3"):
        read(path)


def test_gifs_are_held_against_their_first_frame(tmp_path):
    path = tmp_path / "a.gif"
    intact = pillow("L", "GIF")
    frame = intact.index(b",", 13 + 3 * 2 ** (intact[10] % 8 + 1))

    def changed(at, value):
        path.write_bytes(intact[:at] + struct.pack("<H", value) + intact[at + 2 :])
        return path

    for at, value, said in (
        (frame + 5, 15, "154 pixels, its size is 15 x 11"),
        (frame + 5, 13, "more than 143 pixels, its size is 13 x 11"),
        (frame + 7, 300, "154 pixels, its size is 14 x 300"),
        (frame + 1, 6, "14 x 11 pixels at 6, 0 ends outside of its screen of 14 x 11"),
    ):
        with pytest.raises(
            OSError, match=rf"a\.gif is damaged or truncated: (image file is truncated|its first .*{said})"
        ):
            read(changed(at, value))
    for value in (0, 9):
        with pytest.warns(ImageRemark, match=rf"14 x 11 pixels is larger than its screen of {value} x 11"):
            assert read(changed(6, value)).pixels.shape[:2] == (11, 14)
    with pytest.warns(ImageRemark, match="14 x 11 pixels covers a part of its screen of 40 x 11; the rest is empty"):
        assert read(changed(6, 40)).pixels.shape[:2] == (11, 40)


@pytest.mark.parametrize("colors", [2, 16, 256])
def test_gifs_of_all_depths_are_read(tmp_path, colors):
    noise = np.random.default_rng(0).integers(0, colors, (90, 110), dtype=np.uint8)
    for pixels in (noise, noise * 0):
        Image.fromarray(pixels).save(tmp_path / "a.gif", interlace=1)
        assert read(tmp_path / "a.gif").pixels.shape[:2] == (90, 110)


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_of_another_size_is_refused(tmp_path, lossless):
    path = tmp_path / "a.webp"
    data = saved(photo(120, 90), "WEBP", lossless=lossless)
    at = 26 if not lossless else 21
    for width in (40, 260):
        changed = bytearray(data)
        value = width if not lossless else (int.from_bytes(data[at : at + 2], "little") & 0xC000) | (width - 1)
        struct.pack_into("<H", changed, at, value)
        path.write_bytes(changed)
        with pytest.raises(OSError, match=r"a\.webp is damaged"):
            read(path)


@pytest.mark.parametrize("level", [None, 0, 128, 255])
@pytest.mark.parametrize("options", [{"lossless": True}, {"quality": 1}, {"quality": 100}])
def test_every_intact_webp_is_read(tmp_path, options, level):
    for width, height in ((1, 1), (16, 16), (61, 45), (300, 200)):
        for mode in ("RGB", "RGBA"):
            image = photo(width, height).convert(mode)
            if level is not None:
                image = Image.new(mode, (width, height), (level,) * len(mode))
            (tmp_path / "a.webp").write_bytes(saved(image, "WEBP", **options) + b"junk")
            assert read(tmp_path / "a.webp").pixels.shape[:2] == (height, width)


def with_tag(data, tag, value):
    """A TIFF file whose tag has another number."""
    changed = bytearray(data)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        kind = file.pages[0].tags[tag]
        struct.pack_into(file.byteorder + ("H" if kind.dtype == 3 else "I"), changed, kind.valueoffset, value)
    return changed


@pytest.mark.parametrize("rows", [None, 16])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "zstd", "packbits", "jpeg", "webp", "png"])
def test_a_tiff_of_another_size_is_refused(tmp_path, compression, rows):
    path = tmp_path / "a.tif"
    file = io.BytesIO()
    tifffile.imwrite(file, np.asarray(photo()), photometric="rgb", compression=compression, rowsperstrip=rows)
    path.write_bytes(file.getvalue())
    assert read(path).pixels.shape == (45, 61, 3)
    for tag, value in ((256, 30), (256, 93), (257, 25), (257, 77)):
        path.write_bytes(with_tag(file.getvalue(), tag, value))
        with pytest.raises(OSError, match=r"a\.tif is damaged or truncated: "):
            read(path)


def test_a_fax_of_another_size_is_refused(tmp_path):
    path = tmp_path / "a.tif"
    data = bytes(saved(photo(300, 200).convert("1"), "TIFF", compression="group4"))
    expected = np.asarray(photo(300, 200).convert("1").convert("L"))
    for photometric in (0, 1):
        path.write_bytes(with_tag(data, 262, photometric))
        assert np.array_equal(read(path).pixels[..., 0], expected) == (photometric == 1)
    for tag, value in ((256, 292), (256, 556), (257, 100)):
        path.write_bytes(with_tag(data, tag, value))
        with pytest.raises(OSError, match=r"a\.tif is damaged or truncated: (a strip|of the 8712 bytes of a strip)"):
            read(path)


def test_tiff_strips_that_writers_fill_up_are_read(tmp_path):
    pixels = np.asarray(photo())
    last = np.concatenate((pixels[32:], pixels[:3])).tobytes()
    strips = (pixels[:16].tobytes() + b"\0\0", pixels[16:32].tobytes(), last)
    packed = iter([bytes(imagecodecs.lzw_encode(strip)) for strip in strips])
    layout = {"shape": pixels.shape, "dtype": np.uint8, "photometric": "rgb", "rowsperstrip": 16, "compression": "lzw"}
    file = io.BytesIO()
    tifffile.imwrite(file, packed, **layout)
    (tmp_path / "a.tif").write_bytes(file.getvalue())
    np.testing.assert_array_equal(read(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.tif"])
def test_an_orientation_that_may_be_lost_is_said(tmp_path, name):
    path = tmp_path / name
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "somebody"
    photo().save(path, exif=exif)
    data = path.read_bytes()
    assert read(path).pixels.shape[:2] == (61, 45)
    entry = struct.pack("<3HI", 0x0112, 3, 1, 0)[:8]
    order = "<" if data.count(entry) else ">"
    entry = struct.pack(f"{order}2HI", 0x0112, 3, 1)
    for damage in ((0x0180, 3, 1), (0x0112, 77, 1), (0x0112, 3, 2**30), (0x8112, 3, 1)):
        path.write_bytes(data.replace(entry, struct.pack(f"{order}2HI", *damage)))
        with pytest.warns(ImageRemark, match="its EXIF is damaged; it may be turned"):
            assert read(path).pixels.shape[:2] == (45, 61)


def test_exif_under_a_damaged_name_is_said(tmp_path):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for name, mark in (("a.jpg", b"Exif\0\0"), ("a.webp", b"EXIF")):
        photo().save(tmp_path / name, exif=exif)
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data.replace(mark, b"Ezif" + mark[4:]))
        with pytest.warns(ImageRemark, match="its EXIF is damaged; it may be turned"):
            read(tmp_path / name)
