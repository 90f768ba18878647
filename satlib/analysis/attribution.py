"""Local attribution maps (LAM): which input pixels a square of the output owes its detail to.

Gu and Dong, "Interpreting super-resolution networks with local attribution maps", CVPR 2021. The input is blurred so
far that its detail is gone, and then sharpened step by step. What each step adds to the detail of the output's square
is shared among the input pixels by the gradient there (integrated gradients along a blur path). The shares add up to
all that was gained; :attr:`Attribution.missing` says how nearly they do. They need not where the output jumps on the
way, as SAT's does where another token becomes a centre: a gradient sees no jump.

Shapes: H, W sides of the input, s the scale, n steps.
"""

import math
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from satlib.analysis.statistics import gini
from satlib.images.tensors import check_floats
from satlib.support.checks import integers, require
from satlib.support.progress import Progress, silent
from satlib.upscaling.models import ModelLike, Upscaler, for_inference, get_model, weight_of

Objective = Literal["detail", "brightness"]
"""What is explained of a square. "detail": the length of the gradient between neighbouring pixels, summed over the
square and the colours, as Gu and Dong have it. "brightness": the sum of its pixels; of a linear network it has a closed
form."""

SIGMA, STEPS, BATCH = 1.2, 50, 10
"""Standard deviation of the blur in input pixels, as in Gu and Dong's code; steps of the path; how many run at once."""


class Square(NamedTuple):
    """A square of output pixels."""

    row: int
    """Of its upper left pixel."""
    column: int
    side: int


class Attribution(NamedTuple):
    """What a square owes to each input pixel."""

    map: Tensor
    """(H, W) float64, summed over the colours; it may be negative."""
    gained: float
    """What the objective gains from the blurred image to the image; what the map should add up to."""

    @property
    def missing(self) -> float:
        """What the map does not explain, as a part of what was gained; 0 if it is complete."""
        rest = abs(float(self.map.sum()) - self.gained)
        return rest / abs(self.gained) if self.gained else rest

    @property
    def diffusion_index(self) -> float:
        """100 (1 - Gini) of the map's absolute values: 100 if all pixels are owed equally much, near 0 for one alone.

        Of the paper. It depends on the size of the image: compare maps of one size.
        """
        return 100 * (1 - gini(self.map.abs()))


@torch.inference_mode(False)  # gradients are taken, whatever the caller does
def attribution(
    model: ModelLike | Upscaler,
    image: Tensor,
    square: Square,
    *,
    objective: Objective = "detail",
    sigma: float = SIGMA,
    steps: int = STEPS,
    batch: int = BATCH,
    progress: Progress = silent,
) -> Attribution:
    """Return the local attribution map of a square of the output.

    Parameters
    ----------
    model
        What :func:`satlib.upscale` takes, if torch can differentiate it; run in eval mode.
    image
        (3, H, W) in [0, 1].
    square
        Of the output, (sH, sW).
    sigma, steps, batch
        The blur at the path's beginning, in input pixels; how many steps the path has; and how many of them run at
        once: memory grows with it, the result does not change.
    progress
        Told the steps that are done and all.

    Raises
    ------
    ValueError
        If the square is not in the output, a number is out of range, or the model is none.
    """
    require(0 < sigma < math.inf, "sigma", sigma, "positive")
    integers("steps and batch", steps, batch)
    require(min(steps, batch) >= 1, "steps and batch", (steps, batch), "at least 1")
    network = get_model(model)
    check_square(square, image, network.scale)
    weight = weight_of(network)
    fractions = torch.linspace(1, 0, steps + 1, dtype=torch.float64)
    total = torch.zeros(image.shape[1:], dtype=torch.float64)
    run = for_inference(network)
    with progress("attribution") as report:
        for start in range(0, steps, batch):
            edges = fractions[start : start + batch + 1]
            middles = torch.stack([blurred(image, sigma * float(f)) for f in (edges[1:] + edges[:-1]) / 2])
            path = torch.stack([blurred(image, sigma * float(f)) for f in edges])  # (b + 1, 3, H, W) float64
            x = middles.to(weight.device, weight.dtype).requires_grad_()
            with torch.enable_grad():
                value = measured(run(x), square, objective).sum()
            (slope,) = torch.autograd.grad(value, x)
            total += (slope.to(path) * path.diff(dim=0)).sum((0, 1))
            report(min(start + batch, steps), steps)
    ends = torch.stack((blurred(image, sigma), image.double())).to(weight.device, weight.dtype)
    with torch.no_grad():
        before, after = measured(run(ends), square, objective).tolist()
    return Attribution(total, after - before)


def measured(output: Tensor, square: Square, objective: Objective) -> Tensor:
    """Return the objective of a square in each of (B, 3, sH, sW) outputs, (B,).

    Raises
    ------
    ValueError
        If ``objective`` is not one of :data:`Objective`.
    """
    row, column, side = square
    part = output[..., row : row + side, column : column + side]
    if objective == "brightness":
        return part.sum((1, 2, 3))
    require(objective == "detail", "objective", objective, f"one of {', '.join(get_args(Objective))}")
    down, right = part.diff(dim=-2)[..., :-1], part.diff(dim=-1)[..., :-1, :]
    squared = down.square() + right.square()
    lengths = torch.where(squared > 0, squared, 1).sqrt() * (squared > 0)  # whose slope at 0 is 0
    return lengths.sum((1, 2, 3))


def check_square(square: Square, image: Tensor, scale: int) -> None:
    """Raise ValueError unless the image is (3, H, W) floats and its output, enlarged by the scale, holds the square."""
    check_floats(image)
    require(image.ndim == 3 and image.shape[0] == 3, "image", tuple(image.shape), "(3, H, W)")
    height, width = (scale * n for n in image.shape[1:])
    row, column, side = square
    integers("square", *square)
    inside = side >= 2 and 0 <= row <= height - side and 0 <= column <= width - side
    require(inside, "square", tuple(square), f"in an output of {height} x {width} pixels, and of at least 2 x 2")


def blurred(image: Tensor, sigma: float) -> Tensor:
    """Return an image (..., H, W) blurred by a Gaussian of that many pixels, float64; mirrored beyond its borders."""
    height, width = image.shape[-2:]
    return _blur_matrix(height, sigma) @ image.double().cpu() @ _blur_matrix(width, sigma).T


def _blur_matrix(length: int, sigma: float) -> Tensor:
    """Return the (length, length) matrix that blurs an axis; its rows add up to 1."""
    if sigma == 0:
        return torch.eye(length, dtype=torch.float64)
    radius = math.ceil(4 * sigma)
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets.double() / sigma).square())
    places = (torch.arange(length)[:, None] + offsets) % (2 * length)  # mirrored: 0 1 2 | 2 1 0 | 0 1 2
    places = torch.where(places < length, places, 2 * length - 1 - places)
    matrix = torch.zeros(length, length, dtype=torch.float64)
    matrix.scatter_add_(1, places, (weights / weights.sum()).expand(length, -1))
    return matrix
