"""What networks make of photographs, as pictures: PSNR by photograph, crops side by side, and errors (Fig. A).

Images are (H, W, 3) uint8, all of one size.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from satlib.evaluation import Evaluation
from satlib.figures.kit.layout import plot_layout
from satlib.figures.kit.style import BLACK, BLUE, GREEN, PURPLE, SKY, VERMILLION, frame_off, panels, styled
from satlib.metrics.fidelity import psnr
from satlib.metrics.luma import luma

Pixels = npt.NDArray[np.uint8]
Box = tuple[int, int, int]
"""Top, left and side of a square, in pixels."""

WIDTH, HEIGHT, TITLE = 640, 400, 40
COLORS = (VERMILLION, BLUE, GREEN, PURPLE, SKY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross")
IMAGE = {"color": BLUE, "opacity": 0.8, "size": 9, "line": {"width": 1, "color": SKY}}
MEAN = {"color": VERMILLION, "symbol": "line-ns", "size": 22, "line": {"width": 3, "color": VERMILLION}}
DIAMOND = {"color": GREEN, "symbol": "diamond-open", "size": 12, "line": {"width": 2.5, "color": GREEN}}
COLUMNS = 3
NAMED = 24
"""Rows that are all named; of more, as many as there is room for."""


def psnr_dots(found: Sequence[Evaluation]) -> go.Figure:
    """Draw the PSNR of several models on the same images: a row for each image, a dot for each model.

    Raises
    ------
    ValueError
        If there is none, more than five, or one without PSNR.
    """
    if not 1 <= len(found) <= len(COLORS):
        raise ValueError(f"one to {len(COLORS)} evaluations can be drawn, got {len(found)}")
    dots = [_dots(result, color, symbol) for result, color, symbol in zip(found, COLORS, SYMBOLS, strict=False)]
    axis = {"fixedrange": True, "automargin": True}
    layout: dict[str, Any] = {
        "template": "none",
        "width": WIDTH,
        "height": HEIGHT + TITLE,
        "meta": {"controls": TITLE},  # a page draws the title outside
        "margin": {"l": 90, "r": 15, "t": TITLE + 20, "b": 45},
        "title": {"text": f"{found[0].data}, ×{found[0].protocol.scale}", "font": {"size": 14}},
        "xaxis": {"title": {"text": "PSNR on Y, dB"}, **axis},
        "yaxis": {"autorange": "reversed", **axis} | ({"dtick": 1} if len(found[0].images) <= NAMED else {}),
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    return go.Figure(data=dots, layout=layout)


def gain_rows(gains: Mapping[str, Sequence[float]], marks: Mapping[str, float], *, mark: str) -> go.Figure:
    """Draw gains over bicubic interpolation in dB: a row for each set, a dot for each image, and the mean.

    Parameters
    ----------
    gains
        By the name of the row.
    marks, mark
        Another gain for some of the rows, drawn as a diamond, and what it is.

    Raises
    ------
    ValueError
        If there is no row, or one without a gain.
    """
    if not gains or not all(len(values) for values in gains.values()):
        raise ValueError(
            f"a gain is needed in each row, got { ({name: len(values) for name, values in gains.items()}) }"
        )
    flat = [(value, name) for name, values in gains.items() for value in values]
    means = [(float(np.mean(values)), name) for name, values in gains.items()]
    traces = [
        _marks(flat, "an image", IMAGE),
        _marks(means, "mean", MEAN),
        _marks([(marks[name], name) for name in gains if name in marks], mark, DIAMOND),
    ]
    layout = plot_layout(
        (WIDTH, 120 + 60 * len(gains)),
        (150, 15, 20, 45),
        controls=0,
        x={"title": {"text": "gain over bicubic, dB"}, "zeroline": True, "zerolinewidth": 2},
        y={"autorange": "reversed", "dtick": 1, "tickfont": {"size": 11}},
    )
    return go.Figure(data=[trace for trace in traces if trace.x], layout=layout)


def _marks(points: Sequence[tuple[float, str]], name: str, marker: Mapping[str, Any]) -> go.Scatter:
    return go.Scatter(
        x=[round(x, 3) for x, _ in points],
        y=[y for _, y in points],
        mode="markers",
        name=name,
        marker=dict(marker),
        hovertemplate="%{x:+.2f} dB",
    )


@styled
def crops(hr: Pixels, outputs: Mapping[str, Pixels], box: Box, *, border: int) -> Figure:
    """Draw a photograph with a box in it, and what is in the box: of the photograph itself and of each output.

    Parameters
    ----------
    hr, outputs
        The photograph; and the outputs by name, whose PSNR on the whole image goes beside it.
    box
        In pixels of ``hr``.
    border
        Pixels that PSNR leaves out at each side.
    """
    top, left, side = _inside(box, hr)
    figure, axes = panels(2 + len(outputs), 1.0, columns=2 if len(outputs) == 2 else COLUMNS)
    axes[0].imshow(hr)
    axes[0].add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=VERMILLION, linewidth=2))
    frame_off(axes[0], "photograph")
    titles = {"photograph, the box": hr} | {
        f"{name}\n{psnr(image, hr, border=border):.2f} dB, whole photograph": image for name, image in outputs.items()
    }
    for ax, (title, image) in zip(axes[1:], titles.items(), strict=True):
        ax.imshow(image[top : top + side, left : left + side])
        frame_off(ax, title)
    return figure


@styled
def error_maps(hr: Pixels, outputs: Mapping[str, Pixels]) -> Figure:
    """Draw the absolute error of Y of each output, all in the same colours, beside the photograph (Fig. A)."""
    errors = absolute_errors(hr, outputs)
    limit = max(1.0, *(float(np.quantile(error, 0.995)) for error in errors.values()))
    figure, axes = panels(1 + len(errors), hr.shape[0] / hr.shape[1], columns=COLUMNS)
    axes[0].imshow(hr)
    frame_off(axes[0], "photograph")
    for ax, (name, error) in zip(axes[1:], errors.items(), strict=True):
        drawn = ax.imshow(error, vmin=0, vmax=limit)
        frame_off(ax, f"{name}: mean {error.mean():.2f} levels")
    figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.6, aspect=40, label="absolute error of Y, levels")
    return figure


def absolute_errors(hr: Pixels, outputs: Mapping[str, Pixels]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the absolute error of Y of each output, (H, W), in 8-bit levels."""
    return {name: np.abs(luma(image) - luma(hr)) for name, image in outputs.items()}


