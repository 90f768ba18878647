"""What every SAA layer of a network chose on one image, returned as values."""

from os import PathLike
from typing import Any, NamedTuple

import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.images.inputs import as_picture
from satlib.images.tensors import check_floats, to_tensor
from satlib.network.model import SAT, in_eval
from satlib.upscaling.run import check_channels


class LayerTrace(NamedTuple):
    """One SAA layer at work."""

    group: int
    """Residual group, from 0."""
    block: int
    """Block within the group, from 0; local blocks count, so SAA blocks are odd."""
    grid: tuple[int, int]
    """(H, W) in tokens."""
    aggregation: Aggregation
    """What DTA chose and made of each image."""
    tokens: Tensor
    """(B, N, C) what came in, normalised."""
    output: Tensor
    """(B, N, C) what the layer gave, before it is added."""
    stream: Tensor
    """(B, N, C) what it is added to; `tokens` before they were normalised."""


def trace(model: SAT, image: Tensor | str | PathLike[str] | Image.Image | npt.NDArray[Any]) -> list[LayerTrace]:
    """Run a network on an image and return one :class:`LayerTrace` for each SAA layer, first to last.

    Each holds 3 N C numbers, and what DTA chose.

    Parameters
    ----------
    model
        A SAT, or what wraps one. It runs in eval mode, so that its samples are the fixed ones; it is not changed.
    image
        What :func:`satlib.upscale` takes (alpha is left out), or a tensor (I, H, W) or (B, I, H, W) in [0, 1] of the
        network's I channels.

    Raises
    ------
    ValueError, OSError
        If the image cannot be used, or has other channels than the network takes; or a tensor holds integers.
    """
    model = in_eval(model)
    if not isinstance(image, Tensor):
        picture = as_picture(image)
        color = picture.pixels[..., :-1] if picture.has_alpha else picture.pixels
        check_channels(color.shape[2], model.in_channels)
        image = to_tensor(color, model.in_channels)
    batch = check_floats(image if image.ndim == 4 else image.unsqueeze(0))
    parameter = next(model.parameters())
    with torch.inference_mode():
        layers = model.layers(batch.to(parameter.device, parameter.dtype))
    grid, groups = (batch.shape[2], batch.shape[3]), model.config.groups if layers else ()
    places = ((group, 2 * pair + 1) for group, n_pairs in enumerate(groups) for pair in range(n_pairs))
    return [
        LayerTrace(*place, grid, layer.aggregation, layer.tokens, layer.output, layer.stream)
        for place, layer in zip(places, layers, strict=True)
    ]
