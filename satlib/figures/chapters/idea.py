"""Chapter 1: what a pixel may read, what that costs, what a summary keeps of an image, and a photograph upscaled."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from satlib import metrics
from satlib.analysis.receptive_field import readable
from satlib.complexity import Complexity
from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta import idea
from satlib.figures.dta.clusters import mean_colors
from satlib.figures.kit.picture_sliders import picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.support.tables import table

Pixels = npt.NDArray[np.uint8]

SIDES = (32, 48, 64, 96, 128, 192, 256, 384, 512)
"""Sides of the square images that :func:`comparisons` draws, in tokens."""


def three_attentions(image: Tensor, place: Sequence[int], result: Aggregation) -> Shown:
    """Draw what one token of an image (3, H, W) reads: everything, its windows, or the aggregated tokens.

    ``place`` is its row and column; the windows are those of the preset "sat", not shifted.
    """
    grid = (image.shape[1], image.shape[2])
    token = place[0] * grid[1] + place[1]
    window = readable(grid, SATConfig.preset("sat"), token, shifted=False).any(0)
    return show(
        idea.three_attentions(image, token, window, result),
        alt="Three versions of the photograph with a star on one pixel. Left, what global attention reads: the whole "
        f"image, {len(window):,} pixels. Middle, what local windows read: a wide and a high rectangle that both "
        f"hold the star, {int(window.sum())} pixels. Right, what aggregated attention reads: {result.centers.shape[1]} "
        "tokens, drawn as patches of their mean colour.",
    )


def comparisons(window: int) -> Shown:
    """Draw how many pairs of tokens are compared against the side of the image; a window has ``window`` tokens."""
    return show(
        idea.comparisons(SIDES, window=window),
        alt="Three rising lines on log axes: pairs of tokens compared against the side of the image. All with all is "
        "the highest, local windows the lowest and half as steep. Selective aggregation is parallel to all with all, "
        "lower by a factor that the keep ratio sets; at a keep ratio of 100 % it lies above.",
    )


def kept(image: Tensor, by_ratio: Mapping[float, Aggregation]) -> Shown:
    """Draw an image (3, H, W) in the mean colours of its clusters, with a slider over the keep ratio."""
    variance = (image - image.mean((1, 2), keepdim=True)).square().sum()
    painted = {f"{ratio:.1%}": mean_colors(image, made.assignment[0]) for ratio, made in by_ratio.items()}
    notes = {}
    for label, made in zip(painted, by_ratio.values(), strict=True):
        lost = (painted[label] - image).square().sum() / variance
        notes[label] = f"{made.centers.shape[1]:,} tokens keep {1 - lost:.1%} of the colours' variance."
    return show(
        picture_slider(painted, name="K / N", start="3.0%", notes=notes),
        alt="The photograph with every cluster in its mean colour. With few tokens only large shapes are left; with "
        "more edges and highlights are back; with the most it can hardly be told from the photograph. "
        + " ".join(f"K / N = {label}: {note}" for label, note in notes.items()),
    )


def upscaled(lr: Pixels, outputs: Mapping[str, Pixels], hr: Pixels, *, border: int) -> Shown:
    """Draw a small image, what upscaling made of it, with the PSNR in dB, and the photograph; (H, W, 3) each."""
    quality = {name: metrics.psnr(output, hr, border=border) for name, output in outputs.items()}
    titled = {f"{name}, {quality[name]:.2f} dB": output for name, output in outputs.items()}
    said = "; ".join(f"upscaled by {name}, {value:.2f} dB" for name, value in quality.items())
    images: dict[str, npt.NDArray[Any]] = {"input": lr, **titled, "photograph": hr}
    return show(
        idea.image_row(images),
        alt=f"Part of a photograph {len(images)} times: the small input; {said}; and the original.",
    )


def counts_table(counted: Mapping[str, Complexity], scale: int) -> str:
    """Return a table of what networks cost: parameters, multiply-adds of the layers alone, and of everything."""
    rows = [
        (f"`{name}`", f"{c.params['total'] / 1e6:.2f}", f"{c.published / 1e12:.3f}", f"{c.total / 1e12:.3f}")
        for name, c in counted.items()
    ]
    head = (f"network, ×{scale}", "parameters (M)", "multiply-adds of layers (T)", "with all products (T)")
    return table(head, rows, align="lr")
