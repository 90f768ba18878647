"""How far the SAA layers of a network are from exact attention with the same weights.

Theorem 3.2 compares the two: every query reads all N tokens, or K aggregated ones. Here both are computed from what a
layer takes in when the network runs on an image, in float64. Each layer is judged on its own: its input is what the
network has there, with SAA in all layers before it.

Shapes: N = H*W tokens, C channels, K aggregated tokens, d channels of a head.
"""

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from satlib import dta
from satlib.network.attend import attend
from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.model import SAT, eval_mode


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
    double = copy.deepcopy(model).cpu().double()
    modules = [module for module in double.modules() if isinstance(module, SelectiveAggregationAttention)]
    seen: list[Tensor] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen.append(inputs[0])

    for module in modules:
        module.register_forward_pre_hook(keep)
    with eval_mode(double), torch.inference_mode():
        double(image.detach().cpu().double().unsqueeze(0))
        grid = (image.shape[1], image.shape[2])
        return [_errors(module, x, grid) for module, x in zip(modules, seen, strict=True)]


def _errors(module: SelectiveAggregationAttention, x: Tensor, grid: tuple[int, int]) -> LayerError:
    """Compare the ways to attend from the tokens x (1, N, C) of one layer."""
    config = module.config
    restored = module.aggregate(x, grid)
    merged = dta.aggregate(
        x, restored.centers.shape[1], grid=grid, sample=restored.sample, subsample=config.subsample,
        neighbors=config.neighbors, aggregation=config.aggregation, temperature=config.temperature,
        norm_restoration="none", sampling=config.sampling,
    )  # fmt: skip
    exact = _attend(module, x, x, torch.zeros_like(x[..., 0]))
    mean = torch.nn.functional.linear(module.value(x).mean(1, keepdim=True), module.project.weight)
    outputs = [
        _attend(module, x, made.tokens, (made.counts if sizes else made.counts.clamp(max=1)).to(x.dtype).log())
        for made in (restored, merged) for sizes in (False, True)
    ]  # fmt: skip
    return LayerError(*(float((output - exact).norm() / exact.norm()) for output in [*outputs, mean.expand_as(exact)]))


def _attend(module: SelectiveAggregationAttention, x: Tensor, tokens: Tensor, bias: Tensor) -> Tensor:
    """Attend from x (1, N, C) to tokens (1, K, C) with a bias (1, K) on the logits: (1, N, C)."""
    q, k, v = (
        t.unflatten(-1, (module.config.heads, -1)) for t in (module.query(x), module.key(tokens), module.value(tokens))
    )  # each (1, N or K, heads, d)
    return torch.nn.functional.linear(attend(q, k, v, bias).flatten(2), module.project.weight)
