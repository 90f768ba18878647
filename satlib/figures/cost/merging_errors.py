"""What merging tokens does to attention, as a plotly figure of measured errors (`satlib.results.timings.merging`)."""

from collections.abc import Sequence

import plotly.graph_objects as go

from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.results.timings.merging import Errors

WAYS = ("DTA, mean", "ToMe", "random centers", "DTA, similarity", "cells")
"""Those that are drawn, as many as there are styles of lines."""


def error_lines(rows: Sequence[Errors]) -> go.Figure:
    """Draw the error of attention against K / N, a line for each way, with a slider over the networks.

    Raises
    ------
    ValueError
        If there are no rows.
    """
    if not rows:
        raise ValueError("errors are needed, got none")
    names = list(dict.fromkeys(row.network for row in rows))
    steps = {
        name: {way: _line([r for r in rows if (r.network, r.way) == (name, way)]) for way in WAYS} for name in names
    }
    return lines_slider(
        steps,
        name="network",
        start=names[0],
        notes={name: f"Error of attention to merged tokens, {name}" for name in names},
        x=Axis("K / N", log=True),
        y=Axis("relative error of the output", log=True),
    )


def _line(rows: Sequence[Errors]) -> Series:
    return Series([row.share for row in rows], [row.error for row in rows])
