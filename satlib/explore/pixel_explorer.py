"""An explorer of one pixel: it is typed, or clicked on the first picture, which shows the image edge to edge."""

from collections.abc import Sequence
from typing import Any

import ipywidgets as widgets

from satlib.explore.clickable_image import Clickable
from satlib.explore.explorer import Explorer


class PixelExplorer(Explorer):
    """Knobs ``row`` and ``column``, and the picture ``photo`` that sets both when it is clicked.

    Parameters
    ----------
    grid
        (H, W); the middle is chosen first.
    photo
        The first picture: the image, edge to edge. It becomes clickable.
    knobs, pictures
        All others, which follow those.
    """

    def __init__(
        self,
        grid: tuple[int, int],
        photo: Clickable[Any],
        knobs: Sequence[Any],
        pictures: Sequence[Clickable[Any]] = (),
    ) -> None:
        self.grid = grid
        self.row, self.column = (
            widgets.BoundedIntText(value=n // 2, min=0, max=n - 1, description=name)
            for n, name in zip(grid, ("row", "column"), strict=True)
        )
        self.photo = photo
        self.photo.clickable = True
        self.photo.observe(self._clicked, names="clicked")
        super().__init__((self.row, self.column, *knobs), (self.photo, *pictures))

    @property
    def pixel(self) -> tuple[int, int]:
        """Row and column of the chosen pixel."""
        return int(self.row.value), int(self.column.value)

    @property
    def token(self) -> int:
        """The chosen pixel's position in raster order."""
        row, column = self.pixel
        return row * self.grid[1] + column

    def pixel_at(self, across: float, down: float) -> tuple[int, int]:
        """Return row and column of the pixel at shares of the picture's width and height."""
        height, width = self.grid
        return min(height - 1, max(0, int(down * height))), min(width - 1, max(0, int(across * width)))

    def _clicked(self, change: dict[str, Any]) -> None:
        row, column = self.pixel_at(*change["new"])
        self.turn({self.row: row, self.column: column})
