"""CAT-A: windows that reach across the whole image, a few pixels wide, half of the heads in each direction.

A token meets more others in a larger image, so that the products grow faster than the image, with its pixels times its
height plus width. Settings are those of the authors' released code, github.com/zhengchen1999/CAT:
`basicsr/archs/cat_arch.py`, `basicsr/models/cat_model.py` and `options/Test/test_CAT_A_sr_x4.yml`.
"""

from satlib.complexity.peers.arithmetic import Cost, around, conv, depthwise, filled_up, linear, norm
from satlib.dta.sampling import Grid

CHANNELS, HEADS, RATIO, BLOCKS = 180, 6, 4, 6
WIDTHS = (2, 2, 2, 4, 4, 4)
"""Of the windows in each group, in pixels."""
POSITION = CHANNELS // 2 // 4 // 4
"""Channels of the network that gives the position biases, for each direction."""


def cat(scale: int, grid: Grid) -> Cost:
    """Return what CAT-A costs for an input of (H, W)."""
    height, width = filled_up(grid, max(WIDTHS))
    places, c = height * width, CHANNELS
    layers = linear(places, c, 3 * c) + depthwise(places, c, 3) + linear(places, c, c) + norm(places, c) * 2
    layers += linear(places, c, RATIO * c) + linear(places, RATIO * c, c)
    groups = Cost()
    for narrow in WIDTHS:
        windows = Cost()
        for long in (height, width):
            windows += _biases((2 * long - 1) * (2 * narrow - 1)) + Cost(products=2 * places * long * narrow * c // 2)
        groups += (layers + windows) * BLOCKS + conv(places, c, c)
    return groups + around(places, c, scale)


def _biases(offsets: int) -> Cost:
    p = POSITION
    hidden = (norm(offsets, p) + linear(offsets, p, p)) * 2
    return linear(offsets, 2, p) + hidden + norm(offsets, p) + linear(offsets, p, HEADS // 2)
