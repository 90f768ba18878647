"""What each stage of SAT's blocks must do at least: multiply-adds by product, exponentials, bytes.

Bytes are those of the stage's input, output and weights, each moved once; what a stage keeps between is left out,
since a better implementation might never write it to memory. Products are those of `satlib.complexity`, one by
one, with two differences: the merge of clusters is no product here, and tokens that fill up windows are not counted.

Symbols: N tokens, C channels, K centres, S sampled tokens, n tokens of a window.
"""

from typing import NamedTuple

from satlib.config import SATConfig
from satlib.dta.sampling import Grid, n_samples


class Product(NamedTuple):
    """A batch of matrix products, (rows, inner) by (inner, columns) each."""

    name: str
    batch: int
    rows: int
    inner: int
    columns: int

    @property
    def macs(self) -> int:
        """Multiply-adds."""
        return self.batch * self.rows * self.inner * self.columns


class Needs(NamedTuple):
    """What one call of a stage needs."""

    products: tuple[Product, ...]
    depthwise: int
    """Multiply-adds of depthwise convolutions."""
    exponentials: int
    """Exponentials of softmaxes, and error functions of GELU, which cost about the same."""
    n_bytes: int

    @property
    def macs(self) -> int:
        """All multiply-adds."""
        return sum(product.macs for product in self.products) + self.depthwise


def needs(config: SATConfig, grid: Grid) -> dict[str, Needs]:
    """Return what the stages of one network need, by the names that `benchmarks.parts` gives them."""
    n = grid[0] * grid[1]
    k = config.n_centers(n)
    return {
        "window attention": _windows(config, n),
        "aggregation": _aggregation(config, n, k, n_samples(n, k, config.subsample)),
        "SAA attention": _attention(config, n, k),
        "gated MLP": _gated_mlp(config, n),
        "norms": Needs((), 0, 0, _bytes(2 * n * config.channels)),
    }


def _windows(c: SATConfig, n: int) -> Needs:
    """Count two layers, as `benchmarks.parts` calls them."""
    area, width = c.window[0] * c.window[1], c.channels // c.heads
    pairs = 2 * c.heads * (n // area)  # windows times heads, in both layers
    products = (
        Product("q, k, v", 2, n, c.channels, 3 * c.channels),
        Product("windows QK^T", pairs, area, width, area),
        Product("windows AV", pairs, area, area, width),
        Product("projection", 2, n, c.channels, c.channels),
    )
    return Needs(products, 18 * n * c.channels, pairs * area**2, _bytes(4 * n * c.channels + 8 * c.channels**2))


def _aggregation(c: SATConfig, n: int, k: int, s: int) -> Needs:
    """Count one aggregation: the tokens are read twice, for the choice of centres depends on all of them."""
    products = (Product("sample × sample", 1, s, c.channels, s), Product("tokens × centres", 1, n, c.channels, k))
    return Needs(products, 0, n, _bytes((2 * n + k) * c.channels))


def _attention(c: SATConfig, n: int, k: int) -> Needs:
    """Count SAA without the aggregation."""
    inner, width = c.qk_channels // c.heads, c.channels // c.heads
    products = (
        Product("queries", 1, n, c.channels, c.qk_channels),
        Product("keys", 1, k, c.channels, c.qk_channels),
        Product("values", 1, k, c.channels, c.channels),
        Product("QK^T", c.heads, n, inner, k),
        Product("AV", c.heads, n, k, width),
        Product("projection", 1, n, c.channels, c.channels),
    )
    weights = 2 * c.channels * (c.qk_channels + c.channels)
    return Needs(products, 0, c.heads * n * k, _bytes(2 * n * c.channels + k * c.channels + weights))


def _gated_mlp(c: SATConfig, n: int) -> Needs:
    half = c.hidden_channels // 2
    products = (Product("expand", 1, n, c.channels, 2 * half), Product("reduce", 1, n, half, c.channels))
    depthwise = n * half * c.gate_kernel**2
    return Needs(products, depthwise, 2 * n * half, _bytes(2 * n * c.channels + 3 * half * c.channels))


def _bytes(numbers: int) -> int:
    return 4 * numbers
