"""IPG: a graph among pixels in place of window attention, with more neighbours where there is more detail.

A group of 16 x 16 pixels chooses among 32 x 32, near ones or ones spread over the image, by turns. Settings are those
of the authors' released code, `LowLevel/IPG` of github.com/huawei-noah/Efficient-Computing:
`basicsr/archs/IPG_arch.py`, `ipg_kit.py` and `options/test_IPG_BasicSR_x*.yml`.
"""

from satlib.complexity.peers.arithmetic import (
    Cost,
    around,
    channel_attention,
    conv,
    depthwise,
    filled_up,
    linear,
    norm,
)
from satlib.dta.sampling import Grid

CHANNELS, HEADS, RATIO, GROUPS, BLOCKS = 180, 6, 4, 6, 6
GROUP, SAMPLE = 16, 32
EDGES = 256
"""Neighbours of a pixel, on average."""
HIDDEN = 512
"""Of the network that gives the position biases."""
SEARCHED = 8
"""Steps of the search for the similarity from which on pixels are neighbours."""


def ipg(scale: int, grid: Grid, *, edges: int = SAMPLE**2, convolutions: bool = True) -> Cost:
    """Return what IPG costs for an input of (H, W).

    Parameters
    ----------
    scale, grid
        Of the upsampler, and of the input.
    edges
        How many others a pixel meets in the attention. The code computes all pairs and masks most of them; a sparse
        product would take `EDGES`.
    convolutions
        Whether a block has the branch of convolutions. The parameters of Table 1 ask for it at every scale; the
        released settings leave it out at x4 (`conv_scale: 0`).
    """
    height, width = filled_up(grid, SAMPLE)
    places, c = height * width, CHANNELS
    mapped = linear(places, c, c) * 2 + linear(places, c, 2 * c) + Cost(params=HEADS)
    mlp = linear(places, c, RATIO * c) + depthwise(places, RATIO * c, 3) + linear(places, RATIO * c, c)
    block = mapped + mlp + norm(places, c) * 2 + _biases() + Cost(products=2 * places * edges * c)
    if convolutions:
        block += depthwise(places, c, 3) + conv(places, c, c, 1) + channel_attention(c, c // 30)
    group = block * BLOCKS + conv(places, c, c) + Cost(products=2 * places * (SAMPLE**2 * c + 2 * SEARCHED * 3 * 3))
    return group * GROUPS + around(places, c, scale)


def _biases() -> Cost:
    offsets = (GROUP + SAMPLE - 1) ** 2
    return linear(offsets, 2, HIDDEN) + linear(offsets, HIDDEN, HEADS, bias=False)
