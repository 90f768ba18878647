"""Parameters and multiply-adds of SAT's layers, read off the real network rather than written down as formulas.

A layer with W weights that is applied to P places costs W * P multiply-adds. P is the number of tokens for most
layers, of centres for the keys and values of SAA, of offsets for the position bias, and more than the tokens after a
pixel shuffle. What a stage costs is therefore linear in N and K, and that rate is all that is kept.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from satlib.config import SATConfig
from satlib.network.attention import PositionBias, RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.blocks import Block, GatedMLP, ResidualGroup
from satlib.network.model import SAT

NORM_OPERATIONS = 5
"""Operations for each element that a LayerNorm takes in, by the convention of Table A."""

LAYERS = (
    "convolutions",
    "local linear",
    "local depthwise",
    "position bias",
    "SAA linear",
    "MLP linear",
    "MLP depthwise",
    "norms",
    "upsampler",
)
"""Stages that are layers. "convolutions" are those of the head, of the groups and after them; "local" is the
window attention; "norms" are all LayerNorms of the network."""


class Layer(NamedTuple):
    """A layer, and how many places it is applied to: ``token`` * N + ``center`` * K + ``fixed``."""

    stage: str
    module: nn.Linear | nn.Conv2d | nn.LayerNorm
    token: int = 1
    center: int = 0
    fixed: int = 0


class Rate(NamedTuple):
    """Multiply-adds of a stage: ``token`` * N + ``center`` * K + ``fixed``."""

    token: int = 0
    center: int = 0
    fixed: int = 0

    def plus(self, layer: Layer) -> "Rate":
        """Add a layer: it uses each weight once at every place, a norm NORM_OPERATIONS times."""
        uses = layer.module.weight.numel() * (NORM_OPERATIONS if isinstance(layer.module, nn.LayerNorm) else 1)
        token, center, fixed = (uses * n for n in (layer.token, layer.center, layer.fixed))
        return Rate(self.token + token, self.center + center, self.fixed + fixed)


@lru_cache(maxsize=64)
def layer_costs(config: SATConfig) -> tuple[Mapping[str, int], Mapping[str, Rate]]:
    """Return the parameters of every part and the rate of every stage, both from the network's own modules."""
    with torch.device("meta"):  # shapes without values
        model = SAT(config)
    params, rates = dict.fromkeys(LAYERS, 0), dict.fromkeys(LAYERS, Rate())
    for layer in _layers(model):
        params[layer.stage] += sum(p.numel() for p in layer.module.parameters())
        rates[layer.stage] = rates[layer.stage].plus(layer)
    params["block gains"] = sum(block.gamma.numel() for block in model.modules() if isinstance(block, Block))
    params["total"] = model.n_params
    return MappingProxyType(params), MappingProxyType(rates)


def _layers(model: SAT) -> Iterator[Layer]:
    """Yield every layer of the network with its stage and its places."""
    for module in model.modules():
        match module:
            case SAT():
                yield from (Layer("convolutions", conv) for conv in (module.head, module.body_conv))
                yield from (Layer("norms", norm) for norm in (module.norm_in, module.norm_out))
                yield from _upsampler_layers(module)
            case ResidualGroup():
                yield Layer("convolutions", module.conv)
            case Block():
                yield from (Layer("norms", norm) for norm in module.children() if isinstance(norm, nn.LayerNorm))
            case RectangleWindowAttention():
                yield from (Layer("local linear", linear) for linear in (module.qkv, module.project))
                yield Layer("local depthwise", module.local)
            case PositionBias():
                yield from _position_bias_layers(module)
            case SelectiveAggregationAttention():
                yield from (Layer("SAA linear", linear) for linear in (module.query, module.project))
                yield from (Layer("SAA linear", linear, token=0, center=1) for linear in (module.key, module.value))
            case GatedMLP():
                yield from (Layer("MLP linear", linear) for linear in (module.expand, module.reduce))
                yield Layer("MLP depthwise", module.gate)
                yield Layer("norms", module.norm)


def _position_bias_layers(bias: PositionBias) -> Iterator[Layer]:
    """Yield the layers that turn offsets into biases; they run over all offsets, once for each attention."""
    for module in bias.modules():
        if isinstance(module, nn.Linear):
            yield Layer("position bias", module, token=0, fixed=len(bias.offsets))
        elif isinstance(module, nn.LayerNorm):
            yield Layer("norms", module, token=0, fixed=len(bias.offsets))


def _upsampler_layers(model: SAT) -> Iterator[Layer]:
    """Yield the convolutions after the body; each pixel shuffle gives the next one more pixels."""
    pixels = 1
    for module in (*model.features, *model.upsampler):
        if isinstance(module, nn.Conv2d):
            yield Layer("upsampler", module, token=pixels)
        elif isinstance(module, nn.PixelShuffle):
            pixels *= module.upscale_factor**2
