"""One token and its nearest neighbours among the sampled ones, over the image; and the map of the density beside it."""

from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import check_single, mark, nearest_sampled
from satlib.figures.explorers.pixels import canvas, star
from satlib.figures.kit.style import SAMPLE, VERMILLION, frame_off, styled


@styled
def neighbors_on_image(image: Tensor, token: int, near: Tensor, sample: Tensor) -> Figure:
    """Draw the sampled tokens as small dots, the neighbours as large ones, and a star on the token.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    token
        Position of the token.
    near, sample
        (m,) and (S,) positions of its neighbours and of the sampled tokens.
    """
    figure, ax = canvas(image, alpha=0.55)
    mark(ax, image, sample, SAMPLE, share=0.5)
    mark(ax, image, near, VERMILLION, share=1.5, edge=0.5)
    star(ax, token, image.shape[2])
    return figure


@styled
def density_beside(image: Tensor, result: Aggregation) -> Figure:
    """Draw the density as a map about as large as :func:`neighbors_on_image`; pixels show their nearest sampled token.

    ``image`` is (3, H, W), ``result`` what DTA made of it.
    """
    check_single(image, result)
    height, width = image.shape[1:]
    figure = Figure(figsize=(4, min(8.0, max(0.5, 4 * height / width)) + 0.9), layout="constrained")
    ax = figure.subplots()
    shown = ax.imshow(result.density[0][nearest_sampled(result.sample[0], (height, width))].numpy())
    frame_off(ax, "density ρ of the nearest sampled token")
    figure.colorbar(shown, ax=ax, location="bottom", shrink=0.9, aspect=30, pad=0.02)
    return figure
