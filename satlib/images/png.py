"""PNG in and out: pixels by libpng (`imagecodecs`), at all depths up to 16 bits; metadata chunk by chunk.

Pillow keeps 8 of 16 bits of colour, and takes text or a profile that unpacks to more than 1 MB for damage. Here libpng
sees the chunks of the pixels alone. The specification is the W3C's third edition.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from satlib.images.decoded import Decoded
from satlib.images.formats import MAX_PROFILE, MAX_SIDE, UnsupportedImageError
from satlib.images.metadata import load_exif
from satlib.images.palettes import check_entries
from satlib.images.picture import Picture, check_size

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PIXELS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
"""The chunks that tell the pixels."""

PALETTE = 3
"""The kind of colour of IHDR whose samples are indexes."""

INCH = 0.0254
"""In meters."""

Chunk = tuple[bytes, bytes]


def read_png(data: bytes, max_pixels: int) -> Decoded:
    """Decode the bytes of a PNG file.

    Raises
    ------
    UnsupportedImageError
        If it has more than ``max_pixels`` pixels or several frames.
    OSError, ValueError
        If it is damaged or truncated.
    """
    import imagecodecs

    chunks = list(_chunks(data))
    kinds = [kind for kind, _ in chunks]
    if not kinds or kinds[0] != b"IHDR" or len(chunks[0][1]) != 13:
        raise OSError("its header is damaged")
    width, height = struct.unpack(">II", chunks[0][1][:8])
    check_size((height, width), max_pixels)
    if max(width, height) > MAX_SIDE["PNG"]:
        raise UnsupportedImageError(f"a side of {max(width, height)} pixels is more than {MAX_SIDE['PNG']}")
    if b"IDAT" not in kinds or kinds[-1] != b"IEND":
        raise OSError("it ends before its last chunk")
    first = dict(reversed(chunks))
    _check_frames(first)
    pixels = imagecodecs.png_decode(_packed(chunks, PIXELS))
    if pixels.shape[:2] != (height, width):
        raise OSError(f"it decodes to {pixels.shape[1]} x {pixels.shape[0]} pixels, not {width} x {height}")
    _check_palette(first, chunks)
    return _with_metadata(pixels if pixels.ndim == 3 else pixels[..., None], first, chunks)


def _chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks up to IEND or to one that is cut off; OSError for a wrong checksum."""
    at = len(SIGNATURE)
    while at + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body, stored = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if len(stored) < 4:
            return
        if zlib.crc32(kind + body) != int.from_bytes(stored):
            raise OSError(f"the checksum of its chunk {kind.decode('latin-1')} is wrong")
        yield kind, body
        if kind == b"IEND":
            return
        at += 12 + length


def _packed(chunks: list[Chunk], kinds: tuple[bytes, ...]) -> bytes:
    """Return a file of those chunks that are of some kinds."""
    return SIGNATURE + b"".join(_pack(kind, body) for kind, body in chunks if kind in kinds)


def _check_palette(first: dict[bytes, bytes], chunks: list[Chunk]) -> None:
    """Raise OSError if pixels have no colour in the palette; to see their indexes, the file is decoded as grey."""
    import imagecodecs

    header = first[b"IHDR"]
    bits, kind = header[8:10]
    if kind != PALETTE:
        return
    as_gray = [(b"IHDR", header[:9] + b"\0" + header[10:]), *chunks[1:]]
    gray = imagecodecs.png_decode(_packed(as_gray, (b"IHDR", b"IDAT", b"IEND")))
    check_entries(np.bincount(gray.ravel() // (255 // (2**bits - 1))).tolist(), len(first.get(b"PLTE", b"")) // 3)


def _pack(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _check_frames(chunks: dict[bytes, bytes]) -> None:
    animation = chunks.get(b"acTL", b"")
    if len(animation) == 8 and int.from_bytes(animation[:4]) > 1:
        raise UnsupportedImageError(f"it holds {int.from_bytes(animation[:4])} pages or frames, not one image")


def _with_metadata(pixels: npt.NDArray[Any], first: dict[bytes, bytes], chunks: list[Chunk]) -> Decoded:
    """Add what the first chunk of each kind says; what says nonsense is left out."""
    decoded = Decoded(pixels, icc=_profile(first.get(b"iCCP", b"")), cicp=first.get(b"cICP", b"")[:4])
    exif = first.get(b"eXIf") or _exif_in_text(chunks)
    decoded.exif, decoded.has_exif = load_exif(exif), bool(exif)
    gamma, places, pixels_per = first.get(b"gAMA", b""), first.get(b"cHRM", b""), first.get(b"pHYs", b"")
    if len(gamma) == 4 and gamma != bytes(4):
        decoded.gamma = int.from_bytes(gamma) / 100_000
    if len(places) == 32:
        decoded.chromaticities = tuple(value / 100_000 for value in struct.unpack(">8I", places))
    if len(pixels_per) == 9 and pixels_per[8] == 1:
        across, down = struct.unpack(">II", pixels_per[:8])
        decoded.dpi = (across * INCH, down * INCH) if across and down else None
    return decoded


def _profile(body: bytes) -> bytes:
    """Return the profile of a chunk iCCP; empty if it is damaged."""
    _, _, packed = body.partition(b"\0")
    unpacker = zlib.decompressobj()
    try:
        icc = unpacker.decompress(packed[1:], MAX_PROFILE["PNG"])
    except zlib.error:
        return b""
    if unpacker.unconsumed_tail:
        raise UnsupportedImageError(
            f"its colour profile has more than the {MAX_PROFILE['PNG']} bytes that are read here (MAX_PROFILE)"
        )
    return icc if unpacker.eof else b""


def _exif_in_text(chunks: list[Chunk]) -> bytes:
    """Return EXIF that older programs keep as hexadecimal digits in text; empty for none."""
    for kind, body in chunks:
        if kind in (b"tEXt", b"zTXt") and body.startswith(b"Raw profile type exif\0"):
            text = body.split(b"\0", 1)[1]
            try:
                text = zlib.decompressobj().decompress(text[1:], 2**24) if kind == b"zTXt" else text
                return bytes.fromhex("".join(text.decode("ascii").split("\n")[3:]))
            except (ValueError, zlib.error):
                return b""
    return b""


def write_png(picture: Picture) -> bytes:
    """Encode a picture of 8 or 16 bits as a PNG file."""
    import imagecodecs

    pixels = picture.pixels
    data = bytes(imagecodecs.png_encode(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)))
    end = len(SIGNATURE) + 12 + 13  # of IHDR, the first chunk
    return data[:end] + b"".join(_pack(kind, body) for kind, body in _metadata(picture)) + data[end:]


def _metadata(picture: Picture) -> Iterator[Chunk]:
    """Yield the chunks of a picture's metadata."""
    if len(picture.cicp) == 4:
        yield b"cICP", picture.cicp
    if picture.icc:
        yield b"iCCP", b"ICC Profile\0\0" + zlib.compress(picture.icc)
    if picture.gamma is not None and math.isfinite(picture.gamma) and 0 < picture.gamma * 100_000 < 2**31:
        yield b"gAMA", struct.pack(">I", round(picture.gamma * 100_000))
    if len(picture.chromaticities) == 8:
        yield b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in picture.chromaticities))
    if picture.dpi is not None:
        yield b"pHYs", struct.pack(">IIB", *(max(1, min(2**31 - 1, round(side / INCH))) for side in picture.dpi), 1)
    if picture.exif:
        yield b"eXIf", picture.exif.removeprefix(b"Exif\0\0")
