"""The forest behind the separation: each sampled token points to the nearest denser one."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.dta.vectors import positions
from satlib.figures.dta.centers import check_single, mark
from satlib.figures.kit.style import BLUE, CENTER, VERMILLION, panels, show_image, styled


@styled
def link_maps(image: Tensor, result: Aggregation, denser: Tensor) -> Figure:
    """Draw, over the image (3, H, W), a line from each sampled token to its nearest denser one.

    ``denser`` (S,) is what :func:`satlib.analysis.neighborhoods.nearest_denser` gives for the sample. Left the tokens
    that do not become centres, right the centres: their links are the ones that are cut. The densest token has no link.
    """
    check_single(image, result)
    sample = result.sample[0]
    linked = denser != torch.arange(len(denser), device=denser.device)
    center = torch.isin(sample, result.centers[0])
    cut, kept = linked & center, linked & ~center
    figure, axes = panels(2, image.shape[1] / image.shape[2])
    show_image(axes[0], image, f"{int(kept.sum()):,} links that are kept", alpha=0.5)
    _draw_links(axes[0], sample, denser, kept, image.shape[2], BLUE)
    show_image(axes[1], image, f"{int(center.sum()):,} centres, {int(cut.sum()):,} links that are cut", alpha=0.5)
    _draw_links(axes[1], sample, denser, cut, image.shape[2], VERMILLION)
    mark(axes[1], image, result.centers[0], CENTER, share=1.4, edge=0.5)
    return figure


def _draw_links(ax: Axes, sample: Tensor, denser: Tensor, which: Tensor, width: int, color: str) -> None:
    ends = torch.stack((positions(sample[which], width), positions(sample[denser[which]], width)), dim=1)
    lines: list[np.ndarray[tuple[int, ...], np.dtype[np.float64]]] = list(ends.flip(-1).numpy())
    ax.add_collection(LineCollection(lines, colors=color, linewidths=0.5, alpha=0.7))
