"""Draws of the sample, a dot for each: the error is tiny or large, by whether a cluster was missed.

The upper panel has the errors, the lower one, over the same axis, how often a cluster is missed.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import plotly.graph_objects as go

from satlib.figures.kit.layout import plot_layout
from satlib.figures.kit.sliders import with_slider
from satlib.figures.kit.style import BLUE, GREEN, VERMILLION
from satlib.figures.theory.labels import words
from satlib.theory.arrays import Integers
from satlib.theory.decomposition import Decomposition

WIDTH, HEIGHT, CONTROLS = 600, 420, 120
LOWER = (0.0, 0.24)
"""The lower panel, as shares of the height."""
UPPER = (0.34, 1.0)
JITTER = 0.32
"""How far, at most, a dot lies from its place on the axis."""


def cliff(found: Mapping[int, Mapping[int, Decomposition]], counted: Mapping[int, Mapping[int, float]]) -> go.Figure:
    """Draw the error of each draw against beta above the chance of a missed cluster, with a slider over the sizes.

    Parameters
    ----------
    found
        Errors of R draws with labels, by the ratio of the largest cluster to the smallest and by beta.
    counted
        The probability that some cluster has no sampled token, by the same.

    Raises
    ------
    ValueError
        If the two differ in ratios or betas, or a decomposition was made without labels.
    """
    if {r: list(by_beta) for r, by_beta in found.items()} != {r: list(by_beta) for r, by_beta in counted.items()}:
        raise ValueError(
            f"found and counted must have the same ratios and betas, got {list(found)} and {list(counted)}"
        )
    betas = list(next(iter(found.values())))
    traces = {f"{r} : 1": [*_dots(found[r]), *_chances(found[r], counted[r])] for r in found}
    notes = {f"{r} : 1": _note(found[r]) for r in found}
    ticks = {"tickvals": list(range(len(betas))), "ticktext": [f"{beta}" for beta in betas], "zeroline": False}
    layout = plot_layout(
        (WIDTH, HEIGHT),
        (15, 15, CONTROLS, 45),
        controls=CONTROLS,
        x={**ticks, "title": {"text": "β = S / K"}, "range": [-0.5, len(betas) - 0.5], "anchor": "y2"},
        y={
            "type": "log",
            "domain": UPPER,
            "range": [-4.1, 1.1],
            "dtick": 1,
            "exponentformat": "power",
            "zeroline": False,
            "title": {"text": "error, relative", "standoff": 12},
        },
    )
    layout |= {
        "yaxis2": {
            "domain": LOWER,
            "range": [-0.08, 1.08],
            "tickvals": [0, 0.5, 1],
            "tickformat": ".0%",
            "showgrid": False,
            "zeroline": False,
            "automargin": True,
            "fixedrange": True,
            "title": {"text": "missed", "standoff": 12},
        },
        "showlegend": False,
        "annotations": [
            words("×: a cluster is missed", len(betas) - 0.55, 0.7, anchor="right"),
            words("o: every cluster has a sampled token", len(betas) - 0.55, -2.8, anchor="right"),
            words("×: measured; line: counted", len(betas) - 0.55, 0.88, axes=("x", "y2"), anchor="right"),
        ],
    }
    return with_slider(traces, layout, "largest : smallest cluster", next(iter(traces)), notes)


def hit_and_missed(draws: Decomposition) -> Integers:
    """Return (R,) how many clusters each draw misses; ValueError if the errors were measured without labels."""
    if draws.missed is None:
        raise ValueError("decompositions must be made with labels, got one without")
    return draws.missed


def _dots(by_beta: Mapping[int, Decomposition]) -> list[go.Scatter]:
    places: dict[bool, list[float]] = {False: [], True: []}
    errors: dict[bool, list[float]] = {False: [], True: []}
    for place, draws in enumerate(by_beta.values()):
        shift = np.linspace(-JITTER, JITTER, len(draws.total))
        for apart, error, missed in zip(shift, draws.total / draws.exact_norm, hit_and_missed(draws) > 0, strict=True):
            places[bool(missed)].append(round(place + float(apart), 3))
            errors[bool(missed)].append(float(f"{error:.3g}"))
    kinds = ((False, GREEN, "circle-open"), (True, VERMILLION, "x-thin"))
    return [
        go.Scatter(
            x=places[missed],
            y=errors[missed],
            mode="markers",
            marker={"symbol": symbol, "size": 5, "color": color, "line": {"color": color, "width": 1.2}},
            hovertemplate="%{y:.2g}",
        )
        for missed, color, symbol in kinds
    ]


def _chances(by_beta: Mapping[int, Decomposition], counted: Mapping[int, float]) -> list[go.Scatter]:
    places = list(range(len(by_beta)))
    shares = [float((hit_and_missed(draws) > 0).mean()) for draws in by_beta.values()]
    below: dict[str, Any] = {"x": places, "yaxis": "y2", "hovertemplate": "%{y:.1%}"}
    return [
        go.Scatter(y=[round(value, 5) for value in counted.values()], mode="lines", line={"color": BLUE}, **below),
        go.Scatter(y=shares, mode="markers", marker={"symbol": "x", "size": 8, "color": BLUE}, **below),
    ]


def _note(by_beta: Mapping[int, Decomposition]) -> str:
    at = [beta for beta, draws in by_beta.items() if (hit_and_missed(draws) > 0).mean() <= 0.05]
    return (
        f"At most 5 % of the draws miss a cluster from β = {at[0]} on."
        if at
        else "More than 5 % of the draws miss one."
    )
