"""How far the SAA layers of a network are from exact attention with the same weights.

Theorem 3.2 compares the two: every query reads all N tokens, or K aggregated ones. Here both are computed from what a
layer takes in when the network runs on an image, in float64. Each layer is judged on its own: its input is what the
network has there, with SAA in all layers before it.

Shapes: N = H*W tokens, C channels, K aggregated tokens, d channels of a head.
"""

import copy
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from satlib.analysis.tracing import LayerTrace, trace
from satlib.dta.aggregation import aggregate
from satlib.dta.options import AggregationOptions
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
    """What reading all tokens equally would give: the mean value, at every query. Needs no query and no key."""


def layer_errors(model: SAT, image: Tensor) -> list[LayerError]:
    """Return the errors of each SAA layer, first to last.

    Parameters
    ----------
    model
        Not changed; its copy runs in float64 on the CPU, in eval mode.
    image
        (3, H, W) in [0, 1].

    Raises
    ------
    ValueError
        If the image has another shape.
    """
    if image.ndim != 3 or image.shape[0] != 3 or image.numel() == 0:
        raise ValueError(f"image must be (3, H, W), got {tuple(image.shape)}")
    double = copy.deepcopy(as_sat(model)).cpu().double().eval()
    layers = trace(double, image.detach().cpu().double())
    with torch.inference_mode():
        return [_errors(module, layer) for module, layer in zip(double.saa_layers(), layers, strict=True)]


def _errors(module: SelectiveAggregationAttention, layer: LayerTrace) -> LayerError:
    """Compare the ways to attend from what one layer took in."""
    x, restored = layer.tokens, layer.aggregation
    options: AggregationOptions = {**module.config.aggregation_options(), "norm_restoration": "none"}
    merged = aggregate(x, restored.centers.shape[1], grid=layer.grid, sample=restored.sample, **options)
    exact = module.read(x, each_token(x), size_bias=False) - module.project.bias
    mean = linear(module.value(x).mean(1, keepdim=True), module.project.weight)  # every token read equally
    outputs = [
        module.read(x, made, size_bias=sizes) - module.project.bias
        for made in (restored, merged)
        for sizes in (False, True)
    ]
    return LayerError(*(float((output - exact).norm() / exact.norm()) for output in [*outputs, mean.expand_as(exact)]))
