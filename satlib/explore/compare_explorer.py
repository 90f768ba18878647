"""`compare`: one image upscaled by several models, two of them side by side under a slider."""

import ipywidgets as widgets
from torch import Tensor

from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.compared_models import HIGH, Models, decibels, upscale_by_all
from satlib.explore.explorer import Drawn
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.explorers.compare import enlarged, split, window
from satlib.images.inputs import ImageLike, small_image

SIDE = 192
"""Longer side of the image that is upscaled; larger ones are shrunk to it, unless the high resolution is given."""


def compare(models: Models, image: ImageLike, *, hr: ImageLike | None = None) -> "CompareExplorer":
    """Return an explorer of upscaled images; as the last value of a notebook cell it is displayed.

    All models run once, at the call. Knobs: which two are compared, where the one ends and the other begins, and the
    window: its zoom, and its centre as row and column of the input, which a click sets, too.

    Parameters
    ----------
    models
        One or several, in a sequence or by name in a mapping: networks, names ("sat-tiny-x2"), files of weights, or
        callables that map (1, 3, H, W) in [0, 1] to (1, 3, sH, sW). Bicubic interpolation is always there.
    image
        The image that is upscaled: what :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 192
        pixels, unless ``hr`` is given.
    hr
        The high resolution, s times the image's size: it can be compared with, and the PSNR is shown (Y of 8-bit
        pixels, ``s`` pixels shaved at each border).

    Raises
    ------
    ValueError, OSError
        If something is no image or no model, a model fails, the factors differ, or ``hr`` has another size.
    """
    small = small_image(image, SIDE if hr is None else None)
    outputs = upscale_by_all(models, small)
    if hr is None:
        return CompareExplorer(small, outputs, {})
    high = small_image(hr, None)
    scores = decibels(outputs, high, next(iter(outputs.values())).shape[1] // small.shape[1])
    return CompareExplorer(small, outputs | {HIGH: high}, scores)


class CompareExplorer(PixelExplorer):
    """Made by :func:`compare`; ``outputs`` has the upscaled images by name, ``psnr`` their PSNR where it is known."""

    def __init__(self, image: Tensor, outputs: dict[str, Tensor], psnr: dict[str, float]) -> None:
        self.image, self.outputs, self.psnr = image, outputs, psnr
        names = list(outputs)
        self.left, self.right = (knobs.choice(n, names, v) for n, v in (("left", names[0]), ("right", names[1])))
        self.place = widgets.IntSlider(value=50, min=0, max=100, description="divider, %")
        self.zoom = knobs.slider("zoom", (1, 2, 4, 8, 16), 1)
        super().__init__((image.shape[1], image.shape[2]), Picture(), (self.left, self.right, self.place, self.zoom))

    @property
    def span(self) -> tuple[slice, slice]:
        """The rows and columns of the outputs that are shown."""
        center = [(place.value + 0.5) / n for place, n in zip((self.row, self.column), self.grid, strict=True)]
        size = self.outputs[self.left.value].shape[1:]
        return window((size[0], size[1]), self.zoom.value, (center[0], center[1]))

    def pixel_at(self, across: float, down: float) -> tuple[int, int]:
        """Return row and column, in the input, of shares of the width and height of the window."""
        size, places = self.outputs[self.left.value].shape[1:], []
        for share, part, length, n in zip((down, across), self.span, size, self.grid, strict=True):
            place = part.start + share * (part.stop - part.start)
            places.append(min(n - 1, max(0, int(place * n / length))))
        return places[0], places[1]

    def draw(self) -> Drawn:
        """Draw the window, one image left of the divider and the other right of it."""
        rows, columns = self.span
        left, right = (self.outputs[knob.value][:, rows, columns] for knob in (self.left, self.right))
        share = self.place.value / 100
        text = f"left: {self._named(self.left.value)}; right: {self._named(self.right.value)}; rows {rows.start} to "
        text += f"{rows.stop - 1}, columns {columns.start} to {columns.stop - 1} of the upscaled image"
        drawing = Drawing(enlarged(split(left, right, share), share), f"Two upscaled images side by side, {text}.")
        return Drawn((drawing,), text)

    def _named(self, name: str) -> str:
        return f"{name}, {self.psnr[name]:.2f} dB" if name in self.psnr else name
