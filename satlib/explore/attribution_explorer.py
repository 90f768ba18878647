"""`attribution`: what a square of the output owes its detail to, with SAA, without, and with another's tokens."""

from collections.abc import Mapping

from torch import Tensor

from satlib.analysis.attribution import Attribution, Square
from satlib.analysis.attribution import attribution as attribute
from satlib.analysis.squares import distance_from, share_beyond
from satlib.analysis.swapping import Swapped, without_selective_attention
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.explorers.attribution import maps_beside, square_on_image
from satlib.figures.explorers.pixels import edge_to_edge
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.model import SAT
from satlib.support.checks import require
from satlib.upscaling.models import Bicubic, ModelLike, Upscaler, get_model

SIDE = 48
"""Longer side of the image: a map takes a run forward and back for each step of its path."""

STEPS = 10
"""Of the path; the completeness in the line of numbers says whether they were enough."""

FAR = 8
"""Pixels from the square beyond which the line of numbers calls a map far."""

OWN, OFF, BICUBIC = "own tokens", "SAA off", "bicubic"


def attribution(
    model: ModelLike | Upscaler,
    image: ImageLike,
    *,
    other: ImageLike | None = None,
    beside: ModelLike | Upscaler | None = None,
) -> "AttributionExplorer":
    """Return an explorer of attribution maps; as the last value of a notebook cell it is displayed.

    A click, or row and column, is the middle of a square of the output. Two networks are compared, by their maps and
    the difference: the network itself, without the output of its SAA layers, with the aggregated tokens of another
    image, and bicubic interpolation. Further knobs: which two, and the side of the square. ``maps`` has the maps of
    the square by name, computed when they are first looked at.

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2"), a file of weights, or another
        :class:`satlib.upscaling.models.Upscaler`, which is compared with bicubic interpolation alone.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 48 pixels.
    other
        The image whose tokens are read in the swap; by default the image itself, turned by 180 degrees.
    beside
        A further network of the same scale to compare, for example "convolutional-x2".

    Raises
    ------
    ValueError, OSError
        If it is no image or no network, the scales differ, or the image is too small for a square.
    """
    small = small_image(image, SIDE)
    foreign = small.flip((1, 2)) if other is None else small_image(other, SIDE)
    network = get_model(model)
    further = None if beside is None else get_model(beside)
    return AttributionExplorer(variants(network, foreign, further), small)


def variants(network: Upscaler, foreign: Tensor, further: Upscaler | None = None) -> dict[str, Upscaler]:
    """Return what is compared, by name: of a SAT also without SAA, and with the tokens of ``foreign`` (3, H, W).

    Raises
    ------
    ValueError
        If the further network has another scale.
    """
    found: dict[str, Upscaler] = {OWN: network}
    if isinstance(network, SAT):
        found |= {"another's tokens": Swapped(network, foreign), OFF: without_selective_attention(network)}
    if further is not None:
        require(further.scale == network.scale, "beside", further.name, f"a network of scale {network.scale}")
        found[further.name] = further
    return found | {BICUBIC: Bicubic(network.scale)}


class AttributionExplorer(PixelExplorer):
    """Made by :func:`attribution`."""

    maps: dict[str, Attribution]

    def __init__(self, networks: Mapping[str, Upscaler], image: Tensor) -> None:
        self.networks, self.image = dict(networks), image
        self.scale = next(iter(self.networks.values())).scale
        shortest = self.scale * min(image.shape[1:])
        sides = tuple(side for side in (2, 4, 8, 16, 32) if side <= shortest)
        require(bool(sides), "image", tuple(image.shape), "two pixels a side at least, enlarged by the network")
        names = list(self.networks)
        self.left, self.right = (knobs.choice(n, names, v) for n, v in (("left", names[0]), ("right", names[1])))
        self.side = knobs.slider("side", sides, min(16, sides[-1]))
        self.maps = {}
        self._of: Square | None = None
        further = (self.left, self.right, self.side)
        super().__init__((image.shape[1], image.shape[2]), Picture(), further, (Picture(),))

    @property
    def square(self) -> Square:
        """The square of the output, as near to the chosen pixel as the border lets it be."""
        side, places = int(self.side.value), []
        for knob, length in zip((self.row, self.column), self.grid, strict=True):
            first = self.scale * int(knob.value) + self.scale // 2 - side // 2
            places.append(max(0, min(self.scale * length - side, first)))
        return Square(places[0], places[1], side)

    def draw(self) -> Drawn:
        """Compute the maps of the square that are not known yet, and draw two and their difference."""
        square = self.square
        if square != self._of:
            self.maps, self._of = {}, square
        for name in (self.left.value, self.right.value):
            if name not in self.maps:
                self.maps[name] = attribute(self.networks[name], self.image, square, steps=STEPS)
        pair = {name: self.maps[name] for name in (self.left.value, self.right.value)}
        words = "; ".join(describe(name, found, square, self.scale) for name, found in pair.items())
        photo = square_on_image(self.image, square, self.scale)
        return Drawn(
            (
                Drawing(edge_to_edge(photo), "The image with a frame around the square that is explained."),
                Drawing(quick_png(maps_beside(square, self.scale, pair)), f"Maps of what it owes each pixel: {words}."),
            ),
            words,
        )


def describe(name: str, found: Attribution, square: Square, scale: int) -> str:
    """Return what a map says in numbers: diffusion index, what lies far from the square, what is not explained."""
    shares = share_beyond(found.map, distance_from(square, (found.map.shape[0], found.map.shape[1]), scale))
    far = float(shares[min(FAR, len(shares) - 1)])
    return (
        f"{name}: diffusion index {found.diffusion_index:.2f}, {far:.2%} beyond {FAR} pixels, "
        f"{found.missing:.1%} unexplained"
    )
