"""The Mersenne twister of torch's CPU generator as a part of an ONNX graph (Matsumoto and Nishimura 1998).

`satlib.weights.portable.sampler` puts it between the sizes and the draw. Shapes: N tokens, L layers.
"""

import numpy as np
from numpy.typing import NDArray

WORDS = 624
"""Words of the twister's state."""


def _cut(name: str, of: str, start: int, stop: int) -> str:
    """Return words ``start`` to ``stop`` of every layer."""
    return f"      {name} = Slice ({of}, i{start}, i{stop}, i1)\n"


def _twist(name: str, upper: tuple[str, int], lower: tuple[str, int], far: tuple[str, int], length: int) -> str:
    """Return new words: of two neighbors one bit and 31, shifted, times the twister's matrix, and a word far away."""
    parts = "".join(
        _cut(f"{name}_{letter}", of, start, start + length)
        for letter, (of, start) in zip("abc", (upper, lower, far), strict=True)
    )
    return f"""{parts}
      {name}_u = BitwiseAnd ({name}_a, upper_bit)
      {name}_l = BitwiseAnd ({name}_b, lower_bits)
      {name}_y = BitwiseOr ({name}_u, {name}_l)
      {name}_half = BitShift <direction="RIGHT"> ({name}_y, one)
      {name}_odd = BitwiseAnd ({name}_y, one)
      {name}_matrix = Mul ({name}_odd, matrix)
      {name}_mixed = BitwiseXor ({name}_half, {name}_matrix)
      {name} = BitwiseXor ({name}_mixed, {name}_c)
"""


# A round in four pieces, because a word far away is an old one for the first 227 words and a new one for the others.
ROUND = (
    _twist("t0", ("old", 0), ("old", 1), ("old", 397), 227)
    + _twist("t1", ("old", 227), ("old", 228), ("t0", 0), 227)
    + _twist("t2", ("old", 454), ("old", 455), ("t1", 0), 169)
    + _twist("t3", ("old", 623), ("t0", 0), ("t1", 169), 1)
)
WORDS_OF_KEYS = f"""
  n_words = Add (n, n)
  words_up = Add (n_words, n623)
  rounds = Div (words_up, n624)
  last, all_rounds = Loop <body = twister (int64 number, bool go, uint32[L,{WORDS}] old)
    => (bool again, uint32[L,{WORDS}] new, uint32[L,{WORDS}] kept_words)
    {{
{ROUND}
      new = Concat <axis=1> (t0, t1, t2, t3)
      again = Identity (go)
      kept_words = Identity (new)
    }}> (rounds, yes, seeded)
  by_layer = Transpose <perm=[1,0,2]> (all_rounds)
  raw_all = Reshape (by_layer, flat_shape)
  words_end = Unsqueeze (n_words, i0)
  raw = Slice (raw_all, i0, words_end, i1)
"""
"""2N words for each layer, (L, 2N) uint32, as the twister's state has them."""


def twister_state(seed: int) -> NDArray[np.uint32]:
    """Return the 624 words of ``torch.Generator().manual_seed(seed)``: of a seed it takes the last 32 bits."""
    words = [seed & 0xFFFFFFFF]
    for place in range(1, WORDS):
        words.append((1812433253 * (words[-1] ^ (words[-1] >> 30)) + place) & 0xFFFFFFFF)
    return np.array(words, np.uint32)
