"""`aggregation`: what becomes of one cluster's members, their weights, and the length of the token made of them."""

from typing import NamedTuple

import torch
from torch import Tensor

from satlib import dta
from satlib.analysis.attention_maps import merging_weights
from satlib.analysis.layer_tokens import Features, feature_names
from satlib.config import SATConfig
from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn
from satlib.explore.layer_picture import LayerDrawing, LayerPicture, layer_data
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.explorers.aggregation import weights_and_norms
from satlib.figures.kit.show import quick_png
from satlib.figures.kit.style import BLUE
from satlib.images.inputs import ImageLike, small_image
from satlib.upscaling.models import ModelLike, network


class Merged(NamedTuple):
    """One cluster and the token that is made of it."""

    cluster: int
    """Its number, in order of the centres' scores, from 0."""
    center: int
    """Position of its centre."""
    members: Tensor
    """(n,) positions, ascending."""
    weights: Tensor
    """(n,) weights of the members; they sum to 1."""
    norms: Tensor
    """(n,) lengths of the members."""
    before: float
    """Length of the aggregated token before its norm is restored."""
    after: float
    """Its length afterwards."""

    @property
    def counting(self) -> float:
        """How many members count: 1 / sum of squared weights, from 1 to n."""
        return 1 / float(self.weights.square().sum())


def aggregation(model: ModelLike | None, image: ImageLike) -> "AggregationExplorer":
    """Return an explorer of one cluster's aggregation; as the last value of a notebook cell it is displayed.

    A pixel is clicked, or typed as row and column, and with it the cluster that it belongs to: its members by weight,
    and the length of the aggregated token before and after norm restoration. Further knobs: features (patches or a
    layer), aggregation method, temperature, norm restoration. ``result`` is the last :class:`satlib.dta.Aggregation`,
    ``merged`` the cluster.

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2"), a file of weights, or ``None`` for the patches alone. It is not
        changed, and what a layer takes in does not follow the knobs.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 96 pixels.

    Raises
    ------
    ValueError, OSError
        If it is no image or no network.
    """
    return AggregationExplorer(Features(small_image(image), network(model)))


class AggregationExplorer(PixelExplorer):
    """Made by :func:`aggregation`."""

    result: dta.Aggregation
    merged: Merged

    def __init__(self, features: Features) -> None:
        self.features = features
        self.layer = knobs.choice("features", feature_names(features.model))
        self.aggregation = knobs.choice("merging", AGGREGATIONS)
        self.temperature = knobs.slider("τ", (0.003, 0.01, 0.03, 0.1, 0.3, 1.0), 0.1)
        self.norm_restoration = knobs.choice("norm", NORM_RESTORATIONS)
        further = (self.layer, self.aggregation, self.temperature, self.norm_restoration)
        super().__init__(features.grid, LayerPicture(), further, (Picture(),))

    def draw(self) -> Drawn:
        """Aggregate, and draw the cluster of the chosen pixel."""
        layer, image = self.layer.value, self.features.image
        config = self.features.config(layer).replace(
            aggregation=self.aggregation.value,
            temperature=self.temperature.value,
            norm_restoration=self.norm_restoration.value,
        )
        result = self.features.aggregate(layer, config)
        merged = merged_at(self.features.tokens(layer), result, self.token, config)
        photo = LayerDrawing(
            image,
            ("reading",),
            read_alone(result, merged),
            f"The image under the weights of the {len(merged.members)} members of one cluster, bright where they are "
            "large; a line around them, a blue dot on their centre.",
            marked=self.pixel,
            outlined=True,
            dots=((merged.center, BLUE),),
        )
        lengths = weights_and_norms(merged.weights, merged.norms, before=merged.before, after=merged.after)
        self.result, self.merged = result, merged
        return Drawn((photo, Drawing(quick_png(lengths), describe(merged))), describe(merged))


@torch.inference_mode()
def merged_at(x: Tensor, result: dta.Aggregation, token: int, config: SATConfig) -> Merged:
    """Return the cluster that one of the tokens (1, N, C) belongs to; ``config`` has the settings behind ``result``."""
    cluster = int(result.assignment[0, token])
    members = (result.assignment[0] == cluster).nonzero().flatten()
    way, tau = config.aggregation, config.temperature
    weights = merging_weights(x[0], result, aggregation=way, temperature=tau)
    plain, _ = dta.merge(x, result.centers, result.assignment, aggregation=way, temperature=tau)
    return Merged(
        cluster,
        int(result.centers[0, cluster]),
        members,
        weights[members],
        x[0, members].norm(dim=1),
        float(plain[0, cluster].norm()),
        float(result.tokens[0, cluster].norm()),
    )


def read_alone(result: dta.Aggregation, merged: Merged) -> dict[str, Tensor]:
    """Return a layer's data as of a query that reads this cluster alone: each member then counts by its weight."""
    reading = torch.zeros(1, result.centers.shape[1])
    weight = torch.zeros(result.assignment.shape[1])
    reading[0, merged.cluster], weight[merged.members] = 1, merged.weights.to(weight)
    return layer_data(result, reading=reading, weight=weight)


def describe(merged: Merged) -> str:
    """Return in one line what a cluster becomes."""
    return (
        f"cluster {merged.cluster + 1}: {len(merged.members):,} members, of which {merged.counting:.1f} count; length "
        f"of its token {merged.before:.3f} before and {merged.after:.3f} after norm restoration, of its members "
        f"{merged.norms.min():.3f} to {merged.norms.max():.3f}"
    )
