"""The two attentions of SAT: local rectangle windows, and selective aggregation (SAA).

Shapes: B images, N = H*W tokens, C channels, K aggregated tokens, n tokens of a window, p channels of the position
bias.
"""

import torch
from torch import Tensor, nn

from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation, aggregate
from satlib.dta.sampling import Grid, draw_from_cells
from satlib.network.attend import attend, attend_in_windows
from satlib.network.geometry import Geometry, eval_sample
from satlib.network.windows import relative_index, relative_offsets


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

    def forward(self, x: Tensor, geometry: Geometry) -> Tensor:
        """(B, N, C) tokens of an image of that geometry -> (B, N, C)."""
        qkv = self.qkv(x)  # (B, N, [q k v] [h x w, w x h] heads d)
        bias = torch.stack([bias() for bias in self.biases])  # (2, heads, n, n)
        local = to_tokens(self.local(to_image(qkv[..., 2 * x.shape[2] :], geometry.grid)))
        projected: Tensor = self.project(attend_in_windows(qkv, bias, geometry.windows[self.shifted]) + local)
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

    def forward(
        self, x: Tensor, geometry: Geometry | Grid, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Aggregation]:
        """(B, N, C) tokens -> (B, N, C), and the aggregation behind it; arguments as in :meth:`aggregate`."""
        aggregation = self.aggregate(x, geometry, generator=generator)
        return self.read(x, aggregation), aggregation

    def aggregate(
        self, x: Tensor, geometry: Geometry | Grid, *, generator: torch.Generator | None = None
    ) -> Aggregation:
        """Run DTA on tokens.

        All images use the layer's sample of eval mode; in training each image draws its own.

        Parameters
        ----------
        x
            (B, N, C).
        geometry
            Of their size; or (H, W) alone, in networks other than SAT: the sample is then made in every call.
        generator
            Of the draws; ``None``: torch's global one.
        """
        if self.config.selective == "exact":
            return each_token(x)
        grid, sample = geometry.grid if isinstance(geometry, Geometry) else geometry, None
        if not isinstance(geometry, Geometry):
            sample = None if self.training else eval_sample(self.config, grid, self.layer)
        elif geometry.samples is not None:
            sample = geometry.samples[self.layer]
        elif geometry.cells is not None:
            sample = draw_from_cells(geometry.cells, batch=len(x), generator=generator)
        n_centers, options = self.config.n_centers(x.shape[1]), self.config.aggregation_options()
        return aggregate(x, n_centers, grid=grid, sample=sample, generator=generator, **options)

    def read(self, x: Tensor, aggregation: Aggregation, *, size_bias: bool | None = None) -> Tensor:
        """Let (B, N, C) tokens read the aggregated ones: (B, N, C), the layer's output.

        ``size_bias`` overrides the configuration's. The weights are never held; :meth:`weights` computes them.
        """
        q, k, v = self.query(x), self.key(aggregation.tokens), self.value(aggregation.tokens)
        attended = attend(self._heads(q), self._heads(k), self._heads(v), self.logit_bias(aggregation, size_bias))
        output: Tensor = self.project(attended.flatten(2))  # (B, N, heads, d) -> (B, N, C)
        return output

    def weights(self, x: Tensor, aggregation: Aggregation) -> Tensor:
        """Return what each of (B, Q, C) tokens reads of the aggregated ones, (B, heads, Q, K); 1 in sum over K."""
        q, k = self._heads(self.query(x)), self._heads(self.key(aggregation.tokens))
        bias = self.logit_bias(aggregation)
        logits = torch.einsum("bqhd,bkhd->bhqk", q, k).to(bias.dtype) * q.shape[-1] ** -0.5
        weights: Tensor = (logits + bias[:, None, None]).softmax(-1)
        return weights

    def logit_bias(self, aggregation: Aggregation, size_bias: bool | None = None) -> Tensor:
        """Return what is added to the logits of each aggregated token, (B, K): log(n_k) with size bias, else 0.

        A cluster without members has log(0) = -inf: it is never read.
        """
        with_sizes = self.config.size_bias if size_bias is None else size_bias
        counts = aggregation.counts if with_sizes else aggregation.counts.clamp(max=1)
        return counts.to(torch.promote_types(aggregation.tokens.dtype, torch.float32)).log()

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, heads, d)."""
        heads: Tensor = x.unflatten(-1, (self.config.heads, -1))
        return heads


def each_token(x: Tensor) -> Aggregation:
    """Return (B, N, C) tokens as an aggregation without DTA: each is a cluster of its own, with score 0, and K = N."""
    places = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
    nothing = torch.zeros_like(x[..., 0])
    return Aggregation(x, places, places, torch.ones_like(places), places, nothing, nothing, nothing)


def to_image(x: Tensor, grid: Grid) -> Tensor:
    """(B, N, C) -> (B, C, H, W), a view."""
    image: Tensor = x.transpose(1, 2).unflatten(2, grid)
    return image


def to_tokens(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, N, C), a view where the memory format allows it."""
    return x.flatten(2).transpose(1, 2)
