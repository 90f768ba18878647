"""The network taken apart: how many parameters each of its parts has, read off the real modules.

Shapes: h x w a window, p channels of the position bias's network.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import nn

from satlib.config import SATConfig
from satlib.network.blocks import Block, ResidualGroup
from satlib.network.model import SAT


class Part(NamedTuple):
    """One kind of part of a network."""

    name: str
    """What it is."""
    number: int
    """How many of it there are."""
    each: int
    """Parameters of one."""

    @property
    def params(self) -> int:
        """Parameters of all of them."""
        return self.number * self.each


NAMES = {
    "norm1": "LayerNorm before the attention",
    "attention.qkv": "q, k, v: Linear",
    "attention.biases": "position bias, two networks",
    "attention.local": "depthwise 3×3 on v",
    "attention.query": "q, from all tokens: Linear",
    "attention.key": "k, from aggregated tokens: Linear",
    "attention.value": "v, from aggregated tokens: Linear",
    "attention.project": "output: Linear",
    "norm2": "LayerNorm before the MLP",
    "mlp.expand": "MLP, expand: Linear",
    "mlp.norm": "MLP gate: LayerNorm",
    "mlp.gate": "MLP gate: depthwise convolution",
    "mlp.reduce": "MLP, reduce: Linear",
    "gamma": "gain of the block's input",
}
"""A block's parts, by the names of its modules."""


def one_pair(config: SATConfig) -> SAT:
    """Return the network cut down to one pair of blocks, without storage; all pairs have the same sizes."""
    with torch.device("meta"):
        return SAT(config.replace(groups=(1,)))


def one_group(model: SAT) -> tuple[ResidualGroup, Block, Block]:
    """Return the first residual group of a network, its first local block and its first SAA block."""
    group = model.groups[0]
    assert isinstance(group, ResidualGroup)
    local, selective = group.blocks[0], group.blocks[1]
    assert isinstance(local, Block)
    assert isinstance(selective, Block)
    return group, local, selective


def outline(config: SATConfig) -> list[Part]:
    """Return the parts of the whole network, in the order in which an image passes them; together all parameters."""
    numbers = {"local block (LTB)": sum(config.groups), "selective aggregation block (SATB)": sum(config.groups)}
    numbers["convolution after a group"] = len(config.groups)
    sizes = _sizes(config.replace(groups=(1,)))
    return [Part(name, numbers.get(name, 1), size) for name, size in sizes.items()]


@lru_cache(maxsize=256)
def _sizes(config: SATConfig) -> Mapping[str, int]:
    """Return the parameters of one part of each kind, in the order in which an image passes them."""
    model = one_pair(config)
    group, local, selective = one_group(model)
    parts = {
        "first convolution": model.head,
        "LayerNorm before the groups": model.norm_in,
        "local block (LTB)": local,
        "selective aggregation block (SATB)": selective,
        "convolution after a group": group.conv,
        "LayerNorm after the groups": model.norm_out,
        "convolution of the body": model.body_conv,
        "convolution to the upsampler": model.features,
        "upsampler": model.upsampler,
    }
    return MappingProxyType({name: _size(module) for name, module in parts.items()})


def block_parts(config: SATConfig, *, selective: bool) -> list[Part]:
    """Return the parts of one local block, or of one selective aggregation block; together all of its parameters."""
    _, local_block, selective_block = one_group(one_pair(config))
    block = selective_block if selective else local_block
    sizes = dict.fromkeys(NAMES, 0)
    for name, parameter in block.named_parameters():
        sizes[next(known for known in NAMES if name == known or name.startswith(known + "."))] += parameter.numel()
    return [Part(NAMES[name], 1, size) for name, size in sizes.items() if size]


def n_params(config: SATConfig) -> int:
    """Return the number of parameters of a network."""
    return sum(part.params for part in outline(config))


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
