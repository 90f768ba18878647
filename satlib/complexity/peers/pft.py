"""PFT, the network that "27 % fewer FLOPs" refers to: window attention that keeps fewer and fewer pairs.

A window has 32 x 32 tokens. Each layer multiplies its attention by that of the layer before last, which has the same
windows, and keeps the largest for every query; from then on only these pairs are computed. Settings are those of the
authors' released code, `basicsr/archs/pft_arch.py` and `inference.py` of github.com/LabShuHangGU/PFT-SR, which are the
same at all scales; we read them in public copies of it.
"""

from math import log2

from satlib.complexity.peers.arithmetic import Cost, around, conv, depthwise, filled_up, linear, norm
from satlib.dta.sampling import Grid

CHANNELS, HEADS, RATIO, WINDOW, KERNEL = 240, 6, 2, 32, 7
GROUPS = (4, 4, 4, 6, 6, 6)
KEPT = (1024,) * 4 + (256,) * 4 + (128,) * 4 + (64,) * 6 + (32,) * 6 + (16,) * 6
"""Pairs that each layer keeps for a query; 1024 are all of a window."""


def pft(scale: int, grid: Grid) -> Cost:
    """Return what PFT costs for an input of (H, W)."""
    height, width = filled_up(grid, WINDOW)
    places, c = height * width, CHANNELS
    attention = linear(places, c, 3 * c) + depthwise(places, c, KERNEL) + linear(places, c, c)
    mlp = linear(places, c, RATIO * c) + depthwise(places, RATIO * c, KERNEL) + linear(places, RATIO * c, c)
    biases = Cost(params=(2 * WINDOW - 1) ** 2 * HEADS)
    block = attention + mlp + norm(places, c) * 2 + biases
    sparse = Cost(products=places * c * sum(q + v for q, v in pairs()))
    return block * sum(GROUPS) + conv(places, c, c) * len(GROUPS) + sparse + around(places, c, scale)


def pairs() -> list[tuple[int, int]]:
    """Return how many keys a query meets in each layer, and how many values: before and after the choice.

    The layer before last has the same windows, shifted or not, and its choice is what is left.
    """
    return [(KEPT[max(0, layer - 2)], kept) for layer, kept in enumerate(KEPT)]


def as_its_authors_count(grid: Grid) -> float:
    """Return the FLOPs of an input of (H, W) by the method `flops` of the authors' code, which gives those they print.

    It counts layers and the sparse products in multiply-adds and leaves out norms and two convolutions of the
    upsampler. Windows are not filled up, and the upsampler is that of x2 at every scale, as the file's own example has
    it.
    """
    places, c, window = grid[0] * grid[1], CHANNELS, WINDOW**2
    layer = c * 3 * c + c * c + 2 * c * c * RATIO + c * KERNEL**2 * (RATIO + 1)
    products = c * sum(q + v for q, v in pairs())
    normalising = sum(4 * c if i < 2 else 4 * c * KEPT[i - 2] / window for i in range(len(KEPT)))
    upsampler = 64 * 4 * 64 * 9 * log2(2)
    around_groups = 3 * c * 9 + c + 9 * c * c * len(GROUPS) + 3 * c * c + upsampler
    return places * (layer * len(KEPT) + products + normalising + around_groups)
