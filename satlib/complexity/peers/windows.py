"""SwinIR and HAT, classical super-resolution: window attention. A counter knows both, which checks the formulas.

Settings and sources are those of `benchmarks/peers.py`: 180 channels, 6 groups of 6 blocks, 6 heads, MLP ratio 2.
"""

from satlib.complexity.peers.arithmetic import Cost, around, channel_attention, conv, filled_up, linear, norm
from satlib.dta.sampling import Grid

CHANNELS, GROUPS, BLOCKS, HEADS, RATIO = 180, 6, 6, 6, 2
SWINIR_WINDOW = 8
HAT_WINDOW = 16
HAT_REACH = 24
"""Side of the larger windows from which HAT's overlapping cross attention takes keys and values."""
COMPRESSED, SQUEEZED = CHANNELS // 3, CHANNELS // 30


def swinir(scale: int, grid: Grid) -> Cost:
    """Return what SwinIR costs for an input of (H, W)."""
    height, width = filled_up(grid, SWINIR_WINDOW)
    places = height * width
    group = _attention(places, SWINIR_WINDOW, SWINIR_WINDOW) * BLOCKS + conv(places, CHANNELS, CHANNELS)
    return group * GROUPS + around(places, CHANNELS, scale)


def hat(scale: int, grid: Grid) -> Cost:
    """Return what HAT costs for an input of (H, W): each block has convolutions besides, each group one more block."""
    height, width = filled_up(grid, HAT_WINDOW)
    places = height * width
    beside = conv(places, CHANNELS, COMPRESSED) + conv(places, COMPRESSED, CHANNELS)
    block = _attention(places, HAT_WINDOW, HAT_WINDOW) + beside + channel_attention(CHANNELS, SQUEEZED)
    overlapping = _attention(places, HAT_WINDOW, HAT_REACH)
    return (block * BLOCKS + overlapping + conv(places, CHANNELS, CHANNELS)) * GROUPS + around(places, CHANNELS, scale)


def _attention(places: int, window: int, reach: int) -> Cost:
    """Return the cost of a block: every token meets reach x reach others, and an MLP follows."""
    c = CHANNELS
    biases = Cost(params=(window + reach - 1) ** 2 * HEADS)
    mlp = linear(places, c, RATIO * c) + linear(places, RATIO * c, c)
    layers = linear(places, c, 3 * c) + linear(places, c, c) + mlp + norm(places, c) * 2
    return layers + biases + Cost(products=2 * places * reach**2 * c)
