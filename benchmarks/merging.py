"""`python -m benchmarks merging`: ways to merge tokens, compared; writes satlib/results/timings/merging.json.

Three questions, on one thread of the CPU. How far is attention to K merged tokens from attention to all N, at equal K,
on features of the bundled SAT networks and of a small vision transformer that is trained here? How far are the
transformer's answers from its own when every block merges? What do time and memory do as N grows? About ten minutes.

The ways: satlib.merging with its three aggregations; bipartite soft matching (`benchmarks.tome`); centres drawn at
random in place of DTA's; and near-square cells of the grid, which look at no token at all.
"""

from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import torch
from torch import Tensor

from benchmarks import small_vit
from benchmarks.precision import pair
from benchmarks.protocol import Case, Run, in_turn, machine, peak_growth, save, say
from benchmarks.small_vit import SmallViT
from benchmarks.tome import bipartite
from satlib import load, samples, trace
from satlib.dta.aggregation import assign
from satlib.dta.clusters import cluster_sum
from satlib.dta.options import AggregationMethod
from satlib.dta.sampling import Grid, cell_labels
from satlib.dta.vectors import normalize, take
from satlib.merging import Merged, merge
from satlib.network.attention import SelectiveAggregationAttention, each_token

SIDE, CROPS, STEPS = 40, 256, 200
"""Pixels of the SAT networks' inputs, crops that the transformer is tested on, and steps of its training."""
SHARES = (0.03, 0.1, 0.25, 0.5, 0.75)
"""K / N."""
KEPT = (0.9, 0.75, 0.5, 0.25)
"""What every block of the transformer keeps of the tokens that it is given."""
SIZES = ((32, 32), (64, 64), (128, 128), (256, 256))
"""Grids of which time and memory are measured."""
REPEATED, TRIED = 5.0, 90.0
"""Seconds up to which a call is repeated, and up to which it is tried: its time grows 16-fold from size to size."""

Way = Callable[[Tensor, int, Grid, Tensor, int], Merged]
"""Tokens (B, N, C), K, the grid of those that are free, what is compared (B, N, D), and how many at the start are
protected."""
Row = dict[str, object]


def by_dta(aggregation: AggregationMethod, x: Tensor, k: int, grid: Grid, metric: Tensor, alone: int) -> Merged:
    """Merge as satlib does."""
    return merge(x, k, metric=metric, protected=range(alone), grid=grid, aggregation=aggregation)


def by_matching(x: Tensor, k: int, grid: Grid, metric: Tensor, alone: int) -> Merged:
    """Merge by bipartite soft matching."""
    return bipartite(x, k, metric=metric, protected=range(alone))


def by_chance(x: Tensor, k: int, grid: Grid, metric: Tensor, alone: int) -> Merged:
    """Merge by similarity to centres that are drawn at random, the same for all images."""
    n = x.shape[1] - alone
    centers = torch.randperm(n, generator=torch.Generator().manual_seed(0))[: k - alone].sort().values
    free = metric[:, alone:].contiguous()
    joins = assign(free, normalize(take(free, centers.expand(len(x), -1))))
    joins[:, centers] = torch.arange(len(centers))
    return _means(x, joins, alone)


def by_cells(x: Tensor, k: int, grid: Grid, metric: Tensor, alone: int) -> Merged:
    """Average near-square cells of the grid."""
    return _means(x, cell_labels(grid, k - alone).expand(len(x), -1), alone)


def _means(x: Tensor, joins: Tensor, alone: int) -> Merged:
    """Average clusters (B, N - P) of free tokens, after the P protected ones."""
    first = torch.arange(alone).expand(len(x), -1)
    assignment = torch.cat((first, joins + alone), dim=1)
    counts = cluster_sum(torch.ones_like(x[..., 0]), assignment, int(assignment.max()) + 1)
    merged = Merged(x, counts, assignment, assignment, 1 / counts.gather(1, assignment))
    return merged._replace(tokens=merged.apply(x))


WAYS: dict[str, Way] = {
    "DTA, mean": partial(by_dta, "mean"),
    "DTA, similarity": partial(by_dta, "similarity"),
    "DTA, center": partial(by_dta, "center"),
    "ToMe": by_matching,
    "random centers": by_chance,
    "cells": by_cells,
}


def main() -> None:
    """Compare all, print and write what was found."""
    torch.set_num_threads(1)
    started_on = machine()
    errors = [row for name in ("sat-tiny-x2", "sat-tiny-x4") for row in sat_errors(name, SIDE)]
    model = small_vit.train(STEPS)
    draw = partial(small_vit.crops, test=True, generator=torch.Generator().manual_seed(2))
    images, labels = draw(CROPS)
    errors += vit_errors(model, images)
    for row in errors:
        say(f"{row['network']} K/N {row['share']:<5} {row['way']:<16} {row['error']:.4f}")
    whole = list(vit_answers(model, images, labels))
    lines = [point for share in (0.5, 0.03) for point in growth(share)]
    save("merging", started_on, {"side": SIDE, "errors": errors, "answers": whole, "growth": lines})


