"""Whether the data of an image end where its size says, told from what the decoder makes of other bytes there.

A decoder shows an image of whatever size a header says. Data that end too early are filled up, and what goes on after
the last pixel is skipped, both in silence. But other bytes after the end of intact data change nothing, and other
bytes at their end change something. A test costs one decoding.
"""

import io
from collections.abc import Iterator

from PIL import Image

FILL = bytes((0x55, 0xAA, 0x2C, 0x93)) * 8
"""What is put behind data."""

_TAILS = ((4, 0x55), (4, 0xAA), (4, 0x2C), (16, 0x13), (16, 0xE4), (48, 0x71), (48, 0x3A), (48, 0x8D))
"""How many bytes at the end are changed, and by what, one after the other until the image changes."""


def same_pixels(pixels: bytes, data: bytes, name: str) -> bool:
    """Tell whether a file of the format that Pillow calls ``name`` decodes to these bytes of pixels."""
    try:
        with Image.open(io.BytesIO(data), formats=[name]) as image:
            return image.tobytes() == pixels
    except (OSError, ValueError, SyntaxError):
        return False


def other_ends(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield a file with other bytes before ``end``, but none in the first half after ``start``.

    No marker of a JPEG, which is 0xFF and another byte, is made or changed.
    """
    middle = (start + end) // 2
    for n, by in _TAILS:
        yield _changed(data, max(middle, end - n), end, by)


def _changed(data: bytes, first: int, end: int, by: int) -> bytes:
    tail = bytes(
        old if 0xFF in (old, before, old ^ by) else old ^ by
        for before, old in zip(data[first - 1 : end - 1], data[first:end], strict=True)
    )
    return data[:first] + tail + data[end:]
