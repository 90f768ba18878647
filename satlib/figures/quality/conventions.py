"""How super-resolution is measured, as pictures: the pipeline, numbers under several conventions, and error maps."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from matplotlib.figure import Figure

from satlib.figures.kit.sliders import check_labels, pixel_layout, with_slider
from satlib.figures.kit.style import BLACK, BLUE, SKY, VERMILLION, WIDTH, frame_off, panels, styled
from satlib.metrics.luma import luma

Pixels = npt.NDArray[np.uint8]
COLORBAR = 70
"""Pixels of an error map's width that its colour bar takes."""


@styled
def pipeline(hr: Pixels, lr: Pixels, sr: Pixels) -> Figure:
    """Draw a photograph (H, W, 3), its low-resolution version, the output, and the absolute error of Y."""
    figure, axes = panels(4, hr.shape[0] / hr.shape[1] + 0.2)
    titles = ("photograph (HR)", f"input, {lr.shape[1]} × {lr.shape[0]} (LR)", "output (SR)")
    for ax, image, title in zip(axes, (hr, lr, sr), titles, strict=False):
        ax.imshow(image)
        frame_off(ax, title)
    error = np.abs(luma(sr) - luma(hr))
    drawn = axes[3].imshow(error, vmin=0, vmax=np.quantile(error, 0.995))
    frame_off(axes[3], "error of Y, levels")
    figure.colorbar(drawn, ax=axes[3], location="bottom", shrink=0.9, aspect=20, pad=0.02)
    for ax in axes:
        ax.set_anchor("N")
    return figure


@styled
def convention_dots(values: Mapping[str, float], *, gap: float, gap_name: str) -> Figure:
    """Draw PSNR by convention, and around the first a band as wide as another difference.

    Parameters
    ----------
    values
        In dB, by convention.
    gap, gap_name
        The width of the band in dB, and what it is.
    """
    figure = Figure(figsize=(WIDTH, 0.34 * len(values) + 0.9), layout="constrained")
    ax = figure.subplots()
    first = next(iter(values.values()))
    ax.axvspan(first - gap / 2, first + gap / 2, color=SKY, alpha=0.6, linewidth=0, label=gap_name)
    ax.scatter(list(values.values()), list(values), color=VERMILLION, s=40, zorder=3)
    for name, value in values.items():
        ax.annotate(f"{value:.2f}", (value, name), xytext=(8, 0), textcoords="offset points", va="center")
    ax.invert_yaxis()
    ax.margins(x=0.12, y=0.15)
    ax.set(xlabel="PSNR in dB")
    ax.tick_params(axis="y", length=0)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1))
    return figure


@styled
def rounding_loss(measured: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> Figure:
    """Draw what rounding Y costs against PSNR: points of several images, and the expectation.

    ``measured`` maps a name to PSNR without rounding and the loss, both in dB. Two independent rounding errors have a
    variance of 1/12 each, so that a mean squared error of E becomes E + 1/6.
    """
    figure, (ax,) = panels(1, 0.45)
    levels = np.concatenate([np.ravel(level) for level, _ in measured.values()])
    ends = (min(25, levels.min() - 1), max(50, levels.max() + 1))
    place = np.linspace(*ends, 100)
    expected = 10 * np.log10(1 + 10 ** (place / 10) / (6 * 255**2))
    ax.plot(place, expected, color=BLACK, linewidth=1, linestyle="--", label="expected")
    for (name, (x, y)), marker in zip(measured.items(), "o^sD", strict=False):
        ax.plot(x, y, marker=marker, linestyle="none", markersize=5, label=name, alpha=0.8)
    ax.set_yscale("log")
    ax.set(xlabel="PSNR of Y without rounding, dB", ylabel="loss by rounding, dB", xlim=ends)
    ax.legend(ncols=2)
    return figure


def error_slider(
    errors: Mapping[str, npt.NDArray[Any]], *, name: str, start: str, notes: Mapping[str, str], limit: int
) -> go.Figure:
    """Draw signed errors as a map, with a slider over several; a pointer shows place and value.

    Parameters
    ----------
    errors
        (H, W), in 8-bit levels, shown as integers; by the label of the slider's step. All of one size.
    name, start
        What the slider changes, and the label where it stands at first.
    notes
        A line of text for each label, shown above the figure.
    limit
        Errors from here on have the strongest colours.

    Raises
    ------
    ValueError
        If the sizes differ, ``start`` is not a label, or the labels of the notes differ.
    """
    check_labels(errors, start, notes)
    shapes = {error.shape for error in errors.values()}
    if len(shapes) != 1:
        raise ValueError(f"the maps must have one size, got {sorted(shapes)}")
    traces = {label: [_heatmap(error, limit)] for label, error in errors.items()}
    return with_slider(traces, pixel_layout(*next(iter(shapes)), right=COLORBAR), name, start, notes)


def _heatmap(error: npt.NDArray[Any], limit: int) -> go.Heatmap:
    """Return a map from too dark (blue) over white to too bright (orange); 8-bit integers keep the page small."""
    return go.Heatmap(
        z=np.clip(np.rint(error), -127, 127).astype(np.int8),
        zmin=-limit,
        zmax=limit,
        colorscale=[[0, BLUE], [0.5, "#ffffff"], [1, VERMILLION]],
        colorbar={"thickness": 14, "title": {"text": "levels"}, "x": 1.01, "xpad": 0},
        hovertemplate="row %{y}, column %{x}: %{z:+d}<extra></extra>",
    )
