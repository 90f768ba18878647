"""A colour profile for CMYK, made by hand: a table of two points for each ink, as version 2 of the ICC's format has it.

No ink is white; each ink takes away its share, and what is left is the L*a*b* of what a table says.
"""

import struct
from collections.abc import Callable
from itertools import product

Lab = tuple[float, float, float]


def cmyk_profile(lab_of: Callable[[int, int, int, int], Lab]) -> bytes:
    """Return a profile; ``lab_of`` gives L (0 to 100), a and b (-128 to 127) for inks of 0 or 1 each."""
    even = bytes(range(256))
    table = b"".join(
        bytes((round(L * 2.55), round(a) + 128, round(b) + 128))
        for L, a, b in (lab_of(*inks) for inks in product((0, 1), repeat=4))
    )
    identity = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft1" + bytes(4) + bytes((4, 3, 2, 0)) + identity + even * 4 + table + even * 3
    text = b"by hand\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78)
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + text, b"wtpt": white, b"A2B0": lut}
    at, entries, bodies = 128 + 4 + 12 * len(tags), b"", b""
    for name, body in tags.items():
        body += bytes(-len(body) % 4)
        entries += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body
    head = struct.pack(">I4sI4s4s4s", at + len(bodies), bytes(4), 0x02100000, b"prtr", b"CMYK", b"Lab ")
    head += struct.pack(">6H", 2000, 1, 1, 0, 0, 0) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + entries + bodies
