"""The sampler of eval mode as an ONNX graph: image in; the samples of all layers, K and m out, bit for bit as satlib's.

What `satlib.dta.sampling` and `SATConfig` compute from height and width alone, in the same numbers: K, S and m in
float64, cells in int64. The random keys are those of ``torch.Generator("cpu").manual_seed(...)``, a Mersenne twister
(Matsumoto and Nishimura 1998): its recursion runs in a Loop, 624 words of 32 bits a round, all layers side by side.

The graph is text in ONNX's own notation. TopK of all sorts stably, as ONNX defines its ties: the lower index first.

Shapes: N = H*W tokens, L layers, S samples.
"""

from collections.abc import Iterator

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper, parser

from satlib.config import SATConfig
from satlib.network.geometry import layer_seed
from satlib.weights.portable.twister import WORDS, WORDS_OF_KEYS, twister_state

PREFIX = "sampler."
"""Of the names of all values inside."""

SIZES = """
  shape = Shape (image)
  h = Gather (shape, n2)
  w = Gather (shape, n3)
  n = Mul (h, w)
  n_real = Cast <to=11> (n)
  kept = Mul (n_real, keep_ratio)
  kept_whole = Cast <to=7> (kept)
  n_centers = Max (kept_whole, n1)
  k_real = Cast <to=11> (n_centers)
  wanted = Mul (k_real, subsample)
  wanted_most = Min (wanted, n_real)
  wanted_whole = Cast <to=7> (wanted_most)
  k_twice = Add (n_centers, n_centers)
  s_least = Max (k_twice, wanted_whole)
  s = Min (s_least, n)
  s_real = Cast <to=11> (s)
  near = Mul (k_real, neighbors_of_k)
  near_added = Add (near, neighbors)
  near_most = Min (near_added, s_real)
  near_whole = Cast <to=7> (near_most)
  near_least = Max (near_whole, n1)
  s_others = Sub (s, n1)
  m = Min (near_least, s_others)
  n_neighbors = Max (m, n1)
"""
"""K, S and m of `SATConfig.n_centers`, `satlib.dta.sampling.n_samples` and `satlib.dta.aggregation.n_neighbors`; m is 1
for a token alone. A cast to an integer rounds towards 0, as Python's int does."""

NEAR_SQUARES = """
  area = Div (n_real, s_real)
  side = Sqrt (area)
  h_real = Cast <to=11> (h)
  bands_real = Div (h_real, side)
  bands_round = Round (bands_real)
  bands_whole = Cast <to=7> (bands_round)
  bands_least = Max (bands_whole, n1)
  bands = Min (bands_least, h)
  token = Range (n0, n, n1)
  row = Div (token, w)
  row_start = Mul (row, w)
  column = Sub (token, row_start)
  row_bands = Mul (row, bands)
  band = Div (row_bands, h)
  parity = Mod (band, n2)
  is_odd = Cast <to=9> (parity)
  w_last = Sub (w, n1)
  back = Sub (w_last, column)
  walk = Where (is_odd, back, column)
  band_start = Mul (band, w)
  along = Add (band_start, walk)
  along_rows = Mul (along, h)
  path_key = Add (along_rows, row)
  n_all = Unsqueeze (n, i0)
  path_keys, path = TopK <axis=-1, largest=0, sorted=1> (path_key, n_all)
  share = Mul (token, s)
  cell = Div (share, n)
  labels = ScatterElements <axis=0> (token, path, cell)
  per_cell = Identity (i1)
"""
"""`satlib.dta.sampling.cell_labels`, for "stratified"."""

STRIPS = """
  token = Range (n0, n, n1)
  n_all = Unsqueeze (n, i0)
  strip = Div (n, n_centers)
  strip_of = Div (token, strip)
  strip_last = Sub (n_centers, n1)
  labels = Min (strip_of, strip_last)
  strip_gives = Div (s, n_centers)
  per_cell = Unsqueeze (strip_gives, i0)
"""
"""`satlib.dta.sampling.strip_labels`, for "strips"."""

ONE_CELL = """
  token = Range (n0, n, n1)
  n_all = Unsqueeze (n, i0)
  labels = Mul (token, n0)
  per_cell = Unsqueeze (s, i0)
"""
"""All tokens in one cell, for "random"."""

CELLS = {"stratified": NEAR_SQUARES, "strips": STRIPS, "random": ONE_CELL}
"""How each random sampling splits the tokens."""


