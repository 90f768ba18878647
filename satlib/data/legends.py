"""Maps with a legend: hatchings too fine for the low resolution, and far away a legend that shows them large.

A map has 4 x 4 cells. One corner cell is the legend: for each of four colours, a 2 x 2 pattern of light and dark,
magnified. Every cell that does not touch it is a region in one of the colours, hatched by the colour's pattern in its
own size: one high-resolution pixel for each of its four places. Downscaled by 2, a hatching vanishes: MATLAB's bicubic
has a zero of third order at its frequency, and its strength rises and falls smoothly from edge to edge of a region, so
that no edge betrays it. What a region looks like in high resolution can only be read in the legend.

In a broken map the legend's patterns are others, regions are the same. How much better a network restores the regions
of the map than those of the broken one is what it gains from the legend, by whatever way.

Shapes: P side of a low-resolution map, s = 2 the scale.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from satlib.data.scenes import SCALE, Scene, noise

COLORS = 4
"""Colours of a map, hues at equal distances."""

SATURATION, CONTRAST, GROUND = 45.0, 40.0, 8.0
"""In levels of 255: of a colour; of a hatching, at its strongest; and the standard deviation of the ground's light."""

PATTERNS = np.array([[[1, 1], [-1, -1]], [[1, -1], [1, -1]], [[1, -1], [-1, 1]]], dtype=np.float64)
"""Stripes of rows, stripes of columns, a chequerboard; each comes with its negative, too."""

SMOOTH = 0.04
"""Highest frequency of the ground, in cycles per high-resolution pixel."""


def legend_map(seed: Sequence[int], *, side: int = 48, broken: bool = False) -> Scene:
    """Draw a map.

    Parameters
    ----------
    seed
        Numbers that fix it, such as a data set's and the map's.
    side
        P, a multiple of 8, at least 16.
    broken
        Show other patterns in the legend.

    Returns
    -------
    Scene
        Its parts of interest are the regions.

    Raises
    ------
    ValueError
        If the side is another.
    """
    if side < 16 or side % 8:
        raise ValueError(f"side must be a multiple of 8 and at least 16, got {side}")
    random = np.random.default_rng(seed)
    pixels = np.repeat(127.5 + GROUND * noise(random, SCALE * side, SMOOTH)[..., None], 3, axis=2)
    cell, corner = side // 4, random.integers(0, 2, 2) * 3
    hues = random.permutation(COLORS) / COLORS + random.uniform()
    tints = SATURATION * np.cos(2 * np.pi * (hues[:, None] - np.arange(3) / 3))  # (colour, RGB)
    chosen, shown = random.integers(0, 6, COLORS), random.integers(1, 6, COLORS)
    legend = (chosen + shown) % 6 if broken else chosen
    top, left = SCALE * cell * corner
    for number in range(COLORS):
        row, column = (int(at) + cell * half for at, half in zip((top, left), divmod(number, 2), strict=True))
        large = np.kron(pattern(int(legend[number])), np.ones((cell // 2, cell // 2)))
        pixels[row : row + cell, column : column + cell] += tints[number] + CONTRAST * large[..., None]
    places = [(i, j) for i in range(4) for j in range(4) if max(abs(i - corner[0]), abs(j - corner[1])) >= 2]
    colors, size = random.permutation(np.arange(len(places)) % COLORS), SCALE * cell
    rise = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    for (i, j), color in zip(places, colors, strict=True):
        hatching = np.tile(pattern(int(chosen[color])), (cell, cell)) * np.outer(rise, rise)
        pixels[size * i : size * (i + 1), size * j : size * (j + 1)] += tints[color] + CONTRAST * hatching[..., None]
    corners = tuple((size * i, size * j) for i, j in places)
    return Scene(np.clip(np.round(pixels), 0, 255).astype(np.uint8), corners, cell, judged=len(corners))


def pattern(number: int) -> npt.NDArray[np.float64]:
    """Return one of the six patterns, (2, 2): those of `PATTERNS`, then their negatives."""
    signed: npt.NDArray[np.float64] = PATTERNS[number % 3] * (1 if number < 3 else -1)
    return signed
