"""What every SAA layer of a network chose on one image, returned as values."""

from typing import NamedTuple

import torch
from torch import Tensor

from satlib.dta import Aggregation
from satlib.model import SAT


class LayerTrace(NamedTuple):
    """One SAA layer at work."""

    group: int
    """Residual group, from 0."""
    block: int
    """Block within the group, from 0; local blocks count, so SAA blocks are odd."""
    grid: tuple[int, int]
    """(H, W) in tokens."""
    aggregation: Aggregation
    """What DTA chose and made, with B = 1."""


@torch.inference_mode()
def trace(model: SAT, image: Tensor) -> list[LayerTrace]:
    """Run a network on an image and return one :class:`LayerTrace` for each SAA layer, first to last."""
    _, groups = model.forward_traced(image, keep=True)
    grid = (image.shape[-2], image.shape[-1])
    return [
        LayerTrace(g, b, grid, aggregation)
        for g, blocks in enumerate(groups)
        for b, aggregation in enumerate(blocks)
        if aggregation is not None
    ]
