"""What a GIF file says of its size, held against its first frame and the number of pixels that the frame holds.

Browsers take a frame that is larger than the screen of its file, and so does this package; it says so. A frame that
covers a part of its screen is allowed, and said, too. After CompuServe's GIF89a.
"""

import struct

from PIL import Image

from satlib.images.palettes import check_entries


def check_gif(data: bytes, image: Image.Image) -> list[str]:
    """Raise OSError if the first frame of a file contradicts itself or its screen; return what is to say."""
    found = _first_frame(data)
    if found is None:
        return []
    screen = struct.unpack("<2H", data[6:10])
    (left, top, width, height), colors, bits, packed = found
    pixels = _count(packed, bits, width * height)
    if pixels != width * height:
        more = "more than " if pixels > width * height else ""
        raise OSError(f"its first frame has {more}{min(pixels, width * height)} pixels, its size is {width} x {height}")
    if colors and image.mode in ("P", "L"):
        check_entries(image.histogram(), colors, image.info.get("transparency"))
    size, said = f"its first frame of {width} x {height} pixels", f"its screen of {screen[0]} x {screen[1]}"
    if left + width > screen[0] or top + height > screen[1]:
        if left or top:
            raise OSError(f"{size} at {left}, {top} ends outside of {said}")
        return [f"{size} is larger than {said}"]
    return [] if (width, height) == screen else [f"{size} covers a part of {said}; the rest is empty"]


def _first_frame(data: bytes) -> tuple[tuple[int, int, int, int], int, int, bytes] | None:
    """Return the first frame's place, number of colours, bits of a sample and packed pixels; None if there is none."""
    at = 13 + _palette(data[10])
    while at < len(data) and data[at] == 0x21:  # an extension
        _, at = _blocks(data, at + 2)
    if data[at : at + 1] != b"," or at + 11 > len(data):
        return None
    left, top, width, height = struct.unpack("<4H", data[at + 1 : at + 9])
    colors = (_palette(data[at + 9]) or _palette(data[10])) // 3
    at += 10 + _palette(data[at + 9])
    packed, _ = _blocks(data, at + 1)
    return (left, top, width, height), colors, sum(data[at : at + 1]), packed


def _palette(flags: int) -> int:
    """Return how many bytes of a palette follow."""
    return 3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> tuple[bytes, int]:
    """Return what the blocks at a place hold, and where they end."""
    held = bytearray()
    while at < len(data) and data[at]:
        held += data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return bytes(held), at + 1


def _count(packed: bytes, bits: int, enough: int) -> int:
    """Return how many pixels packed ones are, counted to the first code beyond ``enough``."""
    if bits > 11:
        return 0
    clear = 1 << bits
    lengths, size, last = [1] * clear + [0, 0], bits + 1, -1
    total, buffer, held = 0, 0, 0
    for byte in packed:
        buffer, held = buffer | byte << held, held + 8
        while held >= size:
            code, buffer, held = buffer & (1 << size) - 1, buffer >> size, held - size
            if code == clear:
                del lengths[clear + 2 :]
                size, last = bits + 1, -1
                continue
            if code == clear + 1 or code > len(lengths) or total > enough or (code == len(lengths) and last < 0):
                return total
            if last >= 0 and len(lengths) < 4096:
                lengths.append(lengths[last] + 1)
                size += len(lengths) == 1 << size and size < 12
            total, last = total + lengths[code], code
    return total
