"""The clusters that DTA makes: what is left of the image, the largest ones, and how unequal they are."""

import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import check_single
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, SKY, panels, show_image, styled

LARGEST = (ORANGE, SKY, GREEN, BLUE, PURPLE)


@styled
def cluster_maps(image: Tensor, result: Aggregation) -> Figure:
    """Draw every pixel in its cluster's mean colour, the five largest clusters, and the sizes of all."""
    check_single(image, result)
    figure, axes = panels(3, image.shape[1] / image.shape[2])
    show_image(axes[0], mean_colors(image, result.assignment[0]), "mean colour of each cluster")
    show_image(axes[1], largest_clusters(image, result), "the five largest clusters")
    _draw_sizes(axes[2], result.counts[0])
    return figure


def mean_colors(image: Tensor, assignment: Tensor) -> Tensor:
    """Return the image (3, H, W) with the pixels of each cluster in their mean colour; assignment (N,)."""
    n_clusters = int(assignment.max()) + 1
    colors = image.flatten(1)  # (3, N)
    total = colors.new_zeros(3, n_clusters).index_add(1, assignment, colors)
    members = torch.bincount(assignment, minlength=n_clusters).clamp_min(1)
    return (total / members)[:, assignment].view_as(image)


def largest_clusters(image: Tensor, result: Aggregation) -> Tensor:
    """Return the image (3, H, W) in pale grey, the members of its five largest clusters in five colours."""
    painted = (0.55 + 0.45 * image.mean(0, keepdim=True)).repeat(3, 1, 1).flatten(1)
    for cluster, color in zip(result.counts[0].argsort(descending=True).tolist(), LARGEST, strict=False):
        painted[:, result.assignment[0] == cluster] = painted.new_tensor(to_rgb(color)).unsqueeze(1)
    return painted.view_as(image)


def _draw_sizes(ax: Axes, counts: Tensor) -> None:
    ordered = counts.sort(descending=True).values
    ax.plot(range(1, len(ordered) + 1), ordered.tolist(), color=BLUE)
    ax.set(title="cluster sizes, largest first", xlabel="rank", yscale="symlog", ylim=(0, None))
