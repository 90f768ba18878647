"""Two clusters of equal tokens: a dot for each token, and what three ways to attend make of their numbers."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
import torch
from torch import Tensor

from satlib import dta
from satlib.figures.kit.layout import plot_layout
from satlib.figures.kit.sliders import with_slider
from satlib.figures.kit.style import BLUE, ORANGE
from satlib.figures.theory.labels import words
from satlib.plain import attend

ROWS = 10
"""Dots in a column of the two clusters."""
WAYS = ("exact attention", "SAA", "SAA with log n")


def weights(tokens: Tensor) -> dict[str, Tensor]:
    """Return the weights of two clusters (2,) for a query of zeros, by the way to attend.

    ``tokens`` are (N, 2): the first cluster's are (1, 0), the second's (0, 1), so an output is the clusters' weights.
    """
    x = tokens.unsqueeze(0)
    made = dta.aggregate(x, 2, sample=torch.arange(len(tokens)), neighbors=1)
    read = ((x, torch.zeros(len(tokens))), (made.tokens, torch.zeros(2)), (made.tokens, made.counts[0].log()))
    query = torch.zeros(1, 1, 2)
    return {way: attend(query, t, t, 1, bias)[0, 0] for way, (t, bias) in zip(WAYS, read, strict=True)}


def dots_and_weights(toys: Mapping[int, Tensor]) -> go.Figure:
    """Draw the tokens of two clusters beside the weights that three ways to attend give them, with a slider.

    ``toys`` holds the tokens (N, 2), as :func:`weights` takes them, by the ratio of the two sizes.
    """
    found = {ratio: weights(tokens) for ratio, tokens in toys.items()}
    sizes = {ratio: tokens.sum(0).int().tolist() for ratio, tokens in toys.items()}
    notes = {
        f"1 : {r}": f"{a} blue and {b} orange tokens, and a query that prefers none" for r, (a, b) in sizes.items()
    }
    traces = {f"1 : {r}": [*_tokens(sizes[r]), *_bars(found[r])] for r in toys}
    widest = max(map(sum, sizes.values())) / ROWS
    bare = {
        "showgrid": False,
        "zeroline": False,
        "showline": False,
        "showticklabels": False,
        "ticks": "",
        "fixedrange": True,
    }
    layout = plot_layout(
        (600, 235),
        (5, 5, 120, 5),
        controls=120,
        x={**bare, "domain": [0, 0.44], "range": [-0.7, widest]},
        y={**bare, "range": [-0.7, ROWS + 0.9]},
    )
    layout |= {
        "xaxis2": {**bare, "domain": [0.52, 1], "range": [0, 1], "anchor": "y2"},
        "yaxis2": {**bare, "range": [-0.35, 2.65], "anchor": "x2"},
        "barmode": "stack",
        "showlegend": False,
        "annotations": [words(way, 0, 2.4 - i, axes=("x2", "y2")) for i, way in enumerate(WAYS)],
    }
    start = list(traces)[len(traces) // 2]
    return with_slider(traces, layout, "blue : orange", start, notes)


def _tokens(sizes: Sequence[int]) -> list[go.Scatter]:
    place, drawn = 0, []
    for count, color, symbol in zip(sizes, (BLUE, ORANGE), ("circle", "square"), strict=True):
        where = np.arange(place, place + count)
        place += count
        drawn.append(
            go.Scatter(
                x=where // ROWS,
                y=ROWS - where % ROWS,
                mode="markers",
                marker={"size": 7, "color": color, "symbol": symbol},
                hoverinfo="skip",
            )
        )
    return drawn


def _bars(found: Mapping[str, Tensor]) -> list[go.Bar]:
    drawn = []
    for number, (color, ink) in enumerate(((BLUE, "white"), (ORANGE, "black"))):
        shares = [round(float(w[number]), 4) for w in found.values()]
        drawn.append(
            go.Bar(
                x=shares,
                y=[2, 1, 0],
                xaxis="x2",
                yaxis="y2",
                orientation="h",
                width=0.46,
                marker={"color": color},
                text=[f"{share:.0%}" for share in shares],
                textposition="inside",
                insidetextanchor="middle",
                textangle=0,
                textfont={"color": ink, "size": 13},
                hoverinfo="skip",
            )
        )
    return drawn
