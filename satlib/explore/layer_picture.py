"""An image with what a layer has chosen drawn on it, by the module that draws it on the book's page "Try it".

torch computes, `overlay.mjs` draws: the page's data come from its own kernels, here they come from satlib. The widget's
script is that module and `layer_picture.mjs`, which puts it on a canvas. Nothing is fetched from elsewhere.

Shapes: N = H*W pixels, S sampled tokens, K clusters.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import traitlets
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.explore.clickable_image import Clickable
from satlib.support.checks import one_of, require

NEEDS: dict[str, tuple[str, ...]] = {
    "centers": ("centers",),
    "sample": ("sample",),
    "clusters": ("assignment",),
    "density": ("sample", "density"),
    "separation": ("sample", "separation"),
    "score": ("sample", "score"),
    "reading": ("assignment", "counts", "reading", "weight"),
    "nothing": (),
}
"""What each drawing of `overlay.mjs` takes of a layer."""

POSITIONS = ("centers", "sample")
DTYPES = dict.fromkeys((*POSITIONS, "assignment", "counts"), "int32")
"""Of the bytes that are sent, little-endian; all others are float32."""


class LayerDrawing(NamedTuple):
    """An image, what is drawn on it, and what it is drawn from."""

    image: Tensor
    """(3, H, W) in [0, 1]."""
    drawings: tuple[str, ...]
    """Keys of NEEDS; each is drawn over the one before."""
    layer: Mapping[str, Tensor]
    """Data as :func:`layer_data` returns them."""
    alt: str
    """What there is to see, in words."""
    marked: tuple[int, int] | None = None
    """Row and column of the pixel with a frame around it."""
    outlined: bool = False
    """Whether the marked pixel's cluster has a line around it; needs ``layer["assignment"]``."""
    dots: tuple[tuple[int, str], ...] = ()
    """Large dots over all else: a position, and a CSS colour."""


def layer_data(made: Aggregation, *, reading: Tensor | None = None, weight: Tensor | None = None) -> dict[str, Tensor]:
    """Return the data of a layer as drawings take them.

    Parameters
    ----------
    made
        What DTA made of one image.
    reading
        (heads, K) what a query reads of each cluster; each head's sum is 1.
    weight
        (N,) weight of each token in its cluster.
    """
    names = ("centers", "sample", "assignment", "counts", "density", "separation", "score")
    data = {name: getattr(made, name)[0] for name in names}
    return data | {name: part for name, part in (("reading", reading), ("weight", weight)) if part is not None}


def script() -> str:
    """Return the widget's script: `overlay.mjs`, and after it `layer_picture.mjs`, which then needs no import."""
    names = ("overlay.mjs", "layer_picture.mjs")
    module, widget = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)
    plain = re.sub(r"^export (?=function|const)", "", module, flags=re.M)
    return plain + re.sub(r"^import .*\n", "", widget, flags=re.M)


class LayerPicture(Clickable[LayerDrawing]):
    """A canvas, as large as the page allows up to 384 CSS pixels, with sharp pixels."""

    _esm = script()
    rgb = traitlets.Bytes(bytes(3)).tag(sync=True)
    """The image's pixels, (H, W, 3) uint8."""
    width = traitlets.Int(1).tag(sync=True)
    height = traitlets.Int(1).tag(sync=True)
    drawings = traitlets.List(traitlets.Enum(list(NEEDS))).tag(sync=True)
    layer = traitlets.Dict().tag(sync=True)
    """Name -> {"dtype", "bytes"} of what the drawings need, and of nothing else."""
    marked = traitlets.List(traitlets.Int()).tag(sync=True)
    """Row and column, or nothing."""
    outlined = traitlets.Bool(False).tag(sync=True)
    dots: traitlets.List[list[object]] = traitlets.List().tag(sync=True)

    def show(self, drawing: LayerDrawing) -> None:
        """Show another image or layer; all that changes is sent at once.

        Raises
        ------
        ValueError
            If a drawing is unknown, or data are missing or do not fit the image.
        """
        check(drawing)
        height, width = drawing.image.shape[1:]
        pixels = (255 * drawing.image.clamp(0, 1)).round().byte().permute(1, 2, 0).contiguous()
        with self.hold_sync():
            self.alt, self.outlined = drawing.alt, drawing.outlined
            self.marked = list(drawing.marked or ())
            self.rgb, self.width, self.height = pixels.cpu().numpy().tobytes(), width, height
            self.drawings, self.dots = list(drawing.drawings), [list(dot) for dot in drawing.dots]
            self.layer = {name: packed(name, drawing.layer[name]) for name in needed(drawing)}


def packed(name: str, data: Tensor) -> dict[str, object]:
    """Return a layer's data under a name as the type of its items and their bytes, row after row."""
    dtype = DTYPES.get(name, "float32")
    items = data.detach().cpu().numpy().astype(np.dtype(dtype).newbyteorder("<"))
    return {"dtype": dtype, "bytes": items.tobytes()}


def needed(drawing: LayerDrawing) -> list[str]:
    """Return the names of all data that a drawing needs."""
    names = [name for drawn in drawing.drawings for name in NEEDS[drawn]]
    return list(dict.fromkeys([*names, *["assignment"] * drawing.outlined]))


def check(drawing: LayerDrawing) -> None:
    """Require drawings that there are, and data that fit them and the image.

    Raises
    ------
    ValueError
        If something does not fit; the message names it.
    """
    image, layer = drawing.image, drawing.layer
    require(image.ndim == 3 and len(image) == 3 and image.numel() > 0, "image", tuple(image.shape), "(3, H, W)")
    for name in drawing.drawings:
        one_of("drawing", name, tuple(NEEDS))
    height, width = image.shape[1:]
    for name in needed(drawing):
        require(name in layer, "layer", sorted(layer), f"data with {name!r}, which {drawing.drawings} need")
        _check_size(name, layer, height * width)
    places = [token for token, _ in drawing.dots]
    for name in set(POSITIONS) & set(needed(drawing)):
        places += layer[name].tolist()
    outside = [place for place in places if not 0 <= place < height * width]
    require(not outside, "positions", outside, f"in 0 to {height * width - 1}")
    row, column = drawing.marked or (0, 0)
    inside = 0 <= row < height and 0 <= column < width
    require(inside, "marked", drawing.marked, f"a pixel of {height} rows and {width} columns")
    require(not drawing.outlined or drawing.marked is not None, "marked", None, "a pixel, whose cluster is outlined")


def _check_size(name: str, layer: Mapping[str, Tensor], n_pixels: int) -> None:
    """Require data of one of the shapes (N,), (S,), (K,) and (heads, K)."""
    shape = tuple(layer[name].shape)
    if name in ("assignment", "weight"):
        require(shape == (n_pixels,), name, shape, f"({n_pixels},), an item for each pixel")
    elif name in ("density", "separation", "score"):
        sampled = len(layer["sample"])
        require(shape == (sampled,), name, shape, f"({sampled},), an item for each sampled token")
    elif name == "reading":
        clusters = len(layer["counts"])
        require(len(shape) == 2 and shape[1] == clusters, name, shape, f"(heads, {clusters})")
    else:
        require(len(shape) == 1, name, shape, "(K,) or (S,)")
