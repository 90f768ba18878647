"""Synthetic scenes for experiments: what a drawn one consists of, and files and stores of them.

:mod:`satlib.data.copies` and :mod:`satlib.data.legends` draw them, for the scale 2. Each can be broken: what the parts
of interest need from far away is then replaced by something else, and all around them stays as it was.

Shapes: P side of a low-resolution scene, T side of a part of interest in it, s = 2 the scale.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from satlib.data.store_writer import prepare
from satlib.support.files import replacing

SCALE = 2

Draw = Callable[[int], "Scene"]
"""Draws the scene of a number."""


class Scene(NamedTuple):
    """A scene, and where its parts of interest are."""

    hr: npt.NDArray[np.uint8]
    """(2P, 2P, 3)."""
    corners: tuple[tuple[int, int], ...]
    """Upper left corner of each part, in high-resolution pixels."""
    tile: int
    """T; parts are 2T x 2T in high resolution."""
    judged: int
    """So many parts, the first, are the same in the broken scene."""

    def parts(self, image: npt.NDArray[np.generic]) -> list[npt.NDArray[np.generic]]:
        """Return the parts of an image (2P, 2P[, 3]) of this scene, views of (2T, 2T[, 3]) each."""
        side = SCALE * self.tile
        return [image[top : top + side, left : left + side] for top, left in self.corners]


def write_files(folder: Path, n: int, draw: Draw) -> None:
    """Write the scenes 0 to n - 1 into a folder, as PNG files.

    The folder is made if it is missing; files that are there already are kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(n):
        path = folder / f"{number:05d}.png"
        if not path.exists():
            with replacing(path) as temporary:
                Image.fromarray(draw(number).hr).save(temporary)


def write_store(folder: Path, n: int, draw: Draw) -> Path:
    """Write scenes as :func:`write_files` does, and make their store, which training reads.

    Returns
    -------
    Path
        The store, beside the folder, with ".store" added to its name. A patch of side P is a whole scene.
    """
    write_files(folder, n, draw)
    return prepare(folder, scales=[SCALE])


def noise(random: np.random.Generator, side: int, cutoff: float) -> npt.NDArray[np.float64]:
    """Return a periodic field (side, side) of mean 0 and variance 1 with equal amplitudes up to ``cutoff``.

    The cutoff is a frequency in cycles per pixel, at least 1 / side.
    """
    rows, columns = np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij")
    frequency = np.hypot(rows, columns)
    spectrum = np.fft.rfft2(random.normal(size=(side, side))) * ((frequency > 0) & (frequency <= cutoff))
    values: npt.NDArray[np.float64] = np.fft.irfft2(spectrum, s=(side, side))
    values /= values.std()
    return values
