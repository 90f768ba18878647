"""What one forward pass of SAT costs: parameters, multiply-adds and peak memory, stage by stage (Tables A and D).

Two totals are kept apart. `published` is the convention behind the paper's FLOPs: the multiply-adds of linear and
convolution layers, and 5 operations for each normalised element. `total` adds what that convention leaves out: the
matrix products that belong to no layer, in the windows, between samples, tokens and centres, and in SAA.

Products are counted as the released code computes them, densely (`satlib.plain` does so): one S x S product
serves density and separation, every token meets every centre, clusters are merged by a product with an N x K matrix.
Activations, softmax, sorting and sums are not counted, in either total. Layers are those of the real network, built
without storage.

Without aggregation (`SATConfig.selective`) its stages cost nothing: exact attention pairs all tokens, K = N; without
SAA there are no layers to count.

Symbols: N = H*W tokens of the low-resolution image, C channels, K centres, S sampled tokens.
"""

from dataclasses import dataclass
from typing import NamedTuple

from satlib.complexity.layer_costs import LAYERS, layer_costs
from satlib.config import SATConfig
from satlib.dta.sampling import Grid, n_samples
from satlib.dta.vectors import BLOCK_ELEMENTS, BLOCK_ROWS
from satlib.network.attend import BLOCK_WEIGHTS
from satlib.network.torch_attention import STEP as WIDTH_STEP

WINDOW_PRODUCTS = ("window QK^T", "window AV")
"""Left out of `Complexity.published`; they grow with N."""

QUADRATIC = ("density S x S", "assignment N x K", "merge K x N", "SAA QK^T", "SAA AV")
"""Left out of `Complexity.published`; they grow with N squared, because S and K are shares of N. The one product
S x S gives density and separation."""


@dataclass(frozen=True)
class Complexity:
    """The cost of one image through one network."""

    grid: Grid
    """(H, W) of the low-resolution image, in tokens."""
    params: dict[str, int]
    """Parameters of each part, and their sum under "total"."""
    macs: dict[str, int]
    """Multiply-adds of each stage: LAYERS, WINDOW_PRODUCTS and QUADRATIC, in this order."""
    memory: dict[str, int]
    """Bytes alive at the peak, float32, no gradients: "dense aggregation" and "dense attention" are what one SAA
    layer of the dense form needs for itself, one after the other; "satlib" is the whole network as this package runs
    it. Weights come on top, 4 bytes a parameter."""

    @property
    def total(self) -> int:
        """All multiply-adds."""
        return sum(self.macs.values())

    @property
    def published(self) -> int:
        """Multiply-adds of linear and convolution layers, plus 5 for each normalised element."""
        return sum(self.macs[stage] for stage in LAYERS)

    @property
    def quadratic(self) -> int:
        """Multiply-adds of the stages that grow with the square of the number of tokens."""
        return sum(self.macs[stage] for stage in QUADRATIC)

    @property
    def dense_memory(self) -> int:
        """Bytes at the peak of the dense form, the larger of its two."""
        return max(self.memory["dense aggregation"], self.memory["dense attention"])


def complexity(config: SATConfig, output: tuple[int, int] = (1280, 640)) -> Complexity:
    """Count what a network costs for one image.

    Parameters
    ----------
    config
        The network.
    output
        (width, height) of the output in pixels; see :func:`low_resolution` for the input. The paper's 1280 x 640 is
        made from 640 x 320, 427 x 213 and 320 x 160 at x2, x3 and x4.
    """
    sizes = _sizes(config, low_resolution(output, config.scale))
    params, rates = layer_costs(config)
    layers = {s: r.token * sizes.n_tokens + r.center * sizes.n_centers + r.fixed for s, r in rates.items()}
    return Complexity(
        grid=sizes.grid,
        params=dict(params),
        macs={**layers, **_window_products(config, sizes), **_quadratic_products(config, sizes)},
        memory={**_dense_memory(config, sizes), "satlib": _own_memory(config, sizes)},
    )


