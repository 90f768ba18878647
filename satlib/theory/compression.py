"""DTA in float64, for many draws of one token set at once: the stages of :mod:`satlib.dta`, put together.

Two things differ from :func:`satlib.dta.aggregate`, as the theorem asks: similarity is (1 + cos) / 2, and numerical
guards have no effect. Those guards (1e-6) suit float32 features of norm about one; here the tokens are first scaled by
a power of two to norms near 2^40, which is exact and leaves nothing of them, and scaled back at the end.

Shapes: R draws, N tokens, d dimensions, S samples, K centres.
"""

from math import frexp
from typing import NamedTuple

import torch
from torch import Tensor

from satlib import dta
from satlib.dta.options import AggregationMethod, NormRestoration
from satlib.theory.scores import scores

EXPONENT = 40


class Compressed(NamedTuple):
    """R compressions of the same N tokens into K."""

    tokens: Tensor
    """(R, K, d) aggregated tokens."""
    centers: Tensor
    """(R, K) int64 positions of the centres."""
    assignment: Tensor
    """(R, N) int64 cluster of each token."""
    counts: Tensor
    """(R, K) int64 members of each cluster; 0 where a centre duplicates another."""


def choose_centers(x: Tensor, sample: Tensor, n_centers: int, neighbors: int) -> Tensor:
    """Choose the centres of tokens (N, d) among each of R samples (R, S): (R, K) positions, best score first."""
    unit = dta.normalize(_magnified(x)[0])
    gamma = scores(unit[sample], neighbors).score
    return sample.gather(1, dta.highest(gamma, n_centers))


def compress(
    x: Tensor, centers: Tensor, *, aggregation: AggregationMethod, temperature: float, norm_restoration: NormRestoration
) -> Compressed:
    """Assign tokens (N, d) to each of R sets of centres (R, K), merge them and restore their norms."""
    large, factor = _magnified(x)
    tokens = large.expand(len(centers), -1, -1)
    unit = dta.normalize(large).expand(len(centers), -1, -1)
    assignment = dta.assign(unit, dta.take(unit, centers))
    # softmax((1 + cos) / (2 tau)) = softmax(cos / (2 tau))
    merged, counts = dta.merge(tokens, centers, assignment, aggregation=aggregation, temperature=2 * temperature)
    merged = dta.restore_norm(merged, tokens, assignment, counts, norm_restoration=norm_restoration)
    return Compressed(merged / factor, centers, assignment, counts)


def attend(queries: Tensor, compressed: Compressed, w_k: Tensor, w_v: Tensor, *, size_bias: bool) -> Tensor:
    """Attend from queries (N, d_q) to the aggregated tokens: (R, N, d_v)."""
    return weights(queries, compressed, w_k, size_bias=size_bias) @ (compressed.tokens @ w_v)


def weights(queries: Tensor, compressed: Compressed, w_k: Tensor, *, size_bias: bool) -> Tensor:
    """Return the attention weights (R, N, K); a cluster without members has weight 0."""
    stands_for = compressed.counts if size_bias else compressed.counts.clamp(max=1)
    logits = queries @ (compressed.tokens @ w_k).mT / queries.shape[1] ** 0.5
    share: Tensor = (logits + stands_for.double().log().unsqueeze(1)).softmax(-1)
    return share


def attend_exactly(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor) -> Tensor:
    """Return softmax(Q K^T / sqrt(d_q)) V of tokens (N, d), (N, d_v), in blocks of queries."""
    queries, keys, values = x @ w_q, x @ w_k, x @ w_v
    out = torch.empty_like(values)
    for start, stop in dta.row_blocks(len(x), len(x), x.device):
        logits = queries[start:stop] @ keys.T / w_q.shape[1] ** 0.5
        out[start:stop] = logits.softmax(-1) @ values
    return out


def _magnified(x: Tensor) -> tuple[Tensor, float]:
    """Return x times a power of two that brings its largest norm near 2^40, and that power."""
    largest = float(torch.linalg.vector_norm(x, dim=1).max())
    factor = 2.0 ** (EXPONENT - frexp(largest)[1])
    return x * factor, factor
