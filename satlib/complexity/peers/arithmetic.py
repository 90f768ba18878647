"""The cost of a layer, and of what all super-resolution transformers have: the image in front and the upsampler behind.

Places are how many times a layer is applied: pixels for a convolution, tokens for a linear layer.
"""

from dataclasses import dataclass
from math import log2

from satlib.complexity.layer_costs import NORM_OPERATIONS
from satlib.dta.sampling import Grid
from satlib.support.checks import require


@dataclass(frozen=True)
class Cost:
    """What a layer costs, or a network; costs are added, and multiplied by how often a part is repeated."""

    params: int = 0
    macs: int = 0
    """Multiply-adds of linear and convolution layers."""
    normalised: int = 0
    """Elements that pass through a LayerNorm."""
    products: int = 0
    """Multiply-adds of products of two computed matrices."""

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(
            self.params + other.params,
            self.macs + other.macs,
            self.normalised + other.normalised,
            self.products + other.products,
        )

    def __mul__(self, times: int) -> "Cost":
        """Return the cost of so many parts of the same kind, each with parameters of its own."""
        return Cost(self.params * times, self.macs * times, self.normalised * times, self.products * times)

    @property
    def published(self) -> int:
        """Multiply-adds by the convention that gives SAT's FLOPs in Table A, see `satlib.complexity.Complexity`."""
        return self.macs + NORM_OPERATIONS * self.normalised

    @property
    def total(self) -> int:
        """Those, and the products outside of layers."""
        return self.published + self.products


def linear(places: int, inputs: int, outputs: int, *, bias: bool = True) -> Cost:
    """Return the cost of a linear layer."""
    return Cost(inputs * outputs + outputs * bias, places * inputs * outputs)


def conv(places: int, inputs: int, outputs: int, kernel: int = 3, *, groups: int = 1) -> Cost:
    """Return the cost of a convolution with bias and a square kernel."""
    weights = outputs * (inputs // groups) * kernel**2
    return Cost(weights + outputs, places * weights)


def depthwise(places: int, channels: int, kernel: int) -> Cost:
    """Return the cost of a convolution of each channel by itself."""
    return conv(places, channels, channels, kernel, groups=channels)


def norm(places: int, channels: int) -> Cost:
    """Return the cost of a LayerNorm."""
    return Cost(params=2 * channels, normalised=places * channels)


def channel_attention(channels: int, squeezed: int) -> Cost:
    """Return the cost of two 1 x 1 convolutions on the mean of the image, which is a single place."""
    return conv(1, channels, squeezed, 1) + conv(1, squeezed, channels, 1)


def around(places: int, channels: int, scale: int, features: int = 64) -> Cost:
    """Return the cost of everything around the groups: first convolution, two norms, last of the body, upsampler.

    The upsampler is the classic one: a convolution to ``features`` channels, one before every pixel shuffle (of 2, or
    of 3), and the last one at full size.

    Raises
    ------
    ValueError
        If the scale is not 2, 3 or 4.
    """
    require(scale in (2, 3, 4), "scale", scale, "2, 3 or 4")
    body = conv(places, 3, channels) + norm(places, channels) * 2 + conv(places, channels, channels)
    steps, factor = (1, 3) if scale == 3 else (int(log2(scale)), 2)
    shuffles = (conv(places * factor ** (2 * i), features, features * factor**2) for i in range(steps))
    return sum(shuffles, body + conv(places, channels, features)) + conv(places * scale**2, features, 3)


def filled_up(grid: Grid, multiple: int) -> Grid:
    """Return (H, W) filled up to multiples of a number, as these networks do with an image of another size."""
    height, width = (-(-side // multiple) * multiple for side in grid)
    return height, width