def largest_square(config: SATConfig, n_bytes: float, *, dense: bool) -> int:
    """Return the side of the largest square input whose activations fit in ``n_bytes``, dense or as satlib runs it."""

    def fits(side: int) -> bool:
        cost = complexity(config, (side * config.scale, side * config.scale))
        return (cost.dense_memory if dense else cost.memory["satlib"]) <= n_bytes

    low, high = 0, 2**17
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def low_resolution(output: tuple[int, int], scale: int) -> Grid:
    """Return (H, W) of the input for an output of (width, height): the scale smaller, rounded to whole pixels.

    Raises
    ------
    ValueError
        If ``output`` is not two integers of at least the scale.
    """
    if len(output) != 2 or not all(isinstance(side, int) and side >= scale for side in output):
        raise ValueError(f"output must be (width, height), both at least the scale {scale}, got {output!r}")
    width, height = ((side + scale // 2) // scale for side in output)
    return height, width


class _Sizes(NamedTuple):
    grid: Grid
    n_tokens: int
    n_padded: int
    """Tokens after the released code has filled both sides up to a multiple of the longer window side."""
    n_centers: int
    """Tokens that are read: K, or N by exact attention; 0 without SAA."""
    n_sampled: int


def _sizes(config: SATConfig, grid: Grid) -> _Sizes:
    n_tokens, side = grid[0] * grid[1], max(config.window)
    n_padded = (-(-grid[0] // side) * side) * (-(-grid[1] // side) * side)
    if config.selective != "aggregate":
        return _Sizes(grid, n_tokens, n_padded, n_tokens if config.selective == "exact" else 0, 0)
    n_centers = config.n_centers(n_tokens)
    return _Sizes(grid, n_tokens, n_padded, n_centers, n_samples(n_tokens, n_centers, config.subsample))


def _window_products(config: SATConfig, sizes: _Sizes) -> dict[str, int]:
    """Pair every token of the padded image with all tokens of its window, half of the channels in each orientation."""
    area = config.window[0] * config.window[1]
    product = sum(config.groups) * sizes.n_padded * area * 2 * (config.channels // 2)
    return dict.fromkeys(WINDOW_PRODUCTS, product)


def _quadratic_products(config: SATConfig, sizes: _Sizes) -> dict[str, int]:
    pairs = sizes.n_tokens * sizes.n_centers
    aggregated = pairs * config.channels if config.selective == "aggregate" else 0
    per_layer = {
        "density S x S": sizes.n_sampled**2 * config.channels,
        "assignment N x K": aggregated,
        "merge K x N": 0 if config.aggregation == "center" else aggregated,
        "SAA QK^T": pairs * config.qk_channels,
        "SAA AV": pairs * config.channels,
    }
    return {stage: sum(config.groups) * macs for stage, macs in per_layer.items()}


def _dense_memory(config: SATConfig, sizes: _Sizes) -> dict[str, int]:
    """Return the bytes of what one SAA layer of the dense form, `satlib.plain`, holds at once.

    Aggregation, the larger of two: similarity, masked similarity and two masks of a byte, S x S each; or similarity,
    logits, masked logits, weights and a mask, N x K each. On top the tokens and those sampled. Attention: the logits
    and the weights of every head.
    """
    pairs, sample_pairs = sizes.n_tokens * sizes.n_centers, sizes.n_sampled**2
    tokens, aggregates = sizes.n_tokens * config.channels, config.selective == "aggregate"
    aggregation = max(10 * sample_pairs, 17 * pairs) + 4 * (tokens + sizes.n_sampled * config.channels)
    return {
        "dense aggregation": aggregation if aggregates else 0,
        "dense attention": 8 * config.heads * pairs,
    }


def _own_memory(config: SATConfig, sizes: _Sizes) -> int:
    """Return the bytes that this package's network holds at its peak, the largest of three.

    Window attention: the head's output, the input of the group, of the block and of the attention; q, k and v; the
    convolution's output and the attention's; and either their sum or the biases of both halves, once more with a mask,
    and a block of windows laid out and filled up, about as large as three times BLOCK_WEIGHTS. Aggregation: the first
    four, the sample twice, and a block of similarities with what is chosen from it; or, by exact attention,
    :func:`_exact_memory`. Upsampler: three images of C channels, its input, and the last convolution's output before
    and after the pixel shuffle.
    """
    c, n, f = config.channels, sizes.n_tokens, config.upsampler_channels
    area = config.window[0] * config.window[1]
    window = config.heads // 2 * area**2
    weights = min(window * max(1, BLOCK_WEIGHTS // window), config.heads * area * sizes.n_padded)
    windows = 4 * (9 * c * n + max(c * n, 3 * weights + 3 * window))
    block = min(sizes.n_sampled**2, max(BLOCK_ELEMENTS, BLOCK_ROWS * sizes.n_sampled))
    aggregation = 4 * (4 * c * n + 2 * c * sizes.n_sampled) + 6 * block
    if config.selective != "aggregate":
        aggregation = _exact_memory(config, n) if config.selective == "exact" else 0
    shuffled = (f if config.upsampler == "classic" else config.in_channels) * config.scale**2
    return max(windows, aggregation, 4 * n * (3 * c + f + 2 * shuffled))


def _exact_memory(config: SATConfig, n: int) -> int:
    """Return the bytes that exact attention among n tokens holds.

    The first four of window attention; q, k and v; q and k once more with two channels of a head for the bias; and q,
    k, v and the output as wide as the kernel wants them.
    """
    c, heads, qk = config.channels, config.heads, config.qk_channels
    wide = heads * WIDTH_STEP * -(-max(c // heads, qk // heads + 2) // WIDTH_STEP)
    return 4 * n * (4 * c + 2 * qk + c + 2 * (qk + 2 * heads) + 4 * wide)
