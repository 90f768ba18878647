"""How far each SAA layer of a network attends: what its output weighs, whether queries differ, and what hangs on it.

A layer may choose tokens, spread its weights over them, and still do nothing for the image. Six numbers tell. `share`
is small if the network has shut the layer; `varies` and `place` are small if it tells every query the same; `zeroed` is
small if nothing needs it; `swapped` is small if another image's tokens do as well.

Shapes: I images (H, W, 3) uint8 in high resolution, L SAA layers, N tokens, K aggregated ones, Q queries.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib.analysis.attention_maps import attended
from satlib.analysis.controls import Pixels, layer_swaps
from satlib.analysis.layer_weights import without_layer
from satlib.images.degradation import downscale
from satlib.images.tensors import to_pixels, to_tensor
from satlib.metrics.fidelity import psnr
from satlib.network.model import SAT, in_eval
from satlib.support.checks import is_int, require


class LayerReport(NamedTuple):
    """One SAA layer, as means over images."""

    share: float
    """Norm of the layer's output over that of what it is added to."""
    place: float
    """Share of the output's energy that differs from place to place: 0 if every token is given the same."""
    read: float
    """How many of the K aggregated tokens a query reads, as a share of K: exp of the entropy of its weights over K."""
    varies: float
    """Half the sum of absolute differences between a query's weights and the mean query's: 0 if all read alike."""
    zeroed: float
    """PSNR of Y that is lost without the layer, in dB."""
    swapped: float
    """PSNR of Y that is lost if this layer alone reads the next image's tokens, in dB."""


def layer_reports(model: SAT, images: Sequence[Pixels], *, queries: int = 256) -> list[LayerReport]:
    """Return a report on each SAA layer, first to last.

    Parameters
    ----------
    model
        A network with SAA layers. Not changed; it runs in eval mode.
    images
        Two or more, (H, W, 3) uint8, with sides that the scale divides. Each is downscaled by the scale, and reads the
        next one's tokens in the swap, the last the first one's.
    queries
        How many tokens of each image are asked what they read, evenly spaced; all, if there are no more.

    Raises
    ------
    ValueError
        If there are fewer images, ``queries`` is no positive integer, or the network has no SAA layer.
    """
    require(is_int(queries) and queries > 0, "queries", queries, "a positive integer")
    model = in_eval(model)
    swapped = -layer_swaps(model, images).mean(0)  # (L,)
    at_work, lost = [], []
    for image in images:
        low = to_tensor(downscale(image, model.scale))
        at_work.append(_at_work(model, low, queries))
        lost.append(_zeroed(model, low, image))
    means = torch.cat([torch.stack(at_work).mean(0), torch.stack(lost).mean(0)[:, None], swapped[:, None]], dim=1)
    return [LayerReport(*row) for row in means.tolist()]


def _at_work(model: SAT, low: Tensor, n: int) -> Tensor:
    """Return share, place, read and varies of each layer on one image, (L, 4) float64."""
    n_tokens = low.shape[-2] * low.shape[-1]
    chosen = torch.linspace(0, n_tokens - 1, min(n, n_tokens)).round().long()
    rows = []
    for layer in attended(model, low, chosen):
        output, weights = layer.layer.output[0].double(), layer.weights.double()  # (N, C), (heads, Q, K)
        energy = output.square().sum().clamp_min(torch.finfo(output.dtype).tiny)  # of a layer that gives nothing, too
        rows.append(
            torch.stack(
                [
                    output.norm() / layer.layer.stream.double().norm(),
                    (output - output.mean(0)).square().sum() / energy,
                    layer.read().double().mean() / weights.shape[-1],
                    (weights - weights.mean(1, keepdim=True)).abs().sum(-1).mean() / 2,
                ]
            )
        )
    return torch.stack(rows).cpu()


def _zeroed(model: SAT, low: Tensor, image: Pixels) -> Tensor:
    """Return what PSNR of Y loses without each layer, (L,) float64, in dB."""

    def level(network: SAT) -> float:
        weight = next(network.parameters())
        with torch.inference_mode():
            output = network(low[None].to(weight.device, weight.dtype))
        return psnr(to_pixels(output[0].cpu(), np.uint8), image, border=network.scale)

    whole = level(model)
    silent = [level(without_layer(model, layer)) for layer in range(len(model.saa_layers()))]
    return whole - torch.tensor(silent, dtype=torch.float64)
