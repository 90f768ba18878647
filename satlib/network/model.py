"""SAT, the Selective Aggregation Transformer: convolution, residual groups of local and SAA blocks, upsampler.

The network of the paper's section 3 as the released code completes it (stochastic depth, a gain on each block's
input, LayerNorm before the groups). It maps tensors to tensors; files and images are the matter of `satlib.upscaling`.

Shapes: B images, H x W input pixels, N = H*W tokens, C channels, s the scale.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import log2

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.dta.sampling import Grid
from satlib.network.attention import RectangleWindowAttention, SelectiveAggregationAttention, to_image, to_tokens

RGB_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, taken from the input and given back to the output."""


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


class Block(nn.Module):
    """Attention and gated MLP, each on normalised input and added; the block's input once more, times a gain.

    Without attention it is the MLP and the gain.
    """

    def __init__(
        self,
        config: SATConfig,
        attention: RectangleWindowAttention | SelectiveAggregationAttention | None,
        drop_path: float,
    ) -> None:
        super().__init__()
        self.norm1 = None if attention is None else nn.LayerNorm(config.channels)
        self.attention = attention
        self.norm2 = nn.LayerNorm(config.channels)
        self.mlp = GatedMLP(config)
        self.gamma = nn.Parameter(torch.full((config.channels,), 1e-4))
        self.drop_path = drop_path

    def forward(self, x: Tensor, grid: Grid, read: Aggregation | None = None) -> tuple[Tensor, Aggregation | None]:
        """(B, N, C) -> (B, N, C), and the aggregation of an SAA block, which is ``read`` if that is given."""
        y, aggregation = x, None
        if self.attention is not None and self.norm1 is not None:
            if isinstance(self.attention, SelectiveAggregationAttention):
                attended, aggregation = self.attention(self.norm1(x), grid, read)
            else:
                attended = self.attention(self.norm1(x), grid)
            y = x + self._drop(attended)
        y = y + self._drop(self.mlp(self.norm2(y), grid))
        return torch.addcmul(y, x, self.gamma), aggregation

    def _drop(self, branch: Tensor) -> Tensor:
        """Stochastic depth: in training, drop the branch of a whole image at random and scale the others up."""
        if not self.training or self.drop_path == 0:
            return branch
        keep = 1 - self.drop_path
        return branch * (branch.new_empty(len(branch), 1, 1).bernoulli_(keep) / keep)


class ResidualGroup(nn.Module):
    """Pairs of a local block (LTB) and a selective aggregation block (SATB), a convolution, and the group's input."""

    def __init__(self, config: SATConfig, group: int) -> None:
        super().__init__()
        first = sum(config.groups[:group])
        drop_step = config.drop_path / (2 * sum(config.groups) - 1)  # from 0 at the first block to the rate at the last
        blocks = []
        for pair in range(config.groups[group]):
            layer = first + pair
            local = RectangleWindowAttention(config, shifted=(group + pair) % 2 == 1)
            selective = None if config.selective == "none" else SelectiveAggregationAttention(config, layer=layer)
            blocks.append(Block(config, local, 2 * layer * drop_step))
            blocks.append(Block(config, selective, (2 * layer + 1) * drop_step))
        self.blocks = nn.ModuleList(blocks)
        self.conv = nn.Conv2d(config.channels, config.channels, 3, padding=1)

    def forward(
        self, x: Tensor, grid: Grid, read: list[Aggregation | None] | None = None
    ) -> tuple[Tensor, list[Aggregation | None]]:
        """(B, N, C) -> (B, N, C), and what each block aggregated (``None`` for local blocks), or was given to read."""
        y, aggregations = x, []
        for block, given in zip(self.blocks, read or [None] * len(self.blocks), strict=True):
            y, aggregation = block(y, grid, given)
            aggregations.append(aggregation)
        return x + to_tokens(self.conv(to_image(y, grid))), aggregations


class SAT(nn.Module):
    """The whole network.

    Parameters
    ----------
    config
        All of its choices; kept as ``model.config``. Weights are drawn from torch's global generator.
    """

    mean: Tensor

    def __init__(self, config: SATConfig) -> None:
        super().__init__()
        self.config = config
        channels, features = config.channels, config.upsampler_channels
        self.register_buffer("mean", torch.tensor(RGB_MEAN, dtype=torch.float32).view(3, 1, 1), persistent=False)
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.norm_in = nn.LayerNorm(channels)
        self.groups = nn.ModuleList(ResidualGroup(config, g) for g in range(len(config.groups)))
        self.norm_out = nn.LayerNorm(channels)
        self.body_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.features = nn.Sequential(nn.Conv2d(channels, features, 3, padding=1), nn.LeakyReLU(0.01))
        self.upsampler = _classic_upsampler(config) if config.upsampler == "classic" else _onestep_upsampler(config)
        self.apply(_init_linear)

    def forward(self, x: Tensor) -> Tensor:
        """Upscale a batch: (B, 3, H, W) floats in [0, 1] -> (B, 3, sH, sW), about [0, 1], not clipped."""
        return self.forward_traced(x)[0]

    def forward_traced(
        self, x: Tensor, *, keep: bool = False, read: list[list[Aggregation | None]] | None = None
    ) -> tuple[Tensor, list[list[Aggregation | None]]]:
        """Like :meth:`forward`, and return what each block of each group aggregated if ``keep`` is set.

        ``read`` is what another call has kept: SAA then reads those tokens, not the ones of ``x``.
        """
        if x.ndim != 4 or x.shape[1] != 3 or 0 in x.shape or not x.is_floating_point():
            raise ValueError(f"SAT takes floats of shape (B, 3, H, W), not empty; got {x.dtype} {tuple(x.shape)}")
        grid = (x.shape[2], x.shape[3])
        mean = self.mean.to(x.dtype)
        shallow = self.head(x - mean)  # (B, C, H, W)
        # Under autocast the first convolution gives half precision; what is added up over the blocks stays wide.
        tokens = self.norm_in(to_tokens(shallow).to(self.norm_in.weight.dtype))  # (B, N, C)
        kept = []
        others: Sequence[list[Aggregation | None] | None] = [None] * len(self.groups) if read is None else read
        for group, given in zip(self.groups, others, strict=True):
            tokens, aggregations = group(tokens, grid, given)
            if keep:
                kept.append(aggregations)
            del aggregations
        deep = self.body_conv(to_image(self.norm_out(tokens), grid)) + shallow
        return self.upsampler(self.features(deep)) + mean, kept


def _classic_upsampler(config: SATConfig) -> nn.Sequential:
    """Return steps of convolution and pixel shuffle (one of 3 for x3, else of 2), then a convolution to RGB."""
    features = config.upsampler_channels
    step, steps = (3, 1) if config.scale == 3 else (2, int(log2(config.scale)))
    layers: list[nn.Module] = []
    for _ in range(steps):
        layers += [nn.Conv2d(features, step**2 * features, 3, padding=1), nn.PixelShuffle(step)]
    return nn.Sequential(*layers, nn.Conv2d(features, 3, 3, padding=1))


def _onestep_upsampler(config: SATConfig) -> nn.Sequential:
    """Return one convolution to 3 s^2 channels and one pixel shuffle."""
    conv = nn.Conv2d(config.upsampler_channels, 3 * config.scale**2, 3, padding=1)
    return nn.Sequential(conv, nn.PixelShuffle(config.scale))


def _init_linear(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@contextmanager
def eval_mode(model: SAT) -> Iterator[None]:
    """Put a network into eval mode, and each of its modules back into its own mode afterwards."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
