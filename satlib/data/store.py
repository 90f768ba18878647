"""A prepared store: photographs and their downscaled versions as raw pixels in files that are mapped into memory.

For each resolution there is one file of 8-bit pixels, (H, W, I) per image, one image after the other: ``hr.u8``,
``x2.u8`` ... I is 3, RGB, or 1, grey. A random crop touches only its own rows, nothing is decoded, and all worker
processes share the system's page cache. :mod:`satlib.data.store_writer` makes stores.

Shapes: H, W height and width of a photograph, I its channels, s scale, P side of a low-resolution crop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from satlib.data.record import check_record, read_record
from satlib.support.checks import integers, one_of
from satlib.support.errors import first_line
from satlib.support.paths import as_path

HIGH = "hr.u8"


@dataclass(frozen=True)
class Entry:
    """One photograph of a store, and the file that it was read from."""

    name: str
    """Path below the folder of photographs, with forward slashes."""
    size: int
    """Bytes of the file."""
    changed: int
    """When the file was last changed, in nanoseconds."""
    height: int
    width: int


class Pair(NamedTuple):
    """A crop in both resolutions."""

    lr: Tensor
    """(I, P, P) uint8."""
    hr: Tensor
    """(I, sP, sP) uint8."""


def low_name(scale: int) -> str:
    """Return the name of the file of the images downscaled by ``scale``."""
    return f"x{scale}.u8"


class Layout:
    """Where each image of one resolution lies in its file."""

    def __init__(self, entries: list[Entry], scale: int = 1, channels: int = 3) -> None:
        """``scale`` is what the photographs are divided by; sides that do not divide lose the remainder."""
        self.channels = channels
        self.shapes = np.array([(e.height // scale, e.width // scale) for e in entries], dtype=np.int64).reshape(-1, 2)
        self.ends = channels * np.cumsum(self.shapes.prod(axis=1))
        self.bytes = int(self.ends[-1]) if len(entries) else 0

    def view(self, pixels: npt.NDArray[np.uint8], index: int) -> npt.NDArray[np.uint8]:
        """Return image ``index``, (height, width, I), of a file's pixels, without copying."""
        height, width = self.shapes[index]
        end = self.ends[index]
        return pixels[end - self.channels * height * width : end].reshape(height, width, self.channels)


