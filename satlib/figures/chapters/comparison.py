"""Chapter 16: outputs over one another and side by side, what networks gain, and where they lose. As pictures.

Photographs and outputs are (H, W, 3) uint8, in mappings by scale and name, (2, "coffee"); outputs then by model,
bicubic interpolation first. The tables are in the file beside this one, `comparison_tables`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from satlib.evaluation import crops
from satlib.evaluation.crops import Box, Pixels, Square
from satlib.figures.explorers.compare import window
from satlib.figures.kit.picture_sliders import picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.quality import scores, sheets
from satlib.figures.quality.divider import Divider
from satlib.figures.quality.sheets import Row, Sheet
from satlib.images.degradation import downscale
from satlib.images.tensors import to_tensor

Key = tuple[int, str]
Photographs = Mapping[Key, Pixels]
Outputs = Mapping[Key, Mapping[str, Pixels]]
Boxes = Mapping[Key, Box]

PART = (152, 228)
"""Rows and columns of the part that is seen under the dividers: three CSS pixels for each fill the page's column."""

PHOTOGRAPH = "the photograph"


def divider(truth: Photographs, outputs: Outputs, key: Key, network: str) -> Divider:
    """Draw bicubic interpolation, a network and the photograph in one place, around the steepest square of its side."""
    hr, made, scale = truth[key], outputs[key], key[0]
    height, width = (min(n, limit) for n, limit in zip(hr.shape, PART, strict=False))
    top, left, side = crops.steepest_box(hr, min(40, height, width))
    rows = window((hr.shape[0], 1), hr.shape[0] / height, ((top + side / 2) / hr.shape[0], 0.5))[0]
    columns = window((hr.shape[1], 1), hr.shape[1] / width, ((left + side / 2) / hr.shape[1], 0.5))[0]
    images = {f"bicubic ×{scale}": made["bicubic"], network: made[network], PHOTOGRAPH: hr}
    return Divider(
        {name: np.ascontiguousarray(image[rows, columns]) for name, image in images.items()},
        zoom=3,
        alt=f"A part of the photograph {key[1]!r}, in three parts beside each other: enlarged {scale} times by bicubic "
        f"interpolation, blurred; by {network}, with sharper edges; and the photograph itself, with more detail than "
        "either.",
    )


def gains(values: Mapping[tuple[str, str], Sequence[float]], published: Mapping[tuple[str, str], float]) -> Shown:
    """Draw gains over bicubic interpolation in dB, by data and model, and the mean that the paper's SAT has."""
    named = {", ".join(key): found for key, found in values.items()}
    marks = {", ".join(key): gain for key, gain in published.items()}
    figure = scores.gain_rows(named, marks, mark="the paper's SAT, mean")
    told = "; ".join(
        f"{name}: {min(found):+.2f} to {max(found):+.2f}, mean {np.mean(found):+.2f}"
        + (f", the paper's SAT {marks[name]:+.2f}" if name in marks else "")
        for name, found in named.items()
    )
    return show(
        figure,
        alt=f"Gain over bicubic interpolation in dB, a row for each set of images and network, a dot for each image. "
        f"{told}.",
    )


def one_crop(truth: Photographs, outputs: Outputs, boxes: Boxes, key: Key) -> Sheet:
    """Draw the crop of one photograph by each model."""
    return Sheet(
        [_row(truth, outputs, key, boxes[key])],
        zoom=5,
        alt=f"One crop of {key[1]!r} at ×{key[0]}: by bicubic interpolation, by each network, and of the photograph. "
        "Interpolation is blurred, a network draws the edges more sharply, and neither has all that the photograph "
        "shows.",
    )


def all_crops(truth: Photographs, outputs: Outputs, boxes: Boxes, scale: int) -> Sheet:
    """Draw the crops of all photographs at a scale, folded."""
    keys = [key for key in boxes if key[0] == scale]
    return Sheet(
        [_row(truth, outputs, key, boxes[key]) for key in keys],
        zoom=5,
        alt=f"The crops of {len(keys)} photographs at ×{scale}: bicubic interpolation, networks, photograph.",
        folded=f"All {len(keys)} crops at ×{scale}",
    )


