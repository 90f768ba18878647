"""TIFF files made with nothing but `struct`: what a file says is then known to the last bit."""

import struct
from collections.abc import Mapping, Sequence

import numpy as np

Value = int | Sequence[int] | np.ndarray | bytes


def tiff_by_hand(data: bytes, size: tuple[int, int], tags: Mapping[int, "Value | None"], order: str = "<") -> bytes:
    """Return a TIFF file of one strip, ``data``, and ``size`` (width, height); ``tags`` are added or replace others.

    Numbers become LONG, arrays SHORT, bytes UNDEFINED; a tag of None is left out.
    """
    all_tags = {256: size[0], 257: size[1], 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: size[1], 279: len(data)}
    values = {key: value for key, value in {**all_tags, **tags}.items() if value is not None}
    start = 8 + 2 + 12 * len(values) + 4
    packed = {key: _pack(value, order) for key, value in sorted(values.items())}
    extra_at = start
    places = {}
    for key, (_, _, body) in packed.items():
        if len(body) > 4:
            places[key], extra_at = extra_at, extra_at + len(body)
    packed[273] = _pack(extra_at, order)
    entries, extra = b"", b""
    for key, (kind, count, body) in packed.items():
        entries += struct.pack(f"{order}HHI", key, kind, count)
        entries += struct.pack(f"{order}I", places[key]) if key in places else body.ljust(4, b"\0")
        extra += body if key in places else b""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(values))
    return head + entries + bytes(4) + extra + data


def _pack(value: "Value", order: str) -> tuple[int, int, bytes]:
    if isinstance(value, np.ndarray):
        return 3, value.size, value.astype(f"{order}u2").tobytes()
    if isinstance(value, bytes):
        return 7, len(value), value
    numbers = [value] if isinstance(value, int) else list(value)
    return 4, len(numbers), struct.pack(f"{order}{len(numbers)}I", *numbers)


def packed_bits(samples: np.ndarray, bits: int) -> bytes:
    """Return unsigned samples (H, samples of a row) in ``bits`` each, the highest first, rows ending on bytes."""
    places = (samples[..., None].astype(np.uint64) >> np.arange(bits - 1, -1, -1, dtype=np.uint64)) & np.uint64(1)
    return np.packbits(places.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()
