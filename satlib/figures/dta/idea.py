"""Why global attention is expensive: what a token reads in three attentions, and how many pairs are compared."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta import Aggregation, n_centers
from satlib.figures.dta.centers import check_single, mark
from satlib.figures.dta.clusters import mean_colors
from satlib.figures.kit.sliders import CONTROLS, frame_slider
from satlib.figures.kit.style import BLACK, BLUE, CENTER, GREEN, VERMILLION, frame_off, panels, pixels, styled

RATIOS = (0.005, 0.01, 0.03, 0.1, 0.3, 1.0)
FADED = 0.25
LINES_WIDTH, LINES_HEIGHT = 640, 520


@styled
def three_attentions(image: Tensor, token: int, window: Tensor, result: Aggregation) -> Figure:
    """Draw what one token reads: all tokens, those of its windows, or the aggregated ones.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    token
        Which one reads.
    window
        (N,) bool, the tokens of its windows.
    result
        What DTA made of the image; each token is drawn in the mean colour of its cluster.
    """
    check_single(image, result)
    left = mean_colors(image, result.assignment[0])
    pictures = (image, faded(image, window), left)
    titles = (
        f"all: {image[0].numel():,} tokens",
        f"local windows: {int(window.sum()):,} tokens",
        f"aggregated: {result.centers.shape[1]:,} tokens",
    )
    figure, axes = panels(3, image.shape[1] / image.shape[2])
    for ax, picture, title in zip(axes, pictures, titles, strict=True):
        ax.imshow(pixels(picture))
        frame_off(ax, title)
    mark(axes[2], image, result.centers[0], CENTER, share=1.2, edge=0.4)
    for ax in axes:
        ax.plot(token % image.shape[2], token // image.shape[2], "*", ms=15, color="white", markeredgecolor=BLACK)
    return figure


@styled
def image_row(images: Mapping[str, npt.NDArray[np.uint8]]) -> Figure:
    """Draw images (H, W, 3) side by side, as large as the first, titled by the keys."""
    first = next(iter(images.values()))
    figure, axes = panels(len(images), first.shape[0] / first.shape[1])
    for ax, (title, image) in zip(axes, images.items(), strict=True):
        ax.imshow(image)
        frame_off(ax, title)
    return figure


def faded(image: Tensor, seen: Tensor) -> Tensor:
    """Return an image (3, H, W) with all pixels outside of ``seen`` (N,) close to white."""
    strength = seen.view(1, *image.shape[1:]).to(image.dtype) * (1 - FADED) + FADED
    return 1 - (1 - image) * strength


def comparisons(sides: Sequence[int], window: int, subsample: float = 4) -> go.Figure:
    """Draw how many pairs of tokens are compared in an image of each side, with a slider over the keep ratio.

    Parameters
    ----------
    sides
        Of square images, in tokens.
    window
        Tokens of a local window.
    subsample
        beta of the sampling: choosing the centres compares all sampled tokens with each other.
    """
    frames = []
    for ratio in RATIOS:
        lines = comparison_lines(sides, window, ratio, subsample)
        share = lines["selective aggregation"][-1] / lines["all with all"][-1]
        note = f"At {sides[-1]} × {sides[-1]}, selective aggregation takes {share:.2%} of the pairs of all with all."
        frames.append(go.Frame(name=f"{ratio:.1%}", data=_traces(sides, lines), layout={"title": {"text": note}}))
    start = f"{0.03:.1%}"
    first = next(frame for frame in frames if frame.name == start)
    return go.Figure(
        data=first.data,
        frames=frames,
        layout={
            "template": "none",
            "width": LINES_WIDTH,
            "height": LINES_HEIGHT,
            "meta": {"controls": CONTROLS},
            "margin": {"l": 70, "r": 15, "t": 40, "b": 55},
            "title": {"text": first.layout.title.text, "font": {"size": 14}},
            "xaxis": {
                "title": {"text": "side of the image, tokens"},
                "type": "log",
                "tickvals": list(sides),
                "fixedrange": True,
            },
            "yaxis": {
                "title": {"text": "pairs of tokens"},
                "type": "log",
                "dtick": 2,
                "exponentformat": "power",
                "fixedrange": True,
                "range": [4, 12.5],
            },
            "legend": {"x": 0.02, "y": 0.98, "font": {"size": 13}},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "sliders": [frame_slider([frame.name for frame in frames], "K / N", start)],
        },
    )


def comparison_lines(sides: Sequence[int], window: int, ratio: float, subsample: float) -> dict[str, list[int]]:
    """Return the pairs compared at each side: N^2, N n, and N K to attend + N K to assign + S^2 to choose."""
    lines: dict[str, list[int]] = {"all with all": [], "selective aggregation": [], "local windows": []}
    for side in sides:
        n = side * side
        k = n_centers(n, ratio)
        s = min(n, int(subsample * k))
        lines["all with all"].append(n * n)
        lines["selective aggregation"].append(2 * n * k + s * s)
        lines["local windows"].append(n * min(window, n))
    return lines


def _traces(sides: Sequence[int], lines: Mapping[str, Sequence[int]]) -> list[go.Scatter]:
    styles = ((BLUE, "dash"), (VERMILLION, "solid"), (GREEN, "dot"))
    return [
        go.Scatter(
            x=list(sides),
            y=list(values),
            name=name,
            mode="lines",
            line={"color": color, "width": 3, "dash": dash},
            hovertemplate="%{x} × %{x}: %{y:.3s} pairs",
        )
        for (name, values), (color, dash) in zip(lines.items(), styles, strict=True)
    ]
