"""Chapter 13: one output under several conventions, how it is made, where its error is, and tables of decibels."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from satlib.evaluation import Evaluation
from satlib.figures.kit.show import Shown, show
from satlib.figures.quality import conventions
from satlib.figures.quality.conventions import Pixels
from satlib.results import paper
from satlib.support.tables import table

LIMIT = 60
"""Errors of so many levels or more have the strongest colours in :func:`errors`."""


def numbers(values: Mapping[str, float], *, gap: float) -> Shown:
    """Draw the PSNR of one output by convention, in dB, and a band as wide as the gain of SAT over PFT, ``gap`` dB."""
    return show(
        conventions.convention_dots(values, gap=gap, gap_name="as wide as the gain of SAT over PFT on Set5 ×4"),
        alt=f"PSNR of one output under {len(values)} conventions: "
        + ", ".join(f"{name}: {value:.2f} dB" for name, value in values.items())
        + f". A band of {gap:.2f} dB, as wide as the gain of SAT over PFT, is hardly wider than a line.",
    )


def making(hr: Pixels, lr: Pixels, sr: Pixels) -> Shown:
    """Draw a photograph (H, W, 3), the input made of it, the output, and the absolute error of Y."""
    return show(
        conventions.pipeline(hr, lr, sr),
        alt=f"Four pictures. The photograph; the same at {lr.shape[1]} × {lr.shape[0]} pixels, which are coarse; "
        "upscaled again, without coarse pixels but blurred; and the error, which is large along edges and in fine "
        "texture and almost zero in smooth areas.",
    )


def rounding(loss: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]]) -> Shown:
    """Draw what rounding Y costs; ``loss`` has, by photograph, PSNR without rounding and the loss, in dB."""
    levels = np.concatenate([np.ravel(level) for level, _ in loss.values()])
    lost = np.concatenate([np.ravel(taken) for _, taken in loss.values()])
    low, high = int(levels.argmin()), int(levels.argmax())
    return show(
        conventions.rounding_loss(loss),
        alt=f"Loss in decibels by rounding Y, on a logarithmic axis, against PSNR without rounding, for {len(loss)} "
        f"photographs. The points lie near a dashed line or below it, from {lost[low]:.4f} dB at {levels[low]:.1f} dB "
        f"to {lost[high]:.2f} dB at {levels[high]:.1f} dB.",
    )


def errors(maps: Mapping[str, npt.NDArray[np.float64]], levels: Mapping[str, float], *, start: str) -> Shown:
    """Draw signed errors of Y (H, W), with a slider over the scales.

    Parameters
    ----------
    maps, levels
        The error in 8-bit levels and the PSNR in dB, by scale.
    start
        The scale that is shown at first.
    """
    notes = {
        name: f"{levels[name]:.2f} dB; 5 % of the pixels hold {100 * share_of_worst(error):.0f} % of the error"
        for name, error in maps.items()
    }
    return show(
        conventions.error_slider(maps, name="scale", start=start, notes=notes, limit=LIMIT),
        alt="Map of the signed error of the photograph. Along every edge runs a pair of lines, too bright on one side "
        "and too dark on the other; smooth areas are white. With a larger scale the lines become wider and stronger. "
        + " ".join(f"{name}: {note}." for name, note in notes.items()),
    )


def share_of_worst(error: npt.NDArray[np.float64], share: float = 0.05) -> float:
    """Return which part of the sum of squared errors the given share of the pixels holds, those with the largest."""
    squares = np.sort(np.square(error).ravel())[::-1]
    return float(squares[: int(share * squares.size)].sum() / squares.sum())


def decibels(name: str, columns: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table of PSNR in dB: a column for each photograph, a row for each of its values; ``name`` heads them."""
    names = next(iter(columns.values()))
    return table((name, *columns), [(row, *(f"{column[row]:.2f}" for column in columns.values())) for row in names])


def rounding_costs(levels: Sequence[float], gains: Sequence[float], costs: Sequence[float]) -> str:
    """Return a table of a PSNR, its gain and what rounding costs, all in dB, for the scales 2, 3 and 4."""
    found = zip((2, 3, 4), levels, gains, costs, strict=True)
    rows = [(f"×{s}", f"{level:.2f}", f"{gain:.2f}", f"{cost:.3f}") for s, level, gain, cost in found]
    return table(("scale", "PSNR of SAT, dB", "its gain over PFT, dB", "cost of rounding, dB"), rows)


def by_scale(results: Mapping[int, Evaluation]) -> str:
    """Return a table of PSNR in dB and SSIM: a row for each photograph and for the mean, a column for each scale."""
    rows = [
        (scores[0].name, *(f"{score.psnr:.2f} / {score.ssim:.4f}" for score in scores))
        for scores in zip(*(result.images for result in results.values()), strict=True)
    ]
    rows.append(("**mean**", *(f"**{result.psnr:.2f} / {result.ssim:.4f}**" for result in results.values())))
    return table(("photograph", *(f"×{s}" for s in results)), rows)


def metrics_of_tables(names: str) -> str:
    """Return what the caption and columns of each table of the paper say that it holds; ``names`` has a letter each."""
    found = []
    for name in names:
        words = " ".join((paper.table(name).caption, *paper.table(name).columns))
        found.append(f"Table {name}: {' and '.join(m for m in ('PSNR', 'SSIM', 'LPIPS') if m in words)}")
    return "; ".join(found)
