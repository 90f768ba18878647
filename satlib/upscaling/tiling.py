"""How an image goes through a network: whole or in tiles, once or in eight orientations, in which number format."""

from dataclasses import dataclass
from typing import Literal

from satlib.upscaling.precision import FORMATS, Format

Tile = int | Literal["auto"] | None
"""Side of a tile in input pixels; ``None``: the whole image; "auto": the whole image, or tiles that fit in memory."""

Precision = Format | Literal["auto"]
"""Number format of the network: `satlib.upscaling.precision`. "auto": "float32" where the whole image fits in memory
with it; else, on a GPU that has it, "bfloat16", which mostly changes less than tiles do (`python -m benchmarks
precision`)."""

MIN_TILE = 16
"""Smallest side of a tile, in input pixels."""


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """The choices of a run that are not the network's. They do not concern the bicubic baseline.

    Raises
    ------
    ValueError
        If a field has a value that it cannot have.
    """

    tile: Tile = None
    """More than two overlaps, at least `MIN_TILE`; "auto" and ``None`` as in :data:`Tile`."""
    overlap: int = 16
    """Input pixels that neighbouring tiles share at least; they are blended there."""
    ensemble: bool = False
    """Average over the eight flips and quarter turns of the input."""
    precision: Precision = "float32"
    """As in :data:`Precision`."""

    def __post_init__(self) -> None:
        """Check every field."""
        if isinstance(self.overlap, bool) or not isinstance(self.overlap, int) or self.overlap < 0:
            raise ValueError(f"overlap must be an integer >= 0, got {self.overlap!r}")
        if self.precision not in (*FORMATS, "auto"):
            raise ValueError(f"precision must be one of {', '.join(FORMATS)}, auto, got {self.precision!r}")
        if self.tile is None or self.tile == "auto":
            return
        if isinstance(self.tile, bool) or not isinstance(self.tile, int) or self.tile < MIN_TILE:
            raise ValueError(f'tile must be None, "auto" or an integer >= {MIN_TILE}, got {self.tile!r}')
        if self.tile <= 2 * self.overlap:
            raise ValueError(f"tile must be more than twice the overlap of {self.overlap}, got {self.tile}")


WHOLE = Tiling()
"""The whole image at once, in float32."""
