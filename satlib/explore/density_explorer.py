"""`density`: the neighbours that one pixel's density is the mean of, and the density of all sampled tokens."""

from typing import NamedTuple

import torch
from torch import Tensor

from satlib import dta
from satlib.analysis.layer_tokens import Features, feature_names
from satlib.analysis.neighborhoods import nearest
from satlib.explore import knobs
from satlib.explore.clickable_image import Drawing, Picture
from satlib.explore.explorer import Drawn
from satlib.explore.layer_picture import LayerDrawing, LayerPicture, layer_data
from satlib.explore.pixel_explorer import PixelExplorer
from satlib.figures.explorers.density import density_beside
from satlib.figures.kit.show import quick_png
from satlib.figures.kit.style import VERMILLION
from satlib.images.inputs import ImageLike, small_image
from satlib.upscaling.models import ModelLike, network


class Neighborhood(NamedTuple):
    """One token among the sampled ones."""

    neighbors: Tensor
    """(m,) positions of the sampled tokens that are most similar to it, nearest first; itself left out."""
    similarity: Tensor
    """(m,) their similarities to it, in [-1, 1]."""
    sampled: bool
    """Whether the token is in the sample; if not, it has no density in DTA."""

    @property
    def density(self) -> float:
        """The mean similarity: the token's rho, or what it would be if it were sampled; 0 without neighbours."""
        return float(self.similarity.mean()) if len(self.similarity) else 0.0


def density(model: ModelLike | None, image: ImageLike) -> "DensityExplorer":
    """Return an explorer of the density; as the last value of a notebook cell it is displayed.

    A pixel is clicked, or typed as row and column: its m nearest neighbours among the sampled tokens light up, beside
    the map of rho. Further knobs: features (patches or a layer), keep ratio, m, sampling, draw. ``result`` is the last
    :class:`satlib.dta.Aggregation`, ``neighborhood`` what is lit up.

    Parameters
    ----------
    model
        A network, a bundled name ("sat-tiny-x2") or a file of weights whose layers can be looked at beside the patches;
        what a layer takes in does not follow the knobs. ``None`` for the patches alone.
    image
        What :func:`satlib.upscale` takes, or a tensor (3, H, W) in [0, 1]; shrunk to 96 pixels.

    Raises
    ------
    ValueError, OSError
        If it is no image or no network.
    """
    return DensityExplorer(Features(small_image(image), network(model)))


class DensityExplorer(PixelExplorer):
    """Made by :func:`density`."""

    result: dta.Aggregation
    neighborhood: Neighborhood

    def __init__(self, features: Features) -> None:
        self.features = features
        self.layer = knobs.choice("features", feature_names(features.model))
        self.keep_ratio, self.neighbors = knobs.keep_ratio(), knobs.neighbors()
        self.sampling, self.seed = knobs.sampling(), knobs.draw()
        further = (self.layer, self.keep_ratio, self.neighbors, self.sampling, self.seed)
        super().__init__(features.grid, LayerPicture(), further, (Picture(),))

    def draw(self) -> Drawn:
        """Find the neighbours of the chosen pixel, and draw them and the density."""
        layer, image = self.layer.value, self.features.image
        result = self.features.aggregate(
            layer,
            self.features.config(layer).replace(
                keep_ratio=self.keep_ratio.value,
                neighbors=self.neighbors.value,
                sampling=self.sampling.value,
                seed=self.seed.value,
            ),
        )
        m = dta.n_neighbors(self.neighbors.value, result.centers.shape[1], result.sample.shape[1])
        found = neighborhood(self.features.tokens(layer)[0], result.sample[0], self.token, m)
        photo = LayerDrawing(
            image,
            ("density",),
            layer_data(result),
            "The image with dots on the sampled tokens, large and bright where the density is high; orange dots, the "
            f"largest, on the {len(found.neighbors)} neighbours of the marked pixel.",
            marked=self.pixel,
            dots=tuple((place, VERMILLION) for place in found.neighbors.tolist()),
        )
        maps = density_beside(image, result)
        self.result, self.neighborhood = result, found
        return Drawn(
            (photo, Drawing(quick_png(maps), "Map of the density of the nearest sampled token.")),
            describe(found, self.pixel, result),
        )


@torch.inference_mode()
def neighborhood(x: Tensor, sample: Tensor, token: int, m: int) -> Neighborhood:
    """Return the m tokens of a sample (S,) that are most similar to one of the tokens (N, C)."""
    others = sample[sample != token]
    unit = dta.normalize(torch.cat((x[others], x[token : token + 1])))
    near = nearest(unit, len(others), min(m, len(others)))
    return Neighborhood(others[near], unit[near] @ unit[-1], len(others) < len(sample))


def describe(found: Neighborhood, pixel: tuple[int, int], result: dta.Aggregation) -> str:
    """Return in one line what a pixel's neighbourhood says."""
    verb = "has density" if found.sampled else "is not sampled; its density would be"
    return (
        f"pixel {pixel[0]}, {pixel[1]} {verb} {found.density:.3f}, the mean similarity to {len(found.neighbors):,} of "
        f"{result.sample.shape[1]:,} sampled tokens; densities from {result.density.min():.3f} to "
        f"{result.density.max():.3f}"
    )
