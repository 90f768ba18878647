"""The network taken apart: how many parameters each of its parts has, read off the real modules.

Shapes: h x w a window, p channels of the position bias's network.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from satlib.attention import PositionBias
from satlib.config import SATConfig
from satlib.model import SAT, Block, ResidualGroup


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
    "norm1": "LayerNorm before the attention", "attention.qkv": "q, k, v: Linear",
    "attention.biases": "position bias, two networks", "attention.local": "depthwise 3×3 on v",
    "attention.query": "q, from all tokens: Linear", "attention.key": "k, from aggregated tokens: Linear",
    "attention.value": "v, from aggregated tokens: Linear", "attention.project": "output: Linear",
    "norm2": "LayerNorm before the MLP", "mlp.expand": "MLP, expand: Linear", "mlp.norm": "MLP gate: LayerNorm",
    "mlp.gate": "MLP gate: depthwise convolution", "mlp.reduce": "MLP, reduce: Linear",
    "gamma": "gain of the block's input",
}  # fmt: skip
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
    model = one_pair(config)
    pairs, groups = sum(config.groups), len(config.groups)
    group, local, selective = one_group(model)
    parts = [
        ("first convolution", 1, model.head),
        ("LayerNorm before the groups", 1, model.norm_in),
        ("local block (LTB)", pairs, local),
        ("selective aggregation block (SATB)", pairs, selective),
        ("convolution after a group", groups, group.conv),
        ("LayerNorm after the groups", 1, model.norm_out),
        ("convolution of the body", 1, model.body_conv),
        ("convolution to the upsampler", 1, model.features),
        ("upsampler", 1, model.upsampler),
    ]
    return [Part(name, number, _size(module)) for name, number, module in parts]


def block_parts(config: SATConfig, *, selective: bool) -> list[Part]:
    """Return the parts of one local block, or of one selective aggregation block; together all of its parameters."""
    block = one_group(one_pair(config))[1 + selective]
    sizes = dict.fromkeys(NAMES, 0)
    for name, parameter in block.named_parameters():
        sizes[next(known for known in NAMES if name == known or name.startswith(known + "."))] += parameter.numel()
    return [Part(NAMES[name], 1, size) for name, size in sizes.items() if size]


def n_params(config: SATConfig) -> int:
    """Return the number of parameters of a network."""
    return sum(part.params for part in outline(config))


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def position_tables(model: SAT, pair: int) -> list[Tensor]:
    """Return the position bias of one local block by offset: two tensors (heads/2, 2h-1, 2w-1), the second transposed.

    Parameters
    ----------
    model
        A network.
    pair
        Which of its pairs of blocks, from 0.

    Raises
    ------
    ValueError
        If there is no such pair.
    """
    pairs = sum(model.config.groups)
    if not 0 <= pair < pairs:
        raise ValueError(f"pair must lie in 0..{pairs - 1}, got {pair}")
    biases = [module for module in model.modules() if isinstance(module, PositionBias)]
    windows = (model.config.window, model.config.window[::-1])
    with torch.inference_mode():
        return [
            bias.layers(bias.project(bias.offsets)).T.unflatten(1, (2 * h - 1, 2 * w - 1))
            for bias, (h, w) in zip(biases[2 * pair :], windows, strict=False)
        ]


def random_bias_spread(window: tuple[int, int], width: int, seed: int = 0) -> float:
    """Return how much a position bias can tell: the largest difference between two offsets, for random parameters.

    Parameters
    ----------
    window
        (h, w).
    width
        p, of the bias's network. All of its parameters, gains and shifts too, are drawn from a normal distribution.
    seed
        Of the draw.
    """
    random = torch.Generator().manual_seed(seed)
    bias = PositionBias(window, width, heads=1)
    with torch.no_grad():
        for parameter in bias.parameters():
            parameter.normal_(generator=random)
        pairs = bias()
    return float(pairs.max() - pairs.min())
