"""One cluster: its members by the weight that they have in the aggregated token, and the lengths before and after."""

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from satlib.figures.dta.centers import mark
from satlib.figures.explorers.pixels import canvas, star
from satlib.figures.kit.style import BLACK, BLUE, GREEN, SKY, VERMILLION, panels, styled

LIGHT = "#FFC29A"
"""Colour of a member without weight; the one of the largest weight is vermillion."""


@styled
def members_on_image(image: Tensor, members: Tensor, weights: Tensor, *, center: int, token: int) -> Figure:
    """Draw the members of a cluster over the grey image, the darker the larger their weight.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    members, weights
        (n,) positions and weights, not negative.
    center, token
        Positions of the centre, a blue dot, and of the chosen token, a star.
    """
    figure, ax = canvas(painted_members(image, members, weights))
    mark(ax, image, torch.tensor([center]), BLUE, share=2, edge=1)
    star(ax, token, image.shape[2])
    return figure


def painted_members(image: Tensor, members: Tensor, weights: Tensor) -> Tensor:
    """Return the image (3, H, W) in pale grey, the members (n,) of a cluster orange, darker with a larger weight."""
    painted = (0.75 + 0.25 * image.mean(0, keepdim=True)).repeat(3, 1, 1).flatten(1)  # (3, N)
    light, dark = (painted.new_tensor(to_rgb(color)).unsqueeze(1) for color in (LIGHT, VERMILLION))
    share = (weights / weights.max().clamp_min(1e-12)).to(painted.dtype)
    painted[:, members] = light + (dark - light) * share
    return painted.view_as(image)


def painted_center(image: Tensor, token: int) -> Tensor:
    """Return the image (3, H, W) with a blue cross of five pixels, as far as they are inside, on one token."""
    painted, (row, column) = image.clone(), divmod(token, image.shape[2])
    for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
        if 0 <= row + down < image.shape[1] and 0 <= column + right < image.shape[2]:
            painted[:, row + down, column + right] = painted.new_tensor(to_rgb(BLUE))
    return painted


@styled
def weights_and_norms(weights: Tensor, norms: Tensor, *, before: float, after: float) -> Figure:
    """Draw the weights of a cluster's members in order, and the lengths of members and aggregated token.

    Parameters
    ----------
    weights, norms
        (n,) weights of the members, which sum to 1, and their lengths.
    before, after
        Length of the aggregated token before and after its norm is restored.
    """
    figure, axes = panels(2, 0.6)
    _draw_weights(axes[0], weights)
    longest = 1.05 * max(float(norms.max()), before, after, 1e-6)
    axes[1].hist(norms.numpy(), bins=np.linspace(0, longest, 49).tolist(), color=SKY, label="members")
    axes[1].axvline(before, color=GREEN, linewidth=2, linestyle="--", label="token before")
    axes[1].axvline(after, color=VERMILLION, linewidth=2, label="token after")
    axes[1].set(title="lengths", xlabel="length", ylabel="members", xlim=(0, longest))
    figure.legend(*axes[1].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    return figure


def _draw_weights(ax: Axes, weights: Tensor) -> None:
    """Draw weights (n,) as multiples of 1 / n, largest first."""
    relative = weights.sort(descending=True).values * len(weights)
    ax.plot(range(1, len(relative) + 1), relative.tolist(), ".-", color=BLUE)
    ax.axhline(1, color=BLACK, linewidth=1, linestyle="--")
    ax.set(title="weights, largest first", xlabel="rank", ylabel="times the mean", ylim=(0, None))
