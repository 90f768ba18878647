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
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.data.preparing import prepare
from satlib.files import replacing

SCALE = 2
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


class Scene(NamedTuple):
    """A scene, and where its tiles are."""

    hr: npt.NDArray[np.uint8]
    """(2P, 2P, 3)."""
    corners: tuple[tuple[int, int], ...]
    """Upper left corner of each of the four tiles, in high-resolution pixels; their order is that of `PHASES`."""
    tile: int
    """T; tiles are 2T x 2T in high resolution."""

    def tiles(self, image: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
        """Return the tiles of an image (2P, 2P[, 3]) of this scene, views of (2T, 2T[, 3]) each."""
        side = SCALE * self.tile
        return [image[top : top + side, left : left + side] for top, left in self.corners]


def scene(seed: Sequence[int], *, side: int = 48, tile: int = 6, broken: bool = False) -> Scene:
    """Draw a scene.

    Parameters
    ----------
    seed
        Numbers that fix it, such as a data set's and the scene's.
    side, tile
        P and T.
    broken
        Give all tiles but the first textures of their own.

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
    return Scene(np.clip(np.round(pixels), 0, 255).astype(np.uint8), tuple(corners), tile)


def painted(texture: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return a grey texture (side, side) of variance 1 as pixels (side, side, 3) whose colour says the place."""
    place = COLOR * np.linspace(-1, 1, len(texture))
    shift = np.zeros((*texture.shape, 3))
    shift[..., 0], shift[..., 2] = place[:, None], place[None, :]
    return 127.5 + DETAIL * texture[..., None] + shift


def write_files(folder: Path, n: int, *, seed: int, side: int = 48, tile: int = 6) -> None:
    """Write the scenes (seed, 0) to (seed, n - 1) into a folder, as PNG files; what is there already is kept.

    Parameters
    ----------
    folder
        Made if it is missing.
    n, seed, side, tile
        How many, and as for :func:`scene`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        path = folder / f"{number:05d}.png"
        if not path.exists():
            with replacing(path) as temporary:
                Image.fromarray(scene((seed, number), side=side, tile=tile).hr).save(temporary)


def write_scenes(folder: Path, n: int, *, seed: int, side: int = 48, tile: int = 6) -> Path:
    """Write scenes as :func:`write_files` does, and make their store, which training reads.

    Returns
    -------
    Path
        The store, beside the folder, with ".store" added to its name. A patch of side P is a whole scene.
    """
    write_files(folder, n, seed=seed, side=side, tile=tile)
    return prepare(folder, scales=[SCALE])


def noise(random: np.random.Generator, side: int, cutoff: float) -> npt.NDArray[np.float64]:
    """Return a periodic field (side, side) of mean 0 and variance 1 with equal amplitudes up to ``cutoff``."""
    rows, columns = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    frequency = np.hypot(rows, columns)
    spectrum = np.fft.rfft2(random.normal(size=(side, side))) * ((frequency > 0) & (frequency <= cutoff))
    values: npt.NDArray[np.float64] = np.fft.irfft2(spectrum, s=(side, side))
    values /= values.std()
    return values