class Store:
    """The photographs of a store and their versions at one scale.

    It can be given to worker processes: each maps the files anew.

    Parameters
    ----------
    path
        The folder that `satlib data prepare` made.
    scale
        One of the scales that it was prepared for; or 1, for which the photographs are enough: unless it has degraded
        files for it, low resolution is the photographs themselves.

    Raises
    ------
    ValueError
        If it is no complete store, has not this scale, or its files have other sizes than recorded.
    """

    def __init__(self, path: str | Path, scale: int) -> None:
        self.path, self.scale = as_path(path, "store"), scale
        record = read_record(self.path)
        if record is None or "store" not in record["about"]:
            raise ValueError(f"{path} is not a complete store; `satlib data prepare PHOTOS --to {path}` makes one")
        own = low_name(scale) in record["files"]
        if not own and scale != 1:
            raise ValueError(
                f"{path} has no scale {scale}; `satlib data prepare PHOTOS --to {path} --scale {scale}` adds it"
            )
        problems = check_record(self.path, record, deep=False)
        if problems:
            raise ValueError(f"{path}: {problems[0]}; `satlib data prepare PHOTOS --to {path}` repairs it")
        self.entries = entries_of(record)
        self.channels = channels_of(record)
        """Of each image, I: 3 or 1."""
        self.paired = low_name(scale) in record["about"].get("pairs", {})
        """Whether the low resolution is of files of its own, not downscaled."""
        parts = (HIGH, low_name(scale)) if self.paired else (HIGH,)
        self.fingerprint = "+".join(str(record["files"][name]["sha256"]) for name in parts)
        """The same for stores of the same photographs, or pairs, wherever they are."""
        self._high, self._low = (Layout(self.entries, s, self.channels) for s in (1, scale))
        if self._high.bytes != record["files"][HIGH]["bytes"]:
            raise ValueError(
                f"{path}: its photographs should have {self._high.bytes} bytes, {HIGH} has "
                f"{record['files'][HIGH]['bytes']}; `satlib data prepare PHOTOS --to {path}` repairs it"
            )
        self._high_pixels = map_pixels(self.path / HIGH)
        self._low_pixels = map_pixels(self.path / (low_name(scale) if own else HIGH))

    def __reduce__(self) -> tuple[type["Store"], tuple[Path, int]]:
        """Pickle as the arguments: a memory map would be pickled as its whole content."""
        return Store, (self.path, self.scale)

    def __len__(self) -> int:
        """Return the number of photographs."""
        return len(self.entries)

    def hr(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a whole photograph, (H, W, I), read-only and not yet read from disk."""
        return self._high.view(self._high_pixels, index)

    def lr(self, index: int) -> npt.NDArray[np.uint8]:
        """Return its downscaled version, (H // s, W // s, I), read-only and not yet read from disk."""
        return self._low.view(self._low_pixels, index)

    def crop(self, index: int, top: int, left: int, size: int) -> Pair:
        """Return the crop of side P = ``size`` whose corner is at (top, left) in low-resolution pixels.

        Raises
        ------
        ValueError
            If it does not lie inside the image.
        """
        height, width = self._low.shapes[index]
        if size < 1 or not (0 <= top <= height - size and 0 <= left <= width - size):
            raise ValueError(f"no {size} x {size} crop at ({top}, {left}) of {height} x {width} pixels")
        s = self.scale
        low = self.lr(index)[top : top + size, left : left + size]
        high = self.hr(index)[s * top : s * (top + size), s * left : s * (left + size)]
        return Pair(_tensor(low), _tensor(high))

    def large_enough(self, size: int) -> list[int]:
        """Return the photographs that a crop of side P = ``size`` can be cut from.

        Raises
        ------
        ValueError
            If there is none.
        """
        found: list[int] = np.flatnonzero(self._low.shapes.min(axis=1) >= size).tolist()
        if not found:
            raise ValueError(f"no photograph of {self.path} has {size} x {size} pixels at scale 1/{self.scale}")
        return found

    def random_crop(self, size: int, generator: torch.Generator, indices: Sequence[int]) -> Pair:
        """Return a crop of side P = ``size`` at a random place of one of the photographs ``indices``.

        Each of them is equally likely, whatever its size, as in the training code of SAT and its peers; so is every
        place in it.
        """
        index = int(indices[_draw(len(indices), generator)])
        height, width = self._low.shapes[index]
        return self.crop(index, _draw(height - size + 1, generator), _draw(width - size + 1, generator), size)


def entries_of(record: dict[str, Any]) -> list[Entry]:
    """Return the photographs that the record of a store lists.

    Raises
    ------
    ValueError
        If it lists something else.
    """
    try:
        entries = [Entry(**values) for values in record["about"]["store"]]
    except TypeError as error:
        raise ValueError(f"the record of the store is damaged: {first_line(error)}") from error
    for entry in entries:
        integers(f"the record of the store is damaged: the size of {entry.name}", entry.height, entry.width)
    return entries


def channels_of(record: dict[str, Any]) -> int:
    """Return the channels of the images of a store; records of RGB do not say them.

    Raises
    ------
    ValueError
        If it says something else.
    """
    channels = record["about"].get("channels", 3)
    one_of("the record of the store is damaged: channels", channels, (1, 3))
    return int(channels)


def map_pixels(path: Path) -> npt.NDArray[np.uint8]:
    """Map a file of pixels into memory, read-only."""
    return np.memmap(path, dtype=np.uint8, mode="r")


def _draw(n: int, generator: torch.Generator) -> int:
    return int(torch.randint(int(n), (), generator=generator))


def _tensor(crop: npt.NDArray[np.uint8]) -> Tensor:
    """Copy (P, P, I) pixels into a contiguous tensor (I, P, P)."""
    return torch.from_numpy(crop.copy()).permute(2, 0, 1).contiguous()
