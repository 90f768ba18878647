"""The two attentions of SAT: local rectangle windows, and selective aggregation (SAA).

Shapes: B images, N = H*W tokens, C channels, K aggregated tokens, n tokens of a window, p channels of the position
bias.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from satlib import dta
from satlib.config import SATConfig
from satlib.dta.sampling import Grid, draw_sample, n_samples
from satlib.network.attend import attend, attend_in_windows
from satlib.network.windows import HalvesPlan, plan_halves, relative_index, relative_offsets


class PositionBias(nn.Module):
    """Dynamic position bias: a small network from the raw offset (rows, columns) of a pair to one logit per head."""

    offsets: Tensor
    index: Tensor

    def __init__(self, window: Grid, channels: int, heads: int) -> None:
        super().__init__()
        self.project = nn.Linear(2, channels)
        self.layers = nn.Sequential(
            *(
                nn.Sequential(nn.LayerNorm(channels), nn.ReLU(), nn.Linear(channels, out))
                for out in (channels, channels, heads)
            )
        )
        self.register_buffer("offsets", relative_offsets(window).float(), persistent=False)
        self.register_buffer("index", relative_index(window), persistent=False)

    def forward(self) -> Tensor:
        """Return the bias of every pair of tokens in a window, (heads, n, n)."""
        table: Tensor = self.layers(self.project(self.offsets))  # ((2h-1)(2w-1), heads)
        return table.T[:, self.index]  # its gradient is summed in a fixed order on a GPU, too


class RectangleWindowAttention(nn.Module):
    """Self-attention in h x w windows for the first half of the channels and in w x h windows for the second.

    A depthwise convolution of the values is added, which lets neighbouring windows touch.
    """

    def __init__(self, config: SATConfig, *, shifted: bool) -> None:
        super().__init__()
        channels, heads = config.channels, config.heads // 2
        self.window, self.heads = config.window, heads
        self.shifted, self.mask_padding = shifted, config.mask_padding
        self.qkv = nn.Linear(channels, 3 * channels, bias=config.qkv_bias)
        self.biases = nn.ModuleList(
            PositionBias(sides, config.bias_channels, heads) for sides in (config.window, config.window[::-1])
        )
        self.local = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.project = nn.Linear(channels, channels)
        self.fixed: HalvesPlan | None = (
            None  # the plan whatever the grid: satlib.upscaling.graphs, for a network of one size
        )

    def plan(self, grid: Grid, device: torch.device) -> HalvesPlan:
        """Return the plan of the windows of an H x W grid, which is kept."""
        return plan_halves(grid, self.window, shifted=self.shifted, mask_padding=self.mask_padding, device=device)

    def forward(self, x: Tensor, grid: Grid) -> Tensor:
        """(B, N, C) tokens of an H x W grid -> (B, N, C)."""
        plan = self.plan(grid, x.device) if self.fixed is None else self.fixed
        qkv = self.qkv(x)  # (B, N, [q k v] [h x w, w x h] heads d)
        bias = torch.stack([bias() for bias in self.biases])  # (2, heads, n, n)
        local = to_tokens(self.local(to_image(qkv[..., 2 * x.shape[2] :], grid)))
        projected: Tensor = self.project(attend_in_windows(qkv, bias, plan) + local)
        return projected


class SelectiveAggregationAttention(nn.Module):
    """SAA: queries from all N tokens, keys and values from the K tokens that DTA makes of them.

    With ``config.selective`` "exact" every token is an aggregated token by itself.
    """

    def __init__(self, config: SATConfig, *, layer: int) -> None:
        super().__init__()
        self.config, self.layer = config, layer
        self.query = nn.Linear(config.channels, config.qk_channels, bias=config.qkv_bias)
        self.key = nn.Linear(config.channels, config.qk_channels, bias=config.qkv_bias)
        self.value = nn.Linear(config.channels, config.channels, bias=config.qkv_bias)
        self.project = nn.Linear(config.channels, config.channels)
        self.fixed: Tensor | None = (
            None  # (S,) the sample of eval mode whatever the grid: satlib.upscaling.graphs, as above
        )

    def plan(self, grid: Grid, device: torch.device) -> Tensor:
        """Return the (S,) sample of eval mode on an H x W grid, which is kept."""
        c, n_tokens = self.config, grid[0] * grid[1]
        n_centers = c.n_centers(n_tokens)
        size = n_samples(n_tokens, n_centers, c.subsample)
        return eval_sample(c.seed, self.layer, grid, size, c.sampling, n_centers, device)

    def forward(self, x: Tensor, grid: Grid, read: dta.Aggregation | None = None) -> tuple[Tensor, dta.Aggregation]:
        """(B, N, C) tokens of an H x W grid -> (B, N, C), and the aggregation behind it.

        ``read`` is an aggregation of other tokens, of as many images, to be read instead of their own.
        """
        aggregation = self.aggregate(x, grid) if read is None else read
        tokens = aggregation.tokens
        q, k, v = (
            t.unflatten(-1, (self.config.heads, -1)) for t in (self.query(x), self.key(tokens), self.value(tokens))
        )  # each (B, N or K, heads, d)
        # log(0) = -inf: a cluster without members is never read.
        weight = aggregation.counts if self.config.size_bias else aggregation.counts.clamp(max=1)
        bias = weight.to(torch.promote_types(q.dtype, torch.float32)).log()
        projected: Tensor = self.project(attend(q, k, v, bias).flatten(2))
        return projected, aggregation

    def aggregate(self, x: Tensor, grid: Grid) -> dta.Aggregation:
        """Run DTA on (B, N, C) tokens.

        In eval mode all images use one sample, drawn from the configuration's seed and this layer, so that a result
        depends on nothing but the image. In training each image draws its own from torch's global generator.
        """
        c, n_tokens = self.config, x.shape[1]
        if c.selective == "exact":
            return each_token(x)
        n_centers = c.n_centers(n_tokens)
        sample = None
        if not self.training:
            sample = self.plan(grid, x.device) if self.fixed is None else self.fixed
        return dta.aggregate(
            x, n_centers, grid=grid, sample=sample, subsample=c.subsample, neighbors=c.neighbors,
            aggregation=c.aggregation, temperature=c.temperature, norm_restoration=c.norm_restoration,
            sampling=c.sampling,
        )  # fmt: skip


def each_token(x: Tensor) -> dta.Aggregation:
    """Return (B, N, C) tokens as an aggregation without DTA: each is a cluster of its own, with score 0, and K = N."""
    places = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    nothing = torch.zeros_like(x[..., 0])
    return dta.Aggregation(x, places, places, torch.ones_like(places), places, nothing, nothing, nothing)


def eval_sample(
    seed: int, layer: int, grid: Grid, size: int, method: str, n_strips: int, device: torch.device | str | None = None
) -> Tensor:
    """Return the (S,) sample of one layer in eval mode: fixed by its arguments, drawn on the CPU, and kept.

    ``device`` is where it goes; ``None``: torch's default device.
    """
    return _eval_sample(seed, layer, grid, size, method, n_strips, torch.device(device or torch.get_default_device()))


@lru_cache(maxsize=128)
@torch.inference_mode(False)  # a sample drawn while upscaling must serve training too
def _eval_sample(
    seed: int, layer: int, grid: Grid, size: int, method: str, n_strips: int, device: torch.device
) -> Tensor:
    generator = torch.Generator("cpu").manual_seed((seed * 1_000_003 + layer) % 2**63)
    with torch.device("cpu"):
        return draw_sample(grid, size, method=method, n_strips=n_strips, generator=generator)[0].to(device)


def to_image(x: Tensor, grid: Grid) -> Tensor:
    """(B, N, C) -> (B, C, H, W), a view."""
    image: Tensor = x.transpose(1, 2).unflatten(2, grid)
    return image


def to_tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, N, C), a view where the memory format allows it."""
    return x.flatten(2).transpose(1, 2)
