"""Parameters and multiply-adds of SAT's layers, read off the real network rather than written down as formulas.

A layer with W weights that is applied to P places costs W * P multiply-adds. P is the number of tokens for most
layers, of centres for the keys and values of SAA, of offsets for the position bias, and more than the tokens after a
pixel shuffle. What a stage costs is therefore linear in N and K, and that rate is all that is kept.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from torch import nn

from satlib.complexity.parameters import n_params, one_group, one_pair
from satlib.config import SATConfig
from satlib.network.attention import PositionBias, RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.blocks import Block, GatedMLP
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

    def plus(self, layer: Layer, times: int = 1) -> "Rate":
        """Add so many layers: one uses each weight once at every place, a norm NORM_OPERATIONS times."""
        each = NORM_OPERATIONS if isinstance(layer.module, nn.LayerNorm) else 1
        uses = times * each * layer.module.weight.numel()
        token, center, fixed = (uses * n for n in (layer.token, layer.center, layer.fixed))
        return Rate(self.token + token, self.center + center, self.fixed + fixed)


@lru_cache(maxsize=64)
def layer_costs(config: SATConfig) -> tuple[Mapping[str, int], Mapping[str, Rate]]:
    """Return the parameters of every part and the rate of every stage, both from the network's own modules.

    One pair of blocks is built and counted for all: their layers have the same sizes.
    """
    model = one_pair(config)
    group, *blocks = one_group(model)
    pairs, groups = sum(config.groups), len(config.groups)
    params, rates = dict.fromkeys(LAYERS, 0), dict.fromkeys(LAYERS, Rate())
    found = [(1, layer) for layer in _outer_layers(model)]
    found += [(groups, Layer("convolutions", group.conv))]
    found += [(pairs, layer) for block in blocks for layer in _block_layers(block)]
    for times, layer in found:
        params[layer.stage] += times * sum(p.numel() for p in layer.module.parameters())
        rates[layer.stage] = rates[layer.stage].plus(layer, times)
    params["block gains"] = pairs * sum(block.gamma.numel() for block in blocks)
    params["total"] = n_params(config)
    return MappingProxyType(params), MappingProxyType(rates)


def _outer_layers(model: SAT) -> Iterator[Layer]:
    """Yield the layers outside of the groups with their stages and their places."""
    yield from (Layer("convolutions", conv) for conv in (model.head, model.body_conv))
    yield from (Layer("norms", norm) for norm in (model.norm_in, model.norm_out))
    yield from _upsampler_layers(model)


def _block_layers(block: Block) -> Iterator[Layer]:
    """Yield every layer of a block with its stage and its places."""
    for module in block.modules():
        match module:
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
