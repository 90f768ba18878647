"""`attention`: what one pixel reads in an SAA layer, the aggregated tokens and the pixels behind them.

:func:`satlib.analysis.attention_maps.attended` runs the network for each set of queries. Here it runs once, and what a
query reads is computed when it is chosen, from what the layer took in.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from satlib.analysis.attention_maps import merging_weights
from satlib.analysis.layer_tokens import Features, at_home, layer_names
from satlib.dta.aggregation import Aggregation
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn
from satlib.explore.layer_picture import LayerDrawing, LayerPicture, layer_data
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.dta.clusters import LARGEST
from satlib.figures.explorers.attention import reading
from satlib.figures.kit.show import quick_png
from satlib.images.inputs import ImageLike, small_image
from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.model import SAT
from satlib.upscaling.models import ModelLike, network


def attention(model: ModelLike, image: ImageLike) -> "AttentionExplorer":
    """Return an explorer of selective aggregation attention; as the last value of a notebook cell it is displayed.

    A query pixel is clicked, or typed as row and column: the aggregated tokens that it reads most, the pixels behind
    them, and all of its weights. Further knobs: layer, head. ``result`` is what DTA chose in the layer, ``seen`` the
    weights that are shown.

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2") or a file of weights. It is not changed.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 96 pixels.

    Raises
    ------
    ValueError, OSError
        If it is no image or no network.
    """
    found = network(model)
    if found is None:
        raise ValueError("model must be a network, its name or a file of weights, got None: patches have no attention")
    return AttentionExplorer(found, small_image(image))


class Seen(NamedTuple):
    """What one query reads in one layer, in one head or in the mean of all."""

    weights: Tensor
    """(K,) attention weights; their sum is 1."""
    pixels: Tensor
    """(H, W) the same, carried on to the pixels; see :meth:`satlib.analysis.attention_maps.Attended.pixels`."""


class AttentionExplorer(PixelExplorer):
    """Made by :func:`attention`."""

    result: Aggregation
    seen: Seen

    def __init__(self, model: SAT, image: Tensor) -> None:
        self.features, self.modules, self.config = Features(image, model), model.saa_layers(), model.config
        self._made: dict[int, tuple[Aggregation, Tensor]] = {}
        heads = [(f"head {i + 1}", i) for i in range(model.config.heads)]
        self.layer = knobs.choice("layer", layer_names(model))
        self.head = knobs.choice("head", [("mean of all", None), *heads])
        super().__init__(self.features.grid, LayerPicture(), (self.layer, self.head), (Picture(),))

    def draw(self) -> Drawn:
        """Draw what the chosen pixel reads in the chosen layer and head."""
        layer, head = self.layer.value, self.head.value
        made, merging = self._layer(layer)
        every = attention_weights(self.modules[layer], self.features.tokens(layer)[0, self.token], made)
        weights = every.mean(0) if head is None else every[head]
        seen = Seen(weights, (weights[made.assignment[0]] * merging).view(self.features.grid))
        most = made.centers[0, weights.argsort(descending=True)[: len(LARGEST)]].tolist()
        photo = LayerDrawing(
            self.features.image,
            ("reading",),
            layer_data(made, reading=every if head is None else every[head : head + 1], weight=merging),
            "The image under what the marked pixel reads, bright where it is much, with dots in colours on the "
            f"centres of the {len(most)} tokens read most.",
            marked=self.pixel,
            dots=tuple(zip(most, LARGEST, strict=False)),
        )
        maps = reading(seen.pixels, seen.weights, self.token)
        self.result, self.seen = made, seen
        text = describe(seen.weights)
        return Drawn(
            (photo, Drawing(quick_png(maps), f"Map of what is read, and the weights. {text}")),
            text,
        )

    @torch.inference_mode()
    def _layer(self, layer: int) -> tuple[Aggregation, Tensor]:
        """Return what a layer aggregates, and the weight (N,) of each token in the one that it is merged into."""
        if layer not in self._made:
            made, options = self.features.aggregate(layer, self.config), self.modules[layer].options
            x, way, tau = self.features.tokens(layer)[0], options["aggregation"], options["temperature"]
            self._made[layer] = made, merging_weights(x, made, aggregation=way, temperature=tau)
        return self._made[layer]


@torch.inference_mode()
def attention_weights(module: SelectiveAggregationAttention, query: Tensor, made: Aggregation) -> Tensor:
    """Return what a token (C,) reads of the aggregated ones in a layer, (heads, K); each head's weights sum to 1."""
    like = module.query.weight
    there = made._replace(tokens=made.tokens.to(like), counts=made.counts.to(like.device))
    weights = module.weights(query.to(like).view(1, 1, -1), there)  # (1, heads, 1, K)
    return at_home(weights[0, :, 0])


def describe(weights: Tensor) -> str:
    """Return in one line how weights (K,) are spread."""
    order = weights.sort(descending=True).values
    read = float(torch.special.entr(weights).sum().exp())
    return (
        f"{read:.0f} of {len(weights):,} aggregated tokens are read (exp of the entropy); the one read most has "
        f"{order[0]:.1%} of the weight, the first five {order[:5].sum():.1%}"
    )