def hardest_box(hr: Pixels, output: Pixels, side: int) -> Box:
    """Return the square of the photograph with the largest squared error of Y, or all of a smaller photograph."""
    error = (luma(output) - luma(hr)) ** 2
    side = min(side, *error.shape)
    sums = np.pad(error, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return int(top), int(left), side


def _dots(result: Evaluation, color: str, symbol: str) -> go.Scatter:
    if result.psnr is None:
        raise ValueError(f"{result.model} was evaluated without PSNR")
    names = [score.name.rsplit(".", 1)[0] for score in result.images]
    return go.Scatter(
        x=[None if score.psnr is None else round(score.psnr, 3) for score in result.images],
        y=names,
        mode="markers",
        name=f"{result.model} (mean {result.psnr:.2f})",
        marker={"color": color, "symbol": symbol, "size": 10, "line": {"color": BLACK, "width": 0.5}},
        hovertemplate="%{y}: %{x:.2f} dB",
    )


def _inside(box: Box, image: Pixels) -> Box:
    """Return a box after checking that it lies in an image."""
    top, left, side = box
    height, width = image.shape[:2]
    if side < 1 or not (0 <= top <= height - side and 0 <= left <= width - side):
        raise ValueError(f"the box {box} does not lie in an image of {height} x {width} pixels")
    return box
