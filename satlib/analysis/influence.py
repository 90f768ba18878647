"""Which input pixels an output pixel depends on, by its gradient; and what one input pixel moves.

The effective receptive field of a network (Luo et al., NIPS 2016) is the mean of the first over images.

Shapes: H, W sides of the input, s the scale.
"""

from math import isfinite

import torch
from torch import Tensor

from satlib.images.tensors import check_floats
from satlib.support.checks import integers, require
from satlib.support.progress import Progress, silent
from satlib.upscaling.models import ModelLike, Upscaler, for_inference, get_model, weight_of


@torch.inference_mode(False)  # gradients are taken, whatever the caller does
def influence(model: ModelLike | Upscaler, image: Tensor, place: tuple[int, int]) -> Tensor:
    """Return how much each input pixel moves one output pixel: a gradient's length, (H, W), not negative.

    The gradient of the sum of the output pixel's three colours, its length taken over the colours of each input pixel.
    Which tokens are centres, and who joins them, counts as fixed.

    Parameters
    ----------
    model
        What :func:`satlib.upscale` takes. Run in eval mode; it is not changed.
    image
        (3, H, W) in [0, 1].
    place
        Row and column of the *input* pixel whose upper left output pixel is meant.

    Raises
    ------
    ValueError
        If the place is not in the image, or the image holds integers.
    """
    row, column = _checked(place, check_floats(image))
    run = for_inference(get_model(model))
    batch = image.unsqueeze(0).to(weight_of(run)).clone().requires_grad_()
    with torch.enable_grad():
        value = run(batch)[0, :, row * run.scale, column * run.scale].sum()
    (gradient,) = torch.autograd.grad(value, batch)
    length: Tensor = torch.linalg.vector_norm(gradient[0], dim=0)
    return length


def effective_receptive_field(
    model: ModelLike | Upscaler, images: Tensor, place: tuple[int, int], *, progress: Progress = silent
) -> Tensor:
    """Return the mean over images (n, 3, H, W) of what :func:`influence` returns, (H, W).

    ``progress`` is told the images that are done and all. :func:`share_side` says how large the field is.

    Raises
    ------
    ValueError
        If there is no image, or the place is not in them.
    """
    require(images.ndim == 4 and len(images) > 0, "images", tuple(images.shape), "(n, 3, H, W)")
    network, total = get_model(model), torch.zeros(images.shape[2:], dtype=torch.float64)
    with progress("receptive field") as report:
        for done, image in enumerate(images, start=1):
            total += influence(network, image, place).to("cpu", torch.float64)
            report(done, len(images))
    return total / len(images)


def moved(model: ModelLike | Upscaler, image: Tensor, place: tuple[int, int], *, step: float = 1 / 255) -> Tensor:
    """Return how much each output pixel moves with one input pixel, (sH, sW), in units of the step.

    The input pixel becomes brighter by ``step`` in all colours, or darker where it would leave [0, 1]. The network runs
    twice, so that what it chooses anew counts. The length of the change is taken over the colours.

    Raises
    ------
    ValueError
        If the place is not in the image, the step is 0, or the image holds integers.
    """
    require(step != 0 and isfinite(step), "step", step, "another number than 0")
    row, column = _checked(place, check_floats(image))
    run = for_inference(get_model(model))
    weight = weight_of(run)
    both = image.to(weight).repeat(2, 1, 1, 1)
    pixel = both[1, :, row, column]
    pixel += torch.where(pixel + step > 1, pixel.new_tensor(-step), pixel.new_tensor(step))
    with torch.no_grad():
        before, after = run(both)
    length: Tensor = torch.linalg.vector_norm((after - before) / step, dim=0)
    return length


def share_side(field: Tensor, place: tuple[int, int], share: float) -> int:
    """Return the side of the smallest square around a pixel that has this share of a map (H, W), not negative.

    The side is odd; what of the square lies outside of the map counts as empty.

    Raises
    ------
    ValueError
        If the share is not in (0, 1], the place not in the map, or the map empty or negative.
    """
    require(0 < share <= 1, "share", share, "in (0, 1]")
    require(0 not in field.shape, "the map", tuple(field.shape), "of at least 1 x 1")
    extremes = (float(field.min()), float(field.max()))
    require(0 <= extremes[0] < extremes[1] or extremes[0] > 0, "the map's extremes", extremes, "0 or more, not both 0")
    row, column = _checked(place, field)
    rows, columns = (torch.arange(n) for n in field.shape)
    ring = torch.maximum((rows - row).abs()[:, None], (columns - column).abs())  # (H, W): radius of the square
    sums = torch.zeros(int(ring.max()) + 1, dtype=torch.float64)
    sums.index_add_(0, ring.flatten(), field.cpu().double().flatten())
    enough = sums.cumsum(0) >= share * sums.sum() * (1 - 1e-12)
    return 2 * int(enough.int().argmax()) + 1


def _checked(place: tuple[int, int], image: Tensor) -> tuple[int, int]:
    height, width = image.shape[-2:]
    row, column = place
    integers("place", *place)
    require(0 <= row < height and 0 <= column < width, "place", place, f"in an image of {height} x {width}")
    return row, column
