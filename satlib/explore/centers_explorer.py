"""`centers`: how DTA chooses centres, and the clusters around them, on patches or in the layers of a network."""

from collections.abc import Callable

from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.layer_tokens import Features, aggregations_with, feature_names
from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.explore import knobs
from satlib.explore.clickable_image import Picture
from satlib.explore.explorer import Drawing, Drawn, Explorer
from satlib.figures.dta.centers import centers_on_image, decision_graph, score_maps
from satlib.figures.dta.clusters import cluster_maps
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.model import SAT
from satlib.upscaling.models import ModelLike, network

VIEWS: dict[str, Callable[[Tensor, Aggregation], Figure]] = {
    "centres": centers_on_image,
    "density, separation, score": score_maps,
    "clusters": cluster_maps,
    "decision graph": lambda image, result: decision_graph(result),
}

ALT = {
    "centres": "The image three times: alone, with the sampled tokens, with the centres.",
    "density, separation, score": "Maps of the density, the separation and the score of the sampled tokens.",
    "clusters": "The image in the mean colours of its clusters; the five largest clusters; the sizes of all.",
    "decision graph": "Separation against density of the sampled tokens, the centres marked.",
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
            (self.view, self.layer, self.beta, self.keep_ratio, self.neighbors, self.sampling, self.seed), (Picture(),)
        )

    def draw(self) -> Drawn:
        """Run DTA with the knobs' settings and draw the chosen view."""
        result = self._aggregate(self.layer.value)
        drawing = Drawing(draw(self.view.value, self.image, result), ALT[self.view.value])
        self.result = result
        return Drawn((drawing,), describe(result))

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


def draw(view: str, image: Tensor, result: Aggregation) -> bytes:
    """Return one of ``VIEWS`` as a PNG, quickly: a knob should show its effect at once."""
    return quick_png(VIEWS[view](image, result))


def describe(result: Aggregation) -> str:
    """Return the sizes of an aggregation of one image in one line."""
    n_tokens, n_sampled, n_centers = (t.shape[1] for t in (result.assignment, result.sample, result.centers))
    largest, empty = int(result.counts.max()), int((result.counts == 0).sum())
    return (
        f"{n_tokens:,} tokens, {n_sampled:,} sampled, {n_centers:,} centres; "
        f"largest cluster {largest:,} tokens, empty clusters {empty:,}"
    )
