"""What a trained network owes to its SAA layers: PSNR when they read something else than the image's own tokens.

A layer that gave every image the same would be missed, too, if it were switched off: a trained network misses its
biases. So three controls stand side by side. Another image's tokens are right for the network and wrong for the image;
one vector leaves nothing to choose from; and with nothing to read the layers add nothing.

Shapes: I images (H, W, 3) uint8 in high resolution, L SAA layers, s the scale.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from satlib.analysis.swapping import without_selective_attention
from satlib.dta.aggregation import Aggregation
from satlib.images.degradation import downscale
from satlib.images.tensors import to_pixels, to_tensor
from satlib.metrics.fidelity import psnr
from satlib.network.model import SAT, in_eval

Pixels = npt.NDArray[np.uint8]
OTHER, ONE, OFF = "another photograph's tokens", "one vector", "nothing: SAA off"


def one_vector(made: Aggregation) -> Aggregation:
    """Make all aggregated tokens alike: their mean, weighted by how many tokens each stands for."""
    total = (made.tokens * made.counts.unsqueeze(-1)).sum(1, keepdim=True)  # (B, 1, C)
    mean = total / made.counts.sum(1)[:, None, None]
    return made._replace(tokens=mean.expand_as(made.tokens))


@torch.inference_mode()
def controls(model: SAT, images: Sequence[Pixels]) -> dict[str, list[float]]:
    """Return by how much PSNR changes, in dB on Y, for each image, by what the layers read instead of their own tokens.

    Parameters
    ----------
    model
        A network with SAA layers.
    images
        Two or more, with sides that the scale divides. Each reads the next one's tokens, the last the first one's.

    Raises
    ------
    ValueError
        If there are fewer images, or the network has no SAA layer.
    """
    model, off = in_eval(model), without_selective_attention(model)
    found: dict[str, list[float]] = {name: [] for name in (OTHER, ONE, OFF)}
    for image, low, own, others in _pairs(model, images):
        read = {OTHER: others, ONE: [one_vector(made) for made in own]}
        outputs = {name: model(low, read=tokens) for name, tokens in read.items()} | {OFF: off(low)}
        base = _level(model(low, read=own), image, model.scale)
        for name, output in outputs.items():
            found[name].append(_level(output, image, model.scale) - base)
    return found


@torch.inference_mode()
def layer_swaps(model: SAT, images: Sequence[Pixels]) -> Tensor:
    """Return by how much PSNR changes, (I, L) in dB on Y, if one layer alone reads the next image's tokens.

    The other layers read what they read in an ordinary run. Arguments and errors are those of :func:`controls`.
    """
    model, rows = in_eval(model), []
    for image, low, own, others in _pairs(model, images):
        reads = [[*own[:i], others[i], *own[i + 1 :]] for i in range(len(own))]
        base, *levels = (_level(model(low, read=read), image, model.scale) for read in [own, *reads])
        rows.append([level - base for level in levels])
    return torch.tensor(rows, dtype=torch.float64)


def _pairs(model: SAT, images: Sequence[Pixels]) -> list[tuple[Pixels, Tensor, list[Aggregation], list[Aggregation]]]:
    """Return each image with its low resolution, its aggregations and the next one's."""
    if len(images) < 2:
        raise ValueError(f"two images are needed, so that one reads the other's tokens; got {len(images)}")
    if not model.saa_layers():
        raise ValueError("the network has no SAA layer: its configuration has selective='none'")
    weight = next(model.parameters())
    lows = [to_tensor(downscale(x, model.scale))[None].to(weight.device, weight.dtype) for x in images]
    read = [[layer.aggregation for layer in model.layers(low)] for low in lows]
    return list(zip(images, lows, read, read[1:] + read[:1], strict=True))


def _level(output: Tensor, image: Pixels, scale: int) -> float:
    """Return the PSNR on Y of an output (1, 3, H, W), in dB, without a border of s pixels."""
    return psnr(to_pixels(output[0].cpu(), np.uint8), image, border=scale)
