"""What a WebP file says of its size, held against the data of its pixels; see `endings`.

libwebp itself holds the size of the canvas against that of the image, and finds most data that end too early.
"""

import struct
from functools import partial

from PIL import Image

from satlib.images.endings import FILL, other_ends, same_pixels


def check_webp(data: bytes, image: Image.Image) -> list[str]:
    """Raise OSError if the data of a file's pixels are for another size than that of its decoded image."""
    data = data[: 8 + int.from_bytes(data[4:8], "little")]  # what comes after it is no part of it
    start, end, lossy = _pixels(data)
    if not start:
        return []
    size = f"{image.width} x {image.height}"
    same = partial(same_pixels, image.tobytes(), name="WEBP")
    if lossy and not same(_longer(data, start, end)):
        raise OSError(f"its data end before the last of its {size} pixels")
    if all(map(same, other_ends(data, start, end))):
        raise OSError(f"its data go on after the last of its {size} pixels")
    return []


def _pixels(data: bytes) -> tuple[int, int, bool]:
    """Return where the chunk of the pixels begins and ends, and whether it is lossy; zeros for an animation."""
    at = 12
    while at + 8 <= len(data):
        kind, length = struct.unpack("<4sI", data[at : at + 8])
        if kind in (b"VP8 ", b"VP8L"):
            return at + 8, min(at + 8 + length, len(data)), kind == b"VP8 "
        at += 8 + length + length % 2
    return 0, 0, False


def _longer(data: bytes, start: int, end: int) -> bytes:
    """Return a file with more bytes behind those of the pixels."""
    content = data[start:end] + FILL
    rest = content + bytes(len(content) % 2) + data[end + (end - start) % 2 :]
    made = data[12 : start - 4] + struct.pack("<I", len(content)) + rest
    return data[:4] + struct.pack("<I", 4 + len(made)) + data[8:12] + made
