"""Low-resolution files of one's own beside photographs: what a store takes in place of downscaled versions."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from satlib.data.likeness import check_alike
from satlib.data.pairs import Pairs
from satlib.images.degradation import downscale
from satlib.images.folder import image_files, read_8bit, with_channels


class LowFiles:
    """The files of a folder, each the low-resolution version of one photograph (:mod:`satlib.data.pairs`).

    Parameters
    ----------
    folder
        Its images, in all of its folders.
    photographs
        The files that they belong to.
    scale
        By which they differ.

    Raises
    ------
    ValueError, OSError
        If it is no folder of images.
    """

    def __init__(self, folder: Path, photographs: Sequence[Path], scale: int) -> None:
        self.folder, self.scale = folder, scale
        files = image_files(folder, nested=True)
        self._pairs = Pairs(photographs, files, scale)
        stats = [(path.relative_to(folder).as_posix(), path.stat()) for path in files]
        self.sources = [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats]
        """What tells whether the files have changed: name, bytes, time of the last change."""

    def read(self, photograph: Path, shape: tuple[int, int], channels: int = 3) -> npt.NDArray[np.uint8]:
        """Return the low-resolution version of a photograph of (H, W) pixels: (H // s, W // s, channels).

        Raises
        ------
        ValueError, OSError
            If there is none or more than one, it has another size, or cannot be read; the message names the file.
        """
        path = self._pairs.low_of(photograph)
        if path is None:
            raise ValueError(f"{self.folder} has no low-resolution version of {photograph}")
        pixels = read_8bit(path)
        wanted = (shape[0] // self.scale, shape[1] // self.scale)
        if pixels.shape[:2] != wanted:
            found = f"{pixels.shape[0]} x {pixels.shape[1]}"
            raise ValueError(
                f"{path} has {found} pixels, not {wanted[0]} x {wanted[1]}, 1/{self.scale} of {photograph}"
            )
        return with_channels(pixels, channels)

    def check(self, photograph: Path, pixels: npt.NDArray[np.uint8]) -> None:
        """Raise what :meth:`read` raises, and ValueError if the two show different things.

        ``pixels`` are those of the photograph, (H, W, channels).
        """
        low = self.read(photograph, (pixels.shape[0], pixels.shape[1]), pixels.shape[2])
        small = downscale(pixels, self.scale) if self.scale > 1 else pixels
        check_alike(low, small, f"{self._pairs.low_of(photograph)} and {photograph}")