def places(truth: Photographs, boxes: Boxes, scale: int) -> Sheet:
    """Draw all photographs small, each with a frame around its crop."""
    framed = {key[1]: sheets.framed(truth[key], box, width=4) for key, box in boxes.items() if key[0] == scale}
    return Sheet(
        [Row("where the crops are", {name: downscale(image, 2) for name, image in framed.items()})],
        zoom=1,
        alt="All photographs, small, each with a frame around the square with the most energy in its gradient: along "
        "strong edges and in strong texture, nowhere in smooth areas.",
    )


def error_maps(truth: Photographs, outputs: Outputs, key: Key) -> Shown:
    """Draw the absolute error of Y on one photograph, by each model, in the same colours."""
    errors = scores.absolute_errors(truth[key], outputs[key])
    means = [f"{name} {error.mean():.2f}" for name, error in errors.items()]
    return show(
        scores.error_maps(truth[key], outputs[key]),
        alt=f"Maps of the absolute error on the photograph {key[1]!r} at ×{key[0]}, in the same colours: large along "
        f"edges and in fine texture, small elsewhere. In the mean: {', '.join(means)} levels.",
    )


def gain_of_squares(squares: Mapping[str, Sequence[Square]], network: str, scale: int) -> Shown:
    """Draw the gain of a network over bicubic interpolation in each square, by photograph, against the gradient."""
    values = [square.gain for found in squares.values() for square in found]
    side = next(square.box[2] for found in squares.values() for square in found)
    return show(
        sheets.gain_dots(squares, note=f"{network} over bicubic, ×{scale}: squares of {side} × {side} pixels"),
        alt=f"Gain of {network} over bicubic interpolation in decibels, against the strength of the gradient, one mark "
        f"for each of {len(values)} squares: from {min(values):+.1f} to {max(values):+.1f}. Marks below zero, "
        f"{sum(value < 0 for value in values)}, are crosses.",
    )


def losses(truth: Photographs, outputs: Outputs, places: Sequence[tuple[str, Box]], network: str, scale: int) -> Sheet:
    """Draw squares, given by photograph and box, in which a network loses."""
    return Sheet(
        [_row(truth, outputs, (scale, name), box) for name, box in places],
        zoom=5,
        alt=f"{len(places)} squares at ×{scale}, where the squared error of {network} is larger than that of bicubic "
        "interpolation by most, each by bicubic interpolation, by the networks and of the photograph.",
    )


def flip(truth: Photographs, outputs: Outputs, key: Key, box: Box) -> Shown:
    """Draw a part of one photograph, twice as wide and high as a box in it, with a slider over the models."""
    hr, scale = truth[key], key[0]
    top, left, side = box
    center = ((top + side / 2) / hr.shape[0], (left + side / 2) / hr.shape[1])
    rows, columns = window((hr.shape[0], hr.shape[1]), max(1.0, min(hr.shape[:2]) / (2 * side)), center)
    levels = {name: crops.quality(image, hr, box)[0] for name, image in outputs[key].items()}
    notes = {name: f"{name}: {level:.2f} dB in the square" for name, level in levels.items()} | {PHOTOGRAPH: PHOTOGRAPH}
    framed = {name: sheets.framed(image, box, width=1) for name, image in {**outputs[key], PHOTOGRAPH: hr}.items()}
    return show(
        picture_slider(
            {name: to_tensor(np.ascontiguousarray(image[rows, columns])) for name, image in framed.items()},
            name="image",
            start="bicubic",
            notes=notes,
        ),
        alt=f"A part of {key[1]!r} at ×{scale} with a frame around a square, with a slider over the models and the "
        f"photograph. {', '.join(notes.values())}.",
    )


def _row(truth: Photographs, outputs: Outputs, key: Key, box: Box) -> Row:
    hr = truth[key]
    images = {_caption(label, image, hr, box): crops.cut(image, box) for label, image in outputs[key].items()}
    return Row(f"{key[1]}, ×{key[0]}", images | {PHOTOGRAPH: crops.cut(hr, box)})


def _caption(label: str, image: Pixels, hr: Pixels, box: Box) -> str:
    level, likeness = crops.quality(image, hr, box)
    return f"{label}: {level:.2f} dB, {likeness:.3f}"
