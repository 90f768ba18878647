"""Whether EXIF may have lost the tag that tells how an image stands: then it is said that it may be turned.

EXIF has no checksum. Its directory has its tags in rising order, each of a known type and inside the data; where it
has no orientation and breaks one of these rules, or has an unknown tag that looks like one, the tag may be damaged.
"""

import re

from PIL import ExifTags

ORIENTATION = 0x0112
SHORT = 3
FIRST = 100
"""Bytes of a JPEG file in which EXIF begins."""

_EXIF = re.compile(rb"Exif\0|(?<!MPF)\0(?:II\*\0\x08|MM\0\*\0\0\0\x08)")
_SIZES = (0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4)
"""Bytes of a value of each type, TIFF's and that of directories, from 1."""


def may_be_turned(exif: bytes) -> bool:
    """Tell whether EXIF, without its name in front, may have lost its orientation; see the module."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return True
    at = _number(exif[4:8], order)
    count = _number(exif[at : at + 2], order)
    entries = exif[at + 2 : at + 2 + 12 * count]
    return len(entries) < 12 * count or lost_orientation(entries, order, len(exif))


def lost_orientation(entries: bytes, order: str, size: int) -> bool:
    """Tell it of the entries of a directory, 12 bytes each, in order "<" or ">", in ``size`` bytes of data."""
    last, sound, found, like_one = -1, True, False, False
    for at in range(0, len(entries), 12):
        entry = entries[at : at + 12]
        tag, kind, count, place = (_number(entry[a:b], order) for a, b in ((0, 2), (2, 4), (4, 8), (8, 12)))
        length = count * (_SIZES[kind] if kind < len(_SIZES) else 0)
        sound = sound and tag > last and length > 0 and (length <= 4 or place + length <= size)
        short = (kind, count) == (SHORT, 1)
        value = _number(entry[8:10], order) if short else 0
        found = found or (tag == ORIENTATION and short and value <= 8 and not any(entry[10:]))
        like_one = like_one or (short and 2 <= value <= 8 and tag not in ExifTags.TAGS)
        last = tag
    return not found and (not sound or like_one)


def exif_under_another_name(data: bytes) -> bool:
    """Tell whether a JPEG or WebP file without EXIF has some whose own name, or whose segment's, is damaged."""
    if data[:4] == b"RIFF":
        return data[12:16] == b"VP8X" and bool(data[20] & 8)
    return bool(_EXIF.search(data[:FIRST]))


def _number(data: bytes, order: str) -> int:
    return int.from_bytes(data, "little" if order == "<" else "big")
