"""`centers`: how DTA chooses centres, and the clusters around them, on patches or in the layers of a network."""

import copy
from collections.abc import Callable
from contextlib import ExitStack, suppress

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from satlib.analysis.layer_tokens import Features, batch_for, feature_names, layer_modules
from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.explore import knobs
from satlib.explore.clickable_image import Picture
from satlib.explore.explorer import Drawing, Drawn, Explorer
from satlib.figures.dta.centers import centers_on_image, decision_graph, score_maps
from satlib.figures.dta.clusters import cluster_maps
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.model import SAT, eval_mode
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
        self._variant = None if model is None else copy.deepcopy(model)
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
            subsample=self.beta.value, keep_ratio=self.keep_ratio.value, neighbors=self.neighbors.value,
            sampling=self.sampling.value, seed=self.seed.value,
        )  # fmt: skip
        if layer is None or self._variant is None:
            return self.features.aggregate(None, config)
        if self._ran is None or self._ran[0] != config or layer >= len(self._ran[1]):
            self._ran = config, run_with(self._variant, config, self.image, layer)
        return self._ran[1][layer]


class _EnoughError(Exception):
    """Ends a forward pass whose rest is not needed."""


@torch.inference_mode()
def run_with(model: SAT, config: SATConfig, image: Tensor, last: int) -> list[Aggregation]:
    """Give the SAA layers of a network the settings of ``config``; return what they choose on an image (3, H, W).

    The network runs up to the layer ``last``. Only settings of DTA may differ from its own: the weights stay.
    """
    found: list[Aggregation] = []

    def keep(module: nn.Module, inputs: object, output: tuple[Tensor, Aggregation]) -> None:
        found.append(Aggregation(*(t.cpu() for t in output[1])))
        if len(found) > last:
            raise _EnoughError

    with eval_mode(model), suppress(_EnoughError), ExitStack() as hooks:
        for layer in layer_modules(model):
            layer.config = config
            hooks.enter_context(layer.register_forward_hook(keep))
        model(batch_for(model, image))
    return found


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