@torch.inference_mode()
def sat_errors(name: str, side: int) -> list[Row]:
    """Return the errors of attention in every layer of a SAT network, on every photograph."""
    model = load(name).eval()
    found: dict[tuple[float, str], list[list[float]]] = {(share, way): [] for share in SHARES for way in WAYS}
    for picture in samples.names():
        layers = trace(model, pair(picture, model.scale, side)[0])
        every = list(zip(model.saa_layers(), layers, strict=True))
        for (share, way), rows in found.items():
            rows.append([sat_error(module, layer.tokens, layer.grid, share, WAYS[way]) for module, layer in every])
    return [_row(name, share, way, rows) for (share, way), rows in found.items()]


def sat_error(module: SelectiveAggregationAttention, x: Tensor, grid: Grid, share: float, way: Way) -> float:
    """Return the relative error of one layer's output, with log n, against reading all tokens; no norm is restored."""
    merged = way(x, max(1, int(share * x.shape[1])), grid, x, 0)
    whole = each_token(x)
    exact = module.read(x, whole) - module.project.bias
    few = whole._replace(tokens=merged.tokens, counts=merged.counts)
    return _apart(module.read(x, few, size_bias=True) - module.project.bias, exact)


@torch.inference_mode()
def vit_errors(model: SmallViT, images: Tensor) -> list[Row]:
    """Return the errors of attention in every block of the transformer, when keys and values alone are merged."""
    found: dict[tuple[float, str], list[float]] = {(share, way): [] for share in SHARES for way in WAYS}
    x = model.tokens(images)
    for block in model.blocks:
        assert isinstance(block, small_vit.Block)
        attention = block.attention
        q, k, v = attention.parts(block.norm1(x))
        exact, bias = attention.attend(q, k, v), attention.project.bias
        for (share, way), values in found.items():
            merged = WAYS[way](x, 1 + int(share * (x.shape[1] - 1)), small_vit.GRID, k.mean(1), 1)
            few = attention.attend(q, merged.apply(k), merged.apply(v), merged.bias)
            values.append(_apart(few - bias, exact - bias))
        x, _ = block(x, torch.ones_like(x[..., 0]), x.shape[1], None)
    return [_row("small ViT", share, way, [values]) for (share, way), values in found.items()]


def _apart(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


def _row(network: str, share: float, way: str, values: list[list[float]]) -> Row:
    """Describe relative errors, one list of all layers for each photograph."""
    table = torch.tensor(values)
    layers = [round(float(value), 5) for value in table.mean(0)]
    pictures = [round(float(value), 5) for value in table.mean(1)]
    mean = round(float(table.mean()), 5)
    return {"network": network, "share": share, "way": way, "error": mean, "layers": layers, "pictures": pictures}


def vit_answers(model: SmallViT, images: Tensor, labels: Tensor) -> Iterator[Row]:
    """Yield what becomes of the transformer's answers when every block merges its tokens, as in the paper of ToMe."""
    own = small_vit.answers(model, images)
    yield {"kept": 1.0, "way": "all", "accuracy": float((own.argmax(1) == labels).double().mean()), "error": 0.0}
    for kept in KEPT:
        for name in ("DTA, mean", "ToMe"):
            by = merge if name.startswith("DTA") else bipartite
            way = partial(_in_a_block, by)
            found = small_vit.answers(model, images, keep=kept, merge=way)
            right = float((found.argmax(1) == labels).double().mean())
            row: Row = {"kept": kept, "way": name, "accuracy": right, "error": round(_apart(found, own), 5)}
            say(f"small ViT, every block keeps {kept}: {name:<10} {right:.4f} right, logits {row['error']:.4f} apart")
            yield row


def _in_a_block(by: Callable[..., Merged], x: Tensor, k: int, keys: Tensor, sizes: Tensor) -> Merged:
    return by(x, k, metric=keys, protected=[0], sizes=sizes)


def runs(grid: Grid, share: float) -> dict[str, Run]:
    """Return the calls that are measured on random tokens with 64 channels."""
    n = grid[0] * grid[1]
    x = torch.randn(1, n, 64, generator=torch.Generator().manual_seed(0))
    k = max(1, int(share * n))
    return {
        "DTA": lambda: merge(x, k, grid=grid),
        "ToMe": lambda: bipartite(x, k),
        "ToMe in blocks": lambda: bipartite(x, k, blocks=True),
    }


def _calls(share: float, grid: Grid) -> tuple[Run, ...]:
    return tuple(runs(grid, share).values())


MEMORY = {f"{share} {grid}": Case(partial(_calls, share), grid) for share in (0.5, 0.03) for grid in SIZES}
"""What a process of its own prepares."""


def growth(share: float) -> Iterator[Row]:
    """Yield time and memory of each way as N grows; one that has become too slow is left out of larger sizes."""
    slow: set[str] = set()
    for grid in SIZES:
        calls = runs(grid, share)
        seconds = in_turn({name: run for name, run in calls.items() if name not in slow}, repetitions=3, limit=REPEATED)
        for name, times in seconds.items():
            n_bytes = peak_growth("benchmarks.merging", f"{share} {grid}", list(calls).index(name))
            say(f"K/N {share} {grid[0]} x {grid[1]} {name:<15} {median(times):8.3f} s  {n_bytes / 1e6:8.1f} MB")
            yield {"share": share, "tokens": grid[0] * grid[1], "way": name, "seconds": times, "bytes": n_bytes}
        slow |= {name for name, times in seconds.items() if 16 * median(times) > TRIED}
