"""`centers`: how DTA chooses centres, and the clusters around them, on patches or in the layers of a network."""

from collections.abc import Callable
from typing import NamedTuple

from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.layer_tokens import Features, aggregations_with, feature_names
from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn, Explorer
from satlib.explore.layer_picture import LayerDrawing, LayerPicture, layer_data
from satlib.figures.dta.centers import decision_graph, score_maps
from satlib.figures.dta.clusters import cluster_maps
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.model import SAT
from satlib.upscaling.models import ModelLike, network


class View(NamedTuple):
    """What is shown of one choice: on the image, and in a figure beside it."""

    drawings: tuple[str, ...]
    """Keys of :data:`satlib.explore.layer_picture.NEEDS`."""
    words: str
    figure: Callable[[Tensor, Aggregation], Figure]
    alt: str
    """What there is to see in the figure, in words."""


VIEWS = {
    "centres": View(
        ("sample", "centers"),
        "blue dots on the sampled tokens, yellow ones on the centres, large and orange on the best tenth of them",
        lambda image, result: decision_graph(result),
        "Separation against density of the sampled tokens, the centres marked.",
    ),
    **{
        name: View(
            (name,),
            f"dots on the sampled tokens, large and bright where the {name} is high",
            score_maps,
            "Maps of the density, the separation and the score of the sampled tokens.",
        )
        for name in ("density", "separation", "score")
    },
    "clusters": View(
        ("clusters",),
        "the clusters, tinted, with borders",
        cluster_maps,
        "The image in the mean colours of its clusters; the five largest clusters; the sizes of all.",
    ),
}


def centers(model: ModelLike | None, image: ImageLike) -> "CenterExplorer":
    """Return an explorer of how DTA chooses centres; as the last value of a notebook cell it is displayed.

    Knobs: what is shown, features (patches or a layer), beta, keep ratio, m, sampling, draw. With a layer, the network
    runs up to it with these settings. ``result`` is the last :class:`satlib.dta.Aggregation`.

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2"), a file of weights, or ``None`` for the patches alone. It is not
        changed.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 96 pixels.

    Raises
    ------
    ValueError, OSError
        If it is no image or no network.
    """
    return CenterExplorer(network(model), small_image(image))


class CenterExplorer(Explorer):
    """Made by :func:`centers`."""

    result: Aggregation

    def __init__(self, model: SAT | None, image: Tensor) -> None:
        self.image, self.features = image, Features(image, model)
        self.model = model
        self._ran: tuple[SATConfig, list[Aggregation]] | None = None  # settings of the last run, and its layers
        self.view = knobs.choice("show", list(VIEWS))
        self.layer = knobs.choice("features", feature_names(model))
        self.beta, self.keep_ratio, self.neighbors = knobs.beta(), knobs.keep_ratio(), knobs.neighbors()
        self.sampling, self.seed = knobs.sampling(), knobs.draw()
        super().__init__(
            (self.view, self.layer, self.beta, self.keep_ratio, self.neighbors, self.sampling, self.seed),
            (LayerPicture(), Picture()),
        )

    def draw(self) -> Drawn:
        """Run DTA with the knobs' settings and draw the chosen view."""
        result = self._aggregate(self.layer.value)
        view = VIEWS[self.view.value]
        photo = LayerDrawing(self.image, view.drawings, layer_data(result), f"The image with {view.words}.")
        figure = Drawing(quick_png(view.figure(self.image, result)), view.alt)
        self.result = result
        return Drawn((photo, figure), describe(result))

    def _aggregate(self, layer: int | None) -> Aggregation:
        config = self.features.config(layer).replace(
            subsample=self.beta.value,
            keep_ratio=self.keep_ratio.value,
            neighbors=self.neighbors.value,
            sampling=self.sampling.value,
            seed=self.seed.value,
        )
        if layer is None or self.model is None:
            return self.features.aggregate(None, config)
        if self._ran is None or self._ran[0] != config or layer >= len(self._ran[1]):
            self._ran = config, aggregations_with(self.model, config, self.image, layer)
        return self._ran[1][layer]


def describe(result: Aggregation) -> str:
    """Return the sizes of an aggregation of one image in one line."""
    n_tokens, n_sampled, n_centers = (t.shape[1] for t in (result.assignment, result.sample, result.centers))
    largest, empty = int(result.counts.max()), int((result.counts == 0).sum())
    return (
        f"{n_tokens:,} tokens, {n_sampled:,} sampled, {n_centers:,} centres; "
        f"largest cluster {largest:,} tokens, empty clusters {empty:,}"
    )
