"""What a BMP file says of its size, held against how many bytes of pixels it has.

Its header says how long the pixels are, and the file is that long. Writers leave the first out, or pad either by some
bytes: one of the two must fit. Of run lengths, each line is counted.
"""

from PIL import Image

from satlib.images.palettes import check_entries

RUNS_8, RUNS_4 = 1, 2
"""Values of biCompression with run lengths."""

PAD = 3
"""Bytes that writers add to the pixels."""


def check_bmp(data: bytes, image: Image.Image) -> list[str]:
    """Raise OSError if a file has pixels for another size than that of its decoded image; return what is to say."""
    width, height = image.size
    offset, header = _number(data, 10), _number(data, 14)
    bits = _number(data, 24 if header == 12 else 28, 2)
    if bits <= 8 and image.mode in ("P", "L"):
        check_entries(image.histogram(), (_number(data, 46) if header >= 40 else 0) or 2**bits)
    kind, stored = (0, 0) if header == 12 else (_number(data, 30), _number(data, 34))
    if kind in (RUNS_8, RUNS_4):
        return _check_runs(data[offset:], kind, width, height)
    line = (width * bits + 31) // 32 * 4
    needed, unpadded = line * height, (width * bits + 7) // 8 * height
    profile = _number(data, 130) if header >= 124 else 0
    rest = data[offset + needed : len(data) - profile]
    if needed <= stored <= needed + PAD or stored == unpadded or len(rest) < line or not any(rest):
        return []
    raise OSError(f"it has {len(rest)} bytes more than its {width} x {height} pixels take")


def _number(data: bytes, at: int, length: int = 4) -> int:
    return int.from_bytes(data[at : at + length], "little")


def _check_runs(runs: bytes, kind: int, width: int, height: int) -> list[str]:
    longest, lines = _lines(runs, kind)
    if longest > width + (kind == RUNS_4) or lines > height:  # runs of 4 bits may be filled up to a byte
        raise OSError(f"it has {lines} lines of up to {longest} pixels, its size is {width} x {height}")
    if longest < width or lines < height:
        return [f"it has {lines} lines of up to {longest} pixels, its size is {width} x {height}; the rest is empty"]
    return []


def _lines(runs: bytes, kind: int) -> tuple[int, int]:
    """Return how many pixels the longest line of run lengths has, and how many lines there are."""
    at, x, y, longest = 0, 0, 0, 0
    while at + 1 < len(runs):
        count, value = runs[at : at + 2]
        at += 2
        if count:
            x += count
        elif value == 0:
            x, y = 0, y + 1
        elif value == 1:
            break
        elif value == 2:
            x, y = x + sum(runs[at : at + 1]), y + sum(runs[at + 1 : at + 2])
            at += 2
        else:
            length = value if kind == RUNS_8 else (value + 1) // 2
            x, at = x + value, at + length + length % 2
        longest = max(longest, x)
    return longest, y + (x > 0)
