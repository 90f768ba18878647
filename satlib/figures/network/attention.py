"""What queries read in selective aggregation attention: the tokens, the pixels behind them, and how many."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import TwoSlopeNorm, to_rgb
from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.attention_maps import Attended
from satlib.figures.dta.clusters import LARGEST
from satlib.figures.kit.style import BLACK, BLUE, WIDTH, frame_off, panels, show_image, styled

LIMIT = 3
"""Doublings and halvings that the colours of a map of one query span."""

RELATIVE = 1.2
"""The same where queries are compared with each other."""


@styled
def relative_maps(image: Tensor, queries: Tensor, ratios: Tensor) -> Figure:
    """Draw the image with its queries, and for each how much more it reads every pixel's cluster than others do.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    queries
        (Q,) positions in raster order, numbered stars.
    ratios
        (Q, H, W) positive: the weight of each pixel's cluster over its mean for all queries. More is orange.
    """
    height, width = image.shape[1:]
    figure, axes = panels(1 + len(queries), height / width, columns=2)
    show_image(axes[0], image, "input and queries")
    for number, (ax, query, ratio) in enumerate(zip(axes[1:], queries.tolist(), ratios, strict=True), 1):
        drawn = ax.imshow(ratio.log2().numpy(), cmap="PuOr_r", norm=TwoSlopeNorm(0, -RELATIVE, RELATIVE))
        frame_off(ax, f"read by query {number}")
        for place in (ax, axes[0]):
            place.plot(query % width, query // width, "*", ms=14, color="white", markeredgecolor=BLACK)
        axes[0].annotate(
            str(number),
            (query % width, query // width),
            xytext=(7, 4),
            textcoords="offset points",
            bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none"},
        )
    bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.6, aspect=40, pad=0.02, extend="both")
    bar.set_ticks((-1, 0, 1), labels=["1/2", "1", "2"])
    bar.set_label("weight of a pixel's token, times its mean over all queries")
    return figure


def doublings(weight: Tensor) -> Tensor:
    """Return log2 of weights (..., N), which sum to 1, over their mean 1 / N; at least -20."""
    return (weight * weight.shape[-1]).clamp_min(2.0**-20).log2()


@styled
def tokens_read(image: Tensor, seen: Attended, head: int) -> Figure:
    """Draw the five tokens that the first query reads most in one head: their pixels, and all weights in order."""
    weights = seen.weights[head, 0]
    order = weights.argsort(descending=True)
    assignment = seen.layer.aggregation.assignment[0]
    painted = (0.6 + 0.4 * image.mean(0, keepdim=True)).repeat(3, 1, 1).flatten(1)
    for cluster, color in zip(order.tolist(), LARGEST, strict=False):
        painted[:, assignment == cluster] = painted.new_tensor(to_rgb(color)).unsqueeze(1)
    figure, axes = panels(2, max(0.6, image.shape[1] / image.shape[2]))
    show_image(axes[0], painted.view_as(image), "the five tokens read most: their pixels")
    query = int(seen.queries[0])
    axes[0].plot(query % image.shape[2], query // image.shape[2], "*", ms=15, color="white", markeredgecolor=BLACK)
    ordered = weights[order].numpy()
    rank = np.arange(1, len(ordered) + 1)
    axes[1].plot(rank, ordered, color=BLUE)
    axes[1].scatter(rank[:5], ordered[:5], color=LARGEST[: len(ordered)], s=45, zorder=3)
    axes[1].axhline(1 / len(ordered), color=BLACK, linewidth=1, linestyle="--")
    axes[1].text(1, 1 / len(ordered), "all alike", va="bottom")
    axes[1].set(title="attention weights, largest first", xlabel="rank", xscale="log", ylim=(0, None))
    return figure


@styled
def read_boxes(read: Mapping[str, Sequence[float]], n_tokens: int) -> Figure:
    """Draw how many of ``n_tokens`` aggregated tokens queries read, a box for each layer and head."""
    figure = Figure(figsize=(WIDTH, 0.3 * len(read) + 0.9), layout="constrained")
    ax = figure.subplots()
    ax.boxplot(
        list(read.values()),
        orientation="horizontal",
        tick_labels=list(read),
        whis=(5, 95),
        showfliers=False,
        medianprops={"color": BLUE, "linewidth": 2},
        widths=0.6,
    )
    ax.axvline(n_tokens, color=BLACK, linewidth=1, linestyle="--")
    ax.invert_yaxis()
    ax.set(xlabel=f"aggregated tokens read, of {n_tokens} (dashed)", xlim=(0, 1.03 * n_tokens))
    return figure
