"""How far the SAA layers of a network are from exact attention with the same weights.

Theorem 3.2 compares the two: every query reads all N tokens, or K aggregated ones. Here both are computed from what a
layer takes in when the network runs on an image, in float64. Each layer is judged on its own: its input is what the
network has there, with SAA in all layers before it.

There are two yardsticks. "raw" is the theorem's: keys and values of the tokens as they are. A layer that restores
norms to the largest has only ever seen keys and values of that length, though. "restored" gives every token that length
first, so that what differs is aggregation alone.

Shapes: N = H*W tokens, C channels, K aggregated tokens, d channels of a head.
"""

import copy
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from satlib.analysis.tracing import LayerTrace, trace
from satlib.dta.aggregation import Aggregation, aggregate
from satlib.dta.options import AggregationOptions
from satlib.images.tensors import check_floats
from satlib.network.attention import SelectiveAggregationAttention, each_token
from satlib.network.model import SAT, as_sat


class LayerError(NamedTuple):
    """Relative errors of one SAA layer against exact attention: norm of the difference over that of the exact output.

    The output is the layer's, behind its last linear map but without that map's bias.
    """

    plain: float
    """SAA as the paper has it: every aggregated token has one key, however many tokens it stands for."""
    size_bias: float
    """SAA with log n_k added to the logits."""
    plain_unrestored: float
    """As `plain`, with aggregated tokens as they come out of the weighted mean, their norms not restored."""
    size_bias_unrestored: float
    """As `size_bias`, norms not restored."""
    uniform: float
    """What reading all tokens of the yardstick equally would give: their mean value. Needs no query and no key."""
    other_yardstick: float
    """Exact attention by the other yardstick."""


class ByYardstick(NamedTuple):
    """The errors of each SAA layer, first to last, by the tokens that exact attention reads."""

    raw: list[LayerError]
    """As they are."""
    restored: list[LayerError]
    """Each with the largest norm of the image, as a network with ``norm_restoration="max"`` knows keys and values."""


def layer_errors(model: SAT, image: Tensor) -> ByYardstick:
    """Return the errors of each SAA layer by both yardsticks.

    Parameters
    ----------
    model
        Not changed; its copy runs in float64 on the CPU, in eval mode.
    image
        (3, H, W) in [0, 1].

    Raises
    ------
    ValueError
        If the image has another shape, or holds integers.
    """
    if image.ndim != 3 or image.shape[0] != 3 or image.numel() == 0:
        raise ValueError(f"image must be (3, H, W), got {tuple(image.shape)}")
    double = copy.deepcopy(as_sat(model)).cpu().double().eval()
    layers = trace(double, check_floats(image).detach().cpu().double())
    with torch.inference_mode():
        layers_of = zip(double.saa_layers(), layers, strict=True)
        errors = [_errors(module, layer) for module, layer in layers_of]
    return ByYardstick([raw for raw, _ in errors], [restored for _, restored in errors])


def _errors(module: SelectiveAggregationAttention, layer: LayerTrace) -> tuple[LayerError, LayerError]:
    """Compare the ways to attend from what one layer took in, by the raw yardstick and by the restored one."""
    x, as_is = layer.tokens, layer.aggregation
    options: AggregationOptions = {**module.options, "norm_restoration": "none"}
    merged = aggregate(x, as_is.centers.shape[1], grid=layer.grid, sample=as_is.sample, **options)
    outputs = [_read(module, x, made, size_bias=sizes) for made in (as_is, merged) for sizes in (False, True)]
    both = (x, with_largest_norm(x))
    exact = [_read(module, x, each_token(tokens)) for tokens in both]
    means = [linear(module.value(tokens).mean(1, keepdim=True), module.project.weight) for tokens in both]
    raw, restored = (
        LayerError(*(float((output - target).norm() / target.norm()) for output in (*outputs, mean, other)))
        for target, other, mean in zip(exact, reversed(exact), means, strict=True)
    )
    return raw, restored


def with_largest_norm(x: Tensor) -> Tensor:
    """Give every token of (B, N, C) the largest norm of its image; tokens that are zero stay zero."""
    norms = torch.linalg.vector_norm(x, dim=2, keepdim=True)
    longer: Tensor = x * (norms.amax(1, keepdim=True) / norms.clamp_min(torch.finfo(x.dtype).tiny))
    return longer


def _read(
    module: SelectiveAggregationAttention, x: Tensor, aggregation: Aggregation, *, size_bias: bool = False
) -> Tensor:
    """Return the layer's output without the bias of its last linear map."""
    return module.read(x, aggregation, size_bias=size_bias) - module.project.bias
