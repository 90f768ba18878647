"""What a TIFF says of its size, held against its strips and tiles: how many there are, and how long they are.

Decoders cut off what is too long and take what is missing for black. Writers may end a strip with some bytes more, or
fill up the last of several. A tile is as large as it is, so that of tiles only the number tells. Group 4 has nothing
that tells its size, but its decoder loses its place at once at another width: what comes out is packed again, and
compared.
"""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.images.formats import UnsupportedImageError
from satlib.images.jpeg import layout_of

if TYPE_CHECKING:
    from tifffile import TiffPage

MAX_TILE = 2**20
"""Pixels that a tile may always have, however few the image may have."""

PAD = 3
"""Bytes that writers add to a strip."""

NONE, GROUP_4 = 1, 4
PACKED = (5, 8, 32773, 32946, 34925, 50000)
"""Compressions of bytes: LZW, deflate, PackBits, LZMA, Zstandard."""

JPEG = (7, 33007)
"""Compressions whose decoder gives RGB for YCbCr."""

IMAGES = (33003, 33005, 34712, 34933, 50001)
"""Compressions whose strips are images with a size of their own: JPEG 2000, PNG, WebP."""

JPEG_PAD = 16
"""Pixels that writers of JPEG strips may add to a side."""


def check_strips(page: "TiffPage", size: int, max_pixels: int) -> None:
    """Hold the size of a page against its strips or tiles, in a file of ``size`` bytes.

    Raises
    ------
    OSError
        If some are missing, too many, too long, or outside the file.
    UnsupportedImageError
        For tiles of more pixels than an image may have.
    """
    if page.is_tiled and page.tilewidth * page.tilelength > max(max_pixels, MAX_TILE):
        raise UnsupportedImageError(f"its tiles have {page.tilewidth} x {page.tilelength} pixels")
    offsets, counts = page.dataoffsets, page.databytecounts
    needed = int(np.prod(page.chunked))
    found = page.tags[324 if 324 in page.tags else 273].count  # tifffile drops what is too many
    if min(len(offsets), len(counts)) < needed or found > needed:
        raise OSError(f"{found} strips or tiles are there, its {_size(page)} pixels need {needed}")
    for offset, count in zip(offsets[:needed], counts[:needed], strict=True):
        if offset <= 0 or count <= 0 or offset + count > size:
            raise OSError("a strip or tile is missing or ends outside the file")
    if not page.is_tiled:
        for index in {0, needed - 1}:
            _check_strip(page, index)


def _size(page: "TiffPage") -> str:
    return f"{page.imagewidth} x {page.imagelength}"


def _check_strip(page: "TiffPage", index: int) -> None:
    """Raise OSError if a strip is longer than the size of its page."""
    height = int(page.imagelength)
    full = max(1, min(int(page.rowsperstrip), height))
    strips = -(-height // full)
    rows = min(full, height - index % strips * full)
    heights = (rows, full) if strips > 1 else (rows,)
    kind = int(page.compression)
    if kind == NONE or kind in PACKED:
        bits = int(page.bitspersample) * (page.samplesperpixel if page.planarconfig == 1 else 1)
        line = (page.imagewidth * bits + 7) // 8
        most = max(heights) * line + PAD
        found = page.databytecounts[index] if kind == NONE else len(_unpacked(page, index, out=most + 1))
        if found > rows * line + PAD and not any(n * line <= found <= n * line + PAD for n in heights):
            raise OSError(f"a strip has more than the {rows * line} bytes of its {page.imagewidth} x {rows} pixels")
    elif kind in JPEG:
        layout = layout_of(_data(page, index))
        _compare(page, (layout.height, layout.width), heights, JPEG_PAD)
    elif kind in IMAGES:
        pixels = _unpacked(page, index)
        _compare(page, pixels.shape[:2] if isinstance(pixels, np.ndarray) else (0, 0), heights, 1)
    elif kind == GROUP_4:
        _check_fax(page, index, rows)


def _compare(page: "TiffPage", found: tuple[int, ...], heights: tuple[int, ...], pad: int) -> None:
    """Raise OSError unless a strip with a size (H, W) of its own is one of these heights, and as wide as its page."""
    if 0 in found:
        return
    if not any(n <= found[0] < n + pad for n in heights) or not page.imagewidth <= found[1] < page.imagewidth + pad:
        raise OSError(f"a strip is an image of {found[1]} x {found[0]}, not of {page.imagewidth} x {heights[0]} pixels")


def _data(page: "TiffPage", index: int) -> bytes:
    """Return the packed bytes of a strip, the highest bit first."""
    import imagecodecs

    file = page.parent.filehandle
    file.seek(page.dataoffsets[index])
    data: bytes = file.read(page.databytecounts[index])
    return bytes(imagecodecs.bitorder_decode(data)) if page.fillorder == 2 else data


def _unpacked(page: "TiffPage", index: int, **options: int) -> npt.NDArray[Any] | bytes:
    """Return what is packed in a strip: bytes or pixels."""
    from tifffile import TIFF

    unpack: Callable[..., npt.NDArray[Any] | bytes] = TIFF.DECOMPRESSORS[int(page.compression)]
    return unpack(_data(page, index), **options)


def _check_fax(page: "TiffPage", index: int, rows: int) -> None:
    """Raise OSError if what a strip unpacks to is packed into other bytes: T.6 leaves no choice."""
    data = _data(page, index)
    lines = np.asarray(_unpacked(page, index, height=rows, width=page.imagewidth)).reshape(rows, -1)
    bits = lines if lines.shape[1] == page.imagewidth else np.unpackbits(lines, axis=1)[:, : page.imagewidth]
    file = io.BytesIO()
    Image.fromarray(bits > 0).save(file, "TIFF", compression="group4", strip_size=2**30)
    with Image.open(file) as image:
        tags: dict[int, tuple[int, ...]] = dict(getattr(image, "tag_v2", {}))
    packed = file.getvalue()[tags[273][0] :][: tags[279][0]]
    same = next((i for i, (a, b) in enumerate(zip(data, packed, strict=False)) if a != b), min(len(data), len(packed)))
    if 1.25 * same + 2 * PAD < len(data):
        raise OSError(f"of the {len(data)} bytes of a strip, {same} are those of {page.imagewidth} x {rows} pixels")
