"""The theorem's toys: two clusters whose sizes differ, and which clusters one draw of the sample misses.

Clusters are drawn as columns of tokens, so that sizes are seen; a missed one has another colour and other marks.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from satlib.figures.kit.layout import GRAY
from satlib.figures.kit.sliders import check_labels, with_slider
from satlib.figures.kit.style import BLACK, BLUE, GREEN, VERMILLION, WIDTH, styled
from satlib.theory.arrays import Floats, Integers

Mask = npt.NDArray[np.bool_]

PLOT = (480, 420)
CONTROLS = 120
"""Width and height of the plotly figure in pixels, and the height of title and slider, which a page draws outside."""


class Tokens(NamedTuple):
    """Where tokens are drawn, and which kind each is."""

    column: Integers
    """(N,) cluster of each token, in 0..K-1, the smallest cluster first."""
    height: Integers
    """(N,) place of each token in its cluster, from 0: sampled ones at the bottom."""
    sampled: Mask
    """(N,) whether the token is sampled."""
    missed: Mask
    """(N,) whether the token's cluster has no sampled token."""


def arrange(labels: Integers, sample: Integers) -> Tokens:
    """Arrange tokens with labels (N,) in 0..K-1, sorted by size, and sampled positions (S,), in columns."""
    sampled = np.isin(np.arange(len(labels)), sample)
    order = np.lexsort((~sampled, labels))
    sizes = np.bincount(labels)
    height = np.empty(len(labels), dtype=np.int64)
    height[order] = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    hit = np.bincount(labels[sampled], minlength=len(sizes)) > 0
    return Tokens(labels, height, sampled, ~hit[labels])


@styled
def draw_and_errors(tokens: Tokens, errors: Floats, missed: Integers, ratio: float, toy: tuple[float, float]) -> Figure:
    """Draw two clusters' error by their size ratio, one draw in columns, and the errors of the draws so far.

    Parameters
    ----------
    tokens
        The last draw.
    errors, missed
        (R,) relative errors of the draws, the last one last, and how many clusters each misses.
    ratio, toy
        Largest over smallest cluster, and the relative error of two duplicate clusters with that ratio, without and
        with log n in the logits.
    """
    figure = Figure(figsize=(WIDTH, 3.1))  # laid out by hand: a knob should show its effect at once
    axes = figure.subplots(1, 3, width_ratios=(1, 1.6, 1))
    figure.subplots_adjust(left=0.07, right=0.99, bottom=0.15, top=0.92, wspace=0.35)
    _two_clusters(axes[0], ratio, toy)
    draw_columns(axes[1], tokens)
    axes[1].set(title="this draw, cluster by cluster", xlabel="cluster", ylabel="tokens", ylim=(0, None))
    axes[1].legend(loc="upper left", markerscale=1.6, handletextpad=0)
    _errors(axes[2], errors, missed)
    return figure


def draw_columns(ax: Axes, tokens: Tokens) -> None:
    """Draw tokens in columns, one for each cluster, each kind of token in a colour and with marks of its own."""
    for name, (where, color, marker, _) in _kinds(tokens).items():
        ax.scatter(tokens.column[where] + 1, tokens.height[where] + 1, s=9, color=color, marker=marker, label=name)


def _two_clusters(ax: Axes, ratio: float, toy: tuple[float, float]) -> None:
    place = np.geomspace(1, 64, 100)
    ax.plot(place, place / (1 + place) - 0.5, color=BLUE, label="zero queries")
    ax.plot(place, np.tanh(np.log(place) / 4), color=BLACK, linestyle="--", label="at most")
    ax.plot([ratio], toy[:1], "o", color=VERMILLION, label="measured")
    ax.plot([ratio], toy[1:], "s", color=GREEN, label="with log n")
    ax.set(title="two clusters", xlabel="size ratio", ylabel="error / ‖v₁ − v₂‖", xscale="log", ylim=(0, 1))
    ax.set_xticks([1, 4, 16, 64], ["1", "4", "16", "64"])
    ax.set_xticks([], minor=True)
    ax.legend(loc="upper left")


def _errors(ax: Axes, errors: Floats, missed: Integers) -> None:
    hit = missed == 0
    draws = np.arange(1, len(errors) + 1)
    ax.scatter(draws[hit], errors[hit], s=16, color=GREEN, marker="o")
    ax.scatter(draws[~hit], errors[~hit], s=22, color=VERMILLION, marker="x")
    ax.plot(draws[-1:], errors[-1:], "o", ms=13, fillstyle="none", color=BLACK)
    ax.set(title="errors (×: one missed)", xlabel="draw (ring: this one)", ylabel="relative", yscale="log")
    ax.set_xlim(0, max(len(errors), 10) + 1)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))


def draws_slider(draws: Mapping[str, Tokens], *, name: str, start: str, notes: Mapping[str, str]) -> go.Figure:
    """Draw tokens in columns, one for each cluster, with a slider over several draws; plotly.

    Parameters
    ----------
    draws
        By the label of the slider's step.
    name, start
        What the slider changes, and the label where it stands at first.
    notes
        A line of text for each label, shown above the figure.

    Raises
    ------
    ValueError
        If ``start`` is not a label, or the labels of the notes differ.
    """
    check_labels(draws, start, notes)
    highest = max(int(tokens.height.max()) for tokens in draws.values()) + 1
    layout = {
        "template": "none",
        "width": PLOT[0],
        "height": PLOT[1] + CONTROLS,
        "meta": {"controls": CONTROLS},
        "margin": {"l": 50, "r": 10, "t": 40, "b": 45},
        "xaxis": {"title": {"text": "cluster, the smallest first"}, "fixedrange": True, "zeroline": False},
        "yaxis": {"title": {"text": "tokens"}, "fixedrange": True, "zeroline": False, "range": [0, 1.05 * highest]},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    return with_slider({label: _traces(tokens) for label, tokens in draws.items()}, layout, name, start, notes)


def _kinds(tokens: Tokens) -> dict[str, tuple[Mask, str, str, str]]:
    """Return which tokens are of each kind, its colour, and its mark in matplotlib and in plotly."""
    return {
        "sampled": (tokens.sampled, BLUE, "o", "circle"),
        "not sampled": (~tokens.sampled & ~tokens.missed, GRAY, ".", "circle-open"),
        "in a missed cluster": (tokens.missed, VERMILLION, "x", "x"),
    }


def _traces(tokens: Tokens) -> list[go.Scatter]:
    return [
        go.Scatter(
            x=(tokens.column[where] + 1).astype(np.int16),
            y=(tokens.height[where] + 1).astype(np.int16),
            name=name,
            mode="markers",
            marker={"size": 5, "color": color, "symbol": symbol},
            hovertemplate="cluster %{x}",
        )
        for name, (where, color, _, symbol) in _kinds(tokens).items()
    ]
