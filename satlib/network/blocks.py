"""The blocks of SAT: local (LTB) and selective aggregation (SATB), each attention and a gated MLP, and groups of them.

The paper's section 3 as the released code completes it: stochastic depth, and a gain on each block's input.

Shapes: B images of H x W tokens, N = H*W, C channels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.dta.sampling import Grid
from satlib.network.attention import RectangleWindowAttention, SelectiveAggregationAttention, to_image, to_tokens
from satlib.network.geometry import Geometry


class GatedMLP(nn.Module):
    """Linear, GELU; half of the channels gated by a depthwise convolution of the other half; Linear."""

    def __init__(self, config: SATConfig) -> None:
        super().__init__()
        half = config.hidden_channels // 2
        self.expand = nn.Linear(config.channels, 2 * half)
        self.norm = nn.LayerNorm(half)
        self.gate = nn.Conv2d(half, half, config.gate_kernel, padding=config.gate_kernel // 2, groups=half)
        self.reduce = nn.Linear(half, config.channels)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        kept, gate = (gelu(half) for half in self.expand(x).chunk(2, dim=-1))  # each (B, N, hidden/2)
        gate = to_tokens(self.gate(to_image(self.norm(gate), grid)))
        out: Tensor = self.reduce(kept * gate)
        return out


class Layer(NamedTuple):
    """One SAA layer at work."""

    tokens: Tensor
    """(B, N, C) what came in, normalised."""
    aggregation: Aggregation
    """What DTA chose and made of it."""
    output: Tensor
    """(B, N, C) what the layer gave, before it is added."""
    stream: Tensor
    """(B, N, C) what it is added to; `tokens` before they were normalised."""


class Block(nn.Module):
    """A gated MLP on normalised input, added; and the block's own input once more, times a gain.

    This alone is what is left of an SAA block with ``config.selective`` "none". The others put attention before it.
    """

    norm1: nn.LayerNorm
    attention: nn.Module

    def __init__(self, config: SATConfig, drop_path: float, attention: nn.Module | None = None) -> None:
        super().__init__()
        if attention is not None:
            self.norm1 = nn.LayerNorm(config.channels)
            self.attention = attention
        self.norm2 = nn.LayerNorm(config.channels)
        self.mlp = GatedMLP(config)
        self.gamma = nn.Parameter(torch.full((config.channels,), 1e-4))
        self.drop_path = drop_path

    def forward(self, x: Tensor, geometry: Geometry, *, generator: torch.Generator | None = None) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        return self.finish(x, x, geometry, generator)

    def finish(self, x: Tensor, y: Tensor, geometry: Geometry, generator: torch.Generator | None) -> Tensor:
        """Return the block's result from its input ``x`` and what attention has made of it, ``y``."""
        y = y + self.drop(self.mlp(self.norm2(y), geometry.grid), generator)
        return torch.addcmul(y, x, self.gamma)

    def drop(self, branch: Tensor, generator: torch.Generator | None) -> Tensor:
        """Stochastic depth: in training, drop the branch of a whole image at random and scale the others up."""
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        return branch * (branch.new_empty(len(branch), 1, 1).bernoulli_(keep, generator=generator) / keep)


class LocalBlock(Block):
    """LTB: attention in local windows, then the MLP."""

    attention: RectangleWindowAttention

    def __init__(self, config: SATConfig, drop_path: float, *, shifted: bool) -> None:
        super().__init__(config, drop_path, RectangleWindowAttention(config, shifted=shifted))

    def forward(self, x: Tensor, geometry: Geometry, *, generator: torch.Generator | None = None) -> Tensor:
        """(B, N, C) -> (B, N, C)."""
        y = x + self.drop(self.attention(self.norm1(x), geometry), generator)
        return self.finish(x, y, geometry, generator)


class SelectiveBlock(Block):
    """SATB: selective aggregation attention, then the MLP."""

    attention: SelectiveAggregationAttention

    def __init__(self, config: SATConfig, drop_path: float, *, layer: int) -> None:
        super().__init__(config, drop_path, SelectiveAggregationAttention.from_config(config, layer=layer))

    def forward(
        self,
        x: Tensor,
        geometry: Geometry,
        *,
        generator: torch.Generator | None = None,
        read: Sequence[Aggregation] | None = None,
        kept: list[Layer] | None = None,
    ) -> Tensor:
        """(B, N, C) -> (B, N, C); ``read`` and ``kept`` as in :meth:`satlib.SAT.forward`."""
        tokens = self.norm1(x)
        if read is None:
            output, aggregation = self.attention(tokens, geometry, generator=generator)
        else:
            aggregation = read[self.attention.layer]
            output = self.attention.read(tokens, aggregation)
        if kept is not None:
            kept.append(Layer(tokens, aggregation, output, x))
        y = x + self.drop(output, generator)
        del tokens, aggregation, output  # their memory is free again before the MLP needs some
        return self.finish(x, y, geometry, generator)


class ResidualGroup(nn.Module):
    """Pairs of a local block (LTB) and a selective aggregation block (SATB), a convolution, and the group's input."""

    def __init__(self, config: SATConfig, group: int) -> None:
        super().__init__()
        first = sum(config.groups[:group])
        drop_step = config.drop_path / (2 * sum(config.groups) - 1)  # from 0 at the first block to the rate at the last
        blocks: list[Block] = []
        for pair in range(config.groups[group]):
            layer = first + pair
            rates = 2 * layer * drop_step, (2 * layer + 1) * drop_step
            blocks.append(LocalBlock(config, rates[0], shifted=(group + pair) % 2 == 1))
            if config.selective == "none":
                blocks.append(Block(config, rates[1]))
            else:
                blocks.append(SelectiveBlock(config, rates[1], layer=layer))
        self.blocks = nn.ModuleList(blocks)
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(
        self,
        x: Tensor,
        geometry: Geometry,
        *,
        generator: torch.Generator | None = None,
        read: Sequence[Aggregation] | None = None,
        kept: list[Layer] | None = None,
    ) -> Tensor:
        """(B, N, C) -> (B, N, C); ``read`` and ``kept`` as in :meth:`satlib.SAT.forward`."""
        y = x
        for block in self.blocks:
            if isinstance(block, SelectiveBlock):
                y = block(y, geometry, generator=generator, read=read, kept=kept)
            else:
                y = block(y, geometry, generator=generator)
        return x + to_tokens(self.conv(to_image(y, geometry.grid)))
