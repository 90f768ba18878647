"""Scenes that only reading from afar can restore: one random texture at four places, sampled differently at each.

A scene is a random field in which the same tile of another random field stands once in every quadrant, near the corner.
The copies are equal pixel by pixel in high resolution, but begin at even or odd rows and columns, one for each of the
four combinations. Downscaled by 2, each therefore shows other samples of the tile. The tile has detail between the
highest frequency that one copy shows without aliasing (1/4 of the high resolution's samples) and `CUTOFF`; from one
copy it can only be guessed, from all four it follows.

In a broken scene every copy but the first has a tile of its own; all else is the same. How much better a network
restores the first tile in the scene than in the broken one is what it gains from the copies, by whatever way.

Shapes: P side of a low-resolution scene, T side of a tile in it, s = 2 the scale.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from satlib.data.scenes import SCALE, Scene, noise

PHASES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Row and column of the sampling grid at which a copy begins, in high-resolution pixels."""

CUTOFF = 0.36
"""Highest frequency of a field, in cycles per high-resolution pixel."""

DETAIL = 20.0
"""Standard deviation of the texture, in levels of 255."""

COLOR = 100.0
"""How far red, from the first row of a tile to the last, and blue, from the first column to the last, go from below the
grey texture to above it, in levels."""

SMOOTH = 0.05
"""Highest frequency of what is around the tiles."""


def copies(seed: Sequence[int], *, side: int = 48, tile: int = 6, broken: bool = False) -> Scene:
    """Draw a scene of copies.

    Parameters
    ----------
    seed
        Numbers that fix it, such as a data set's and the scene's.
    side, tile
        P and T.
    broken
        Give all tiles but the first textures of their own.

    Returns
    -------
    Scene
        Its parts of interest are the tiles, in the order of `PHASES`.

    Raises
    ------
    ValueError
        If the side is below 16, or the tiles do not fit into the quadrants with a pixel to spare.
    """
    if side < 16:
        raise ValueError(f"side must be at least 16, got {side}")
    if not 1 <= tile <= side // 2 - 1:
        raise ValueError(f"tile must be in 1..{side // 2 - 1} for side={side}, got {tile}")
    random = np.random.default_rng(seed)
    pixels = np.repeat(127.5 + DETAIL * noise(random, SCALE * side, SMOOTH)[..., None], 3, axis=2)
    texture, *others = (painted(noise(random, SCALE * side, CUTOFF)[: SCALE * tile, : SCALE * tile]) for _ in range(4))
    slack = min(side // 2 - 1 - tile, side // 16)
    corners, size = [], SCALE * tile
    for number, quadrant in enumerate(random.permutation(4)):
        inward = random.integers(0, slack + 1, 2)
        far = side - 1 - tile  # of the quadrants at the right and bottom: room for a phase of 1
        place = [far - step if half else step for half, step in zip(divmod(int(quadrant), 2), inward, strict=True)]
        top, left = (SCALE * int(at) + phase for at, phase in zip(place, PHASES[number], strict=True))
        source = others[number - 1] if broken and number else texture
        pixels[top : top + size, left : left + size] = source
        corners.append((top, left))
    return Scene(np.clip(np.round(pixels), 0, 255).astype(np.uint8), tuple(corners), tile, judged=1)


def painted(texture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a grey texture (side, side) of variance 1 as pixels (side, side, 3) whose colour says the place."""
    place = COLOR * np.linspace(-1, 1, len(texture))
    shift = np.zeros((*texture.shape, 3))
    shift[..., 0], shift[..., 2] = place[:, None], place[None, :]
    return 127.5 + DETAIL * texture[..., None] + shift
