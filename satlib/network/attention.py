"""The two attentions of SAT: local rectangle windows, and selective aggregation (SAA).

Shapes: B images, N = H*W tokens, C channels, K aggregated tokens, n tokens of a window, p channels of the position
bias.
"""

from typing import Self

import torch
from torch import Tensor, nn

from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation, aggregate
from satlib.dta.checks import check_grid, check_options
from satlib.dta.options import AggregationMethod, NormRestoration, Sampling
from satlib.dta.sampling import Grid, draw_from_cells, n_centers, n_samples
from satlib.network.attend import attend, attend_in_windows
from satlib.network.geometry import Geometry, fixed_sample
from satlib.network.windows import relative_index, relative_offsets
from satlib.support.checks import is_int, positive_int, real, require


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
        self.register_buffer("offsets", relative_offsets(window).to(self.project.weight.dtype), persistent=False)
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

    A layer for any network from (B, N, C) to (B, N, C); what is around it, a norm and a sum, is the network's.

    Parameters
    ----------
    dim
        C.
    heads
        Attention heads; they divide C and the channels of queries and keys.
    qk_ratio
        Queries and keys have int(C * qk_ratio) channels.
    qkv_bias
        Whether the projections to queries, keys and values have a bias.
    keep_ratio
        K = max(1, int(keep_ratio * N)), in (0, 1].
    subsample, neighbors, aggregation, temperature, norm_restoration, sampling
        As in :func:`satlib.dta.aggregate`.
    size_bias
        Add log(cluster size) to the logits, as attention over all tokens would have it. Ours, not the paper's.
    exact
        Read every token in place of aggregated ones, with the same weights: a control of ours.
    seed, layer
        In eval mode every sample is drawn from the seed and this number of the layer in its network, and so is the
        same for all images; in training each image draws its own from torch's global generator.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it.
    """

    def __init__(
        self,
        dim: int,
        heads: int,
        *,
        qk_ratio: float = 0.5,
        qkv_bias: bool = True,
        keep_ratio: float = 0.03,
        subsample: float = 4,
        neighbors: float | int = 0.1,
        aggregation: AggregationMethod = "similarity",
        temperature: float = 0.1,
        norm_restoration: NormRestoration = "max",
        sampling: Sampling = "stratified",
        size_bias: bool = False,
        exact: bool = False,
        seed: int = 0,
        layer: int = 0,
    ) -> None:
        super().__init__()
        qk_channels = _check_widths(dim, heads, qk_ratio)
        real("keep_ratio", keep_ratio, 0, 1)
        require(is_int(seed) and 0 <= seed < 2**63, "seed", seed, "an integer in [0, 2**63)")
        require(is_int(layer) and layer >= 0, "layer", layer, "an integer >= 0")
        self.heads, self.keep_ratio, self.size_bias, self.exact = heads, keep_ratio, size_bias, exact
        self.seed, self.layer = seed, layer
        self.options = check_options(
            {
                "subsample": subsample,
                "neighbors": neighbors,
                "aggregation": aggregation,
                "temperature": temperature,
                "norm_restoration": norm_restoration,
                "sampling": sampling,
            }
        )
        self.query = nn.Linear(dim, qk_channels, bias=qkv_bias)
        self.key = nn.Linear(dim, qk_channels, bias=qkv_bias)
        self.value = nn.Linear(dim, dim, bias=qkv_bias)
        self.project = nn.Linear(dim, dim)

    @classmethod
    def from_config(cls, config: SATConfig, *, layer: int) -> Self:
        """Return one layer of a SAT network."""
        return cls(
            config.channels,
            config.heads,
            qk_ratio=config.qk_ratio,
            qkv_bias=config.qkv_bias,
            keep_ratio=config.keep_ratio,
            size_bias=config.size_bias,
            exact=config.selective == "exact",
            seed=config.seed,
            layer=layer,
            **config.aggregation_options(),
        )

    def forward(
        self, x: Tensor, geometry: Geometry | Grid | None = None, *, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Aggregation]:
        """(B, N, C) tokens -> (B, N, C), and the aggregation behind it; arguments as in :meth:`aggregate`."""
        aggregation = self.aggregate(x, geometry, generator=generator)
        return self.read(x, aggregation), aggregation

    def aggregate(
        self, x: Tensor, geometry: Geometry | Grid | None = None, *, generator: torch.Generator | None = None
    ) -> Aggregation:
        """Run DTA on tokens.

        All images use the layer's sample of eval mode; in training each image draws its own.

        Parameters
        ----------
        x
            (B, N, C).
        geometry
            (H, W) with H * W = N, or ``None`` for a sequence: the sample is then made in every call. SAT hands in
            what it has made of its configuration once for a size.
        generator
            Of the draws; ``None``: torch's global one.
        """
        if self.exact:
            return each_token(x)
        grid, sample = geometry.grid if isinstance(geometry, Geometry) else geometry, None
        if not isinstance(geometry, Geometry):
            sample = None if self.training else self._eval_sample(check_grid(grid, x.shape[1]))
        elif geometry.samples is not None:
            sample = geometry.samples[self.layer]
        elif geometry.cells is not None:
            sample = draw_from_cells(geometry.cells, batch=len(x), generator=generator)
        k = n_centers(x.shape[1], self.keep_ratio)
        return aggregate(x, k, grid=grid, sample=sample, generator=generator, **self.options)

    def _eval_sample(self, grid: Grid) -> Tensor:
        k = n_centers(grid[0] * grid[1], self.keep_ratio)
        size = n_samples(grid[0] * grid[1], k, self.options["subsample"])
        sampling = self.options["sampling"]
        return fixed_sample(grid, size, sampling=sampling, n_strips=k, seed=self.seed, layer=self.layer)

    def read(self, x: Tensor, aggregation: Aggregation, *, size_bias: bool | None = None) -> Tensor:
        """Let (B, N, C) tokens read the aggregated ones: (B, N, C), the layer's output.

        ``size_bias`` overrides the layer's. The weights are never held; :meth:`weights` computes them.
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
        with_sizes = self.size_bias if size_bias is None else size_bias
        counts = aggregation.counts if with_sizes else aggregation.counts.clamp(max=1)
        return counts.to(torch.promote_types(aggregation.tokens.dtype, torch.float32)).log()

    def _heads(self, x: Tensor) -> Tensor:
        """(B, N, C) -> (B, N, heads, d)."""
        heads: Tensor = x.unflatten(-1, (self.heads, -1))
        return heads


def _check_widths(dim: int, heads: int, qk_ratio: float) -> int:
    """Return the channels of queries and keys after checking that heads divide them, and C."""
    positive_int("dim", dim)
    positive_int("heads", heads)
    require(dim % heads == 0, "dim", dim, f"divisible by heads={heads}")
    real("qk_ratio", qk_ratio, 0, 1e6)
    channels = int(dim * qk_ratio)
    fits = channels >= heads and channels % heads == 0
    require(fits, "qk_ratio", qk_ratio, f"such that int(dim * qk_ratio) is divisible by heads={heads}, not {channels}")
    return channels


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