UNIFORM = """
  a = BitShift <direction="RIGHT"> (raw, by11)
  b = BitwiseXor (raw, a)
  c = BitShift <direction="LEFT"> (b, by7)
  d = BitwiseAnd (c, temper_b)
  e = BitwiseXor (b, d)
  f = BitShift <direction="LEFT"> (e, by15)
  g = BitwiseAnd (f, temper_c)
  i = BitwiseXor (e, g)
  j = BitShift <direction="RIGHT"> (i, by18)
  tempered = BitwiseXor (i, j)
  bits = BitwiseAnd (tempered, bits24)
  whole = Cast <to=1> (bits)
  uniform = Mul (whole, tiny)
  key0 = Slice (uniform, i0, n_all, i1)
  key1 = Slice (uniform, n_all, words_end, i1)
"""
"""torch.rand: the last 24 bits of each tempered word, over 2^24; two keys (L, N)."""

DRAW = """
  key0_sorted, shuffled = TopK <axis=-1, largest=0, sorted=1> (key0, n_all)
  shuffled_labels = Gather (labels, shuffled)
  cell_sorted, by_cell = TopK <axis=-1, largest=0, sorted=1> (shuffled_labels, n_all)
  n_less = Sub (n_all, per_cell)
  before = Slice (cell_sorted, i0, n_less, i1)
  behind = Slice (cell_sorted, per_cell, n_all, i1)
  same = Equal (before, behind)
  same_real = Cast <to=1> (same)
  pads = Concat <axis=0> (i0, per_cell, i0, i0)
  surplus_sorted = Pad (same_real, pads)
  surplus = ScatterElements <axis=1> (key0, by_cell, surplus_sorted)
  order_key = Add (surplus, key1)
  s_all = Unsqueeze (s, i0)
  order_sorted, chosen = TopK <axis=-1, largest=0, sorted=1> (order_key, s_all)
  picked = GatherElements <axis=1> (shuffled, chosen)
  samples, places = TopK <axis=-1, largest=0, sorted=1> (picked, s_all)
"""
"""`satlib.dta.sampling.draw_from_cells`: a token is surplus if the one ``per_cell`` places before it is of its cell."""


def sampler(config: SATConfig) -> onnx.ModelProto:
    """Return the graph that makes ``samples`` (L, S), ``n_centers`` and ``n_neighbors`` of ``image`` (1, I, H, W).

    Raises
    ------
    ValueError
        If the configuration's sampling is not among `CELLS`.
    """
    if config.sampling not in CELLS:
        known = ", ".join(CELLS)
        raise ValueError(f"sampling {config.sampling!r} is not drawn in a file, only {known}; export it with --explore")
    steps = SIZES + CELLS[config.sampling] + WORDS_OF_KEYS + UNIFORM + DRAW
    model: onnx.ModelProto = parser.parse_model(
        '<ir_version: 10, opset_import: ["" : 20]> sampler '
        f"(float[1,{config.in_channels},height,width] image) => "
        f"(int64[layers,sampled] samples, int64 n_centers, int64 n_neighbors) {{{steps}}}"
    )
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in _constants(config))
    _rename(model.graph, {"image", "samples", "n_centers", "n_neighbors"})
    return model


def _rename(graph: onnx.GraphProto, kept: set[str]) -> None:
    """Put `PREFIX` before the names of all values but some, in the bodies of loops, too."""
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = value.name if value.name in kept else PREFIX + value.name
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [name if name in kept else PREFIX + name for name in names]
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _rename(attribute.g, kept)


def _constants(config: SATConfig) -> Iterator[tuple[str, NDArray[np.generic]]]:
    """Yield the values that the text names without making them."""
    layers = sum(config.groups)
    words = {
        "upper_bit": 0x80000000,
        "lower_bits": 0x7FFFFFFF,
        "one": 1,
        "matrix": 0x9908B0DF,
        "by11": 11,
        "by7": 7,
        "temper_b": 0x9D2C5680,
        "by15": 15,
        "temper_c": 0xEFC60000,
        "by18": 18,
        "bits24": 0xFFFFFF,
    }
    yield from ((name, np.array([word], np.uint32)) for name, word in words.items())
    yield from ((f"n{i}", np.array(i, np.int64)) for i in (0, 1, 2, 3, WORDS - 1, WORDS))
    cuts = (0, 1, 169, 170, 227, 228, 397, 454, 455, 623, 624)
    yield from ((f"i{i}", np.array([i], np.int64)) for i in cuts)
    share = not isinstance(config.neighbors, int)  # of K, else the number m itself
    yield "neighbors_of_k", np.array(float(config.neighbors) if share else 0.0)
    yield "neighbors", np.array(0.0 if share else float(config.neighbors))
    yield "keep_ratio", np.array(float(config.keep_ratio))
    yield "subsample", np.array(float(config.subsample))
    yield "flat_shape", np.array([layers, -1], np.int64)
    yield "tiny", np.array(2.0**-24, np.float32)
    yield "yes", np.array(True)
    yield "seeded", np.stack([twister_state(layer_seed(config.seed, layer)) for layer in range(layers)])
