"""What a JPEG file says of its size, held against the data of its scans: libjpeg fills gaps and skips what is too much.

Data that end too early leave the last blocks grey, and data for another width or height go on after the last block; see
`endings`. Restart markers are counted. A size that needs as many blocks as the true one cannot be told from it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from PIL import Image

from satlib.images.endings import FILL, other_ends, same_pixels
from satlib.images.formats import UnsupportedImageError

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


LEAST = 32
"""Bytes of a scan whose end is tried; the last bits of smaller ones may tell of pixels beyond the image alone."""


@dataclass
class Layout:
    """Where a JPEG file says what it is, up to the end of its first image."""

    height: int = 0
    width: int = 0
    kind: int = 0
    """The marker of its frame."""
    bits: int = 8
    blocks: list[tuple[int, int]] = field(default_factory=list)
    """Blocks across and down of each component in a unit of coding (MCU)."""
    intervals: list[tuple[int, int, int]] = field(default_factory=list)
    """Of each scan with restart markers: its components, units between two, and how many there are."""
    scan: tuple[int, int] = (0, 0)
    """Where the data of the first scan begin and end; they tell of every unit, others may have nothing to say."""


def layout_of(data: bytes) -> Layout:
    """Return what the markers of a file say; damaged ones are left to the decoder."""
    layout, at, interval = Layout(), 2, 0
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if kind in (0xFF, 0xD9):
            if kind == 0xD9:
                break
            at += 1
            continue
        body = data[at + 4 : at + 2 + length]
        at += 2 + length
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            _read_frame(layout, kind, body)
        elif kind == 0xDD:
            interval = int.from_bytes(body[:2])
        elif kind == 0xDA:
            found = _MARKER.search(data, at)
            end = found.start() if found else len(data)
            if interval and body:
                layout.intervals.append((body[0], interval, len(_RESTART.findall(data, at, end))))
            layout.scan, at = layout.scan if any(layout.scan) else (at, end), end
    return layout


def _read_frame(layout: Layout, kind: int, body: bytes) -> None:
    layout.kind, layout.bits = kind, sum(body[:1])
    layout.height, layout.width = int.from_bytes(body[1:3]), int.from_bytes(body[3:5])
    layout.blocks = [(sides >> 4, sides & 15) for sides in body[7::3]]


def check_taken(layout: Layout) -> None:
    """Raise UnsupportedImageError for what libjpeg in Pillow does not read: lossless files, and more than 8 bits."""
    if layout.kind in (0xC3, 0xC7, 0xCB, 0xCF) or layout.bits in (12, 16):
        raise UnsupportedImageError(f"lossless JPEG and JPEG of more than 8 bits are not supported ({layout.bits})")


def check_scans(data: bytes, layout: Layout, image: Image.Image) -> list[str]:
    """Raise OSError if the data of a file's scans are for another size than that of its decoded image."""
    size = f"{layout.width} x {layout.height}"
    for components, interval, found in layout.intervals:
        units = _units(layout) if components > 1 or len(layout.blocks) == 1 else 0
        needed = -(-units // interval) - 1
        if units and found not in (needed, needed + 1):  # some encoders end with one
            raise OSError(f"it has {found} restart markers, its size of {size} needs {needed}")
    start, end = layout.scan
    while end > start and data[end - 1] == 0xFF:  # some encoders fill up
        end -= 1
    same = partial(same_pixels, image.tobytes(), name="JPEG")
    if _last_is_empty(image) and not same(data[:end] + FILL + data[end:]):
        raise OSError(f"its data end before the last of its {size} pixels")
    while end > start and data[end - 1] in (0, 0xFF):
        end -= 1
    if (
        end - start >= LEAST
        and not _tells_nothing(image)
        and all(map(same, chain(_cut(data, end), other_ends(data, start, end))))
    ):
        raise OSError(f"its data go on after the last of its {size} pixels")
    return []


def _units(layout: Layout) -> int:
    """Return how many units of coding an interleaved scan has."""
    if not layout.blocks or 0 in (side for sides in layout.blocks for side in sides):
        return 0
    if len(layout.blocks) == 1:
        return -(-layout.width // 8) * -(-layout.height // 8)
    across, down = 8 * max(a for a, _ in layout.blocks), 8 * max(d for _, d in layout.blocks)
    return -(-layout.width // across) * -(-layout.height // down)


def _last_is_empty(image: Image.Image) -> bool:
    """Tell whether the last pixel may be what libjpeg makes of no data: a brightness of 128."""
    if image.mode not in ("L", "RGB"):
        return True
    last = image.crop((image.width - 1, image.height - 1, image.width, image.height)).convert("L").tobytes()
    return abs(last[0] - 128) <= 3


def _tells_nothing(image: Image.Image) -> bool:
    """Tell whether the end of an image is as grey as what libjpeg makes of no data, so that any data may be right."""
    end = image.crop((max(0, image.width - 16), max(0, image.height - 16), image.width, image.height))
    return end.getcolors(1) is not None and _last_is_empty(end)


def _cut(data: bytes, end: int) -> Iterator[bytes]:
    """Yield a file with fewer bytes before ``end``, whose last blocks are grey then."""
    for n in (4, 16):
        yield data[: end - n] + data[end:]
