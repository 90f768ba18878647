"""The proof's first step, measured: ||O - O*|| <= ||O - O_exact|| + ||O_exact - O*||.

O* is exact self-attention, O is SAA with centres from a sample, O_exact is the same SAA with the centres that the full
population gives (S = N). Shapes: N tokens, d dimensions, R draws.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, AggregationMethod, NormRestoration
from satlib.theory.arrays import (
    ArrayLike,
    Floats,
    Integers,
    as_labels,
    as_matrix,
    check_count,
    check_real,
    check_sizes,
    choice,
)
from satlib.theory.compression import attend, attend_exactly, choose_centers, compress
from satlib.theory.draws import draw_many

BATCH_ELEMENTS = 2**23
"""Numbers that one batch of draws may hold in its largest tensor."""


class Decomposition(NamedTuple):
    """Frobenius norms of the error and of its parts, for R draws."""

    cluster: Floats
    """(R,) ||O - O_exact||: what sampling costs."""
    attention: float
    """||O_exact - O*||: what compression costs, without any sampling."""
    total: Floats
    """(R,) ||O - O*||."""
    exact_norm: float
    """||O*||."""
    value_norm: float
    """||V||."""
    shared_centers: Floats
    """(R,) share of the K centres that are also centres with S = N, in [0, 1]."""
    missed: Integers | None
    """(R,) labelled clusters without a centre; ``None`` without labels."""
    unsampled: Integers | None
    """(R,) labelled clusters without a sampled token; ``None`` without labels."""


def decompose_error(
    x: ArrayLike,
    w_q: ArrayLike,
    w_k: ArrayLike,
    w_v: ArrayLike,
    *,
    n_centers: int,
    n_samples: int,
    neighbors: int,
    method: str = "uniform",
    aggregation: AggregationMethod = "similarity",
    temperature: float = 0.1,
    norm_restoration: NormRestoration = "max",
    size_bias: bool = False,
    labels: ArrayLike | None = None,
    seeds: Sequence[int] = (0,),
) -> Decomposition:
    """Measure the error of SAA and its two parts.

    Parameters
    ----------
    x
        (N, d) tokens.
    w_q, w_k, w_v
        (d, d_q), (d, d_q) and (d, d_v): Q = x W_q and so on, one head, logits divided by sqrt(d_q).
    n_centers, n_samples, neighbors
        K, S and m; 1 <= K <= S <= N and 1 <= m < S.
    method
        How the sample is drawn, as in :func:`sample_indices`.
    aggregation, temperature, norm_restoration
        As in :func:`satlib.dta.aggregate`, with s = (1 + cos) / 2 over the temperature.
    size_bias
        Add log n_k to the logits.
    labels
        (N,) the true clusters, to count those that are missed.
    seeds
        One draw for each.

    Raises
    ------
    ValueError
        If an argument is out of range or does not fit the others; the message names it.
    """
    tokens, queries, keys, values = _matrices(x, w_q, w_k, w_v)
    n_tokens = len(tokens)
    check_sizes(n_tokens, n_centers, n_samples)
    check_count("neighbors", neighbors, 1, n_samples - 1)
    if len(seeds) == 0:
        raise ValueError("seeds must hold at least one seed")
    truth = None if labels is None else as_labels(labels, n_tokens)
    layer = _Layer(
        tokens, queries, keys, values, n_centers, neighbors, aggregation, temperature, norm_restoration, size_bias
    )
    exact = attend_exactly(tokens, queries, keys, values)
    full, full_output = layer.run(torch.arange(n_tokens)[None])
    sample = draw_many(n_tokens, n_samples, method, seeds)
    cluster, total, centers = [], [], []
    for draws in sample.split(max(1, BATCH_ELEMENTS // (n_tokens * max(tokens.shape[1], values.shape[1], n_centers)))):
        # With S = N every draw is the whole population, so that there is nothing left to compute.
        chosen, out = layer.run(draws) if n_samples < n_tokens else (full, full_output)
        cluster.append((out - full_output).norm(dim=(1, 2)).expand(len(draws)))
        total.append((out - exact).norm(dim=(1, 2)).expand(len(draws)))
        centers.append(chosen.expand(len(draws), -1))
    return Decomposition(
        cluster=torch.cat(cluster).numpy(),
        attention=float((full_output[0] - exact).norm()),
        total=torch.cat(total).numpy(),
        exact_norm=float(exact.norm()),
        value_norm=float((tokens @ values).norm()),
        shared_centers=torch.isin(torch.cat(centers), full).double().mean(1).numpy(),
        missed=None if truth is None else count_without(truth, torch.cat(centers)),
        unsampled=None if truth is None else count_without(truth, sample),
    )


@dataclass(frozen=True)
class _Layer:
    """SAA with all its settings, to be run on many samples of the same tokens."""

    tokens: Tensor
    w_q: Tensor
    w_k: Tensor
    w_v: Tensor
    n_centers: int
    neighbors: int
    aggregation: AggregationMethod
    temperature: float
    norm_restoration: NormRestoration
    size_bias: bool

    def __post_init__(self) -> None:
        """Check the settings that have names or limits of their own."""
        check_real("temperature", self.temperature, 0, strict=True)
        choice("aggregation", self.aggregation, AGGREGATIONS)
        choice("norm_restoration", self.norm_restoration, NORM_RESTORATIONS)

    def run(self, sample: Tensor) -> tuple[Tensor, Tensor]:
        """Return the centres (R, K) and the output (R, N, d_v) for samples (R, S)."""
        centers = choose_centers(self.tokens, sample, self.n_centers, self.neighbors)
        parts = compress(
            self.tokens,
            centers,
            aggregation=self.aggregation,
            temperature=self.temperature,
            norm_restoration=self.norm_restoration,
        )
        return centers, attend(self.tokens @ self.w_q, parts, self.w_k, self.w_v, size_bias=self.size_bias)


def count_without(labels: Tensor, chosen: Tensor) -> Integers:
    """Count, for each row of positions (R, n), the labels (N,) that none of them has: (R,)."""
    hit = torch.zeros(len(chosen), int(labels.max()) + 1, dtype=torch.int64)
    hit.scatter_(1, labels[chosen], 1)
    return np.asarray((hit == 0).sum(1).numpy())


def _matrices(x: ArrayLike, w_q: ArrayLike, w_k: ArrayLike, w_v: ArrayLike) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    tokens, *projections = (as_matrix(n, v) for n, v in (("x", x), ("w_q", w_q), ("w_k", w_k), ("w_v", w_v)))
    for name, w in zip(("w_q", "w_k", "w_v"), projections, strict=True):
        if len(w) != tokens.shape[1]:
            raise ValueError(f"{name} must have {tokens.shape[1]} rows, one for each dimension of x, got {len(w)}")
    w_q, w_k, w_v = projections
    if w_q.shape != w_k.shape:
        raise ValueError(f"w_k must have the shape of w_q, {tuple(w_q.shape)}, got {tuple(w_k.shape)}")
    return tokens, w_q, w_k, w_v
