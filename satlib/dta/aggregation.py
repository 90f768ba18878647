"""Density-driven token aggregation (DTA): N tokens become K, in six steps (the paper's section 3; appendix A.2).

1. sample S tokens
2. density rho of each
3. separation delta of each
4. the K best-scored are centres; every token joins its most similar centre
5. each cluster is merged into one token
6. the merged tokens get their norm back

Functions on tensors: no module, no parameter, no state; the one thing that they look at besides is which kernels a
``with satlib.dta.kernels.use(...)`` around the call has chosen. Steps 1 to 4 choose and carry no gradient; 5 and 6 are
differentiable. Similarity is cosine. Similarity matrices are made in blocks of rows and never kept whole, so memory
grows with N and not with N * K.

Shapes: B images, N tokens, C channels, S sampled tokens, K centres, m neighbours, R rows of a block.
"""

from numbers import Integral, Real
from typing import NamedTuple

import torch
from torch import Tensor

from satlib.dta import kernels
from satlib.dta.checks import check_grid, check_sample, check_subsample, check_temperature, check_tokens
from satlib.dta.clusters import cluster_sum, merge_by_similarity, weighted_cluster_sum
from satlib.dta.options import (
    AGGREGATIONS,
    NORM_RESTORATIONS,
    AggregationMethod,
    NormRestoration,
    Sampling,
    listed,
)
from satlib.dta.sampling import Grid, draw_sample, n_samples
from satlib.dta.vectors import (
    EPS,
    comparable_,
    mean_of_largest,
    normalize,
    row_blocks,
    take,
)
from satlib.support.checks import integers


class Aggregation(NamedTuple):
    """What DTA chose and made of one batch."""

    tokens: Tensor
    """(B, K, C) aggregated tokens; without meaning where a cluster is empty."""
    centers: Tensor
    """(B, K) int64 positions of the centres among the N tokens, best score first."""
    assignment: Tensor
    """(B, N) int64 cluster of each token, in 0..K-1."""
    counts: Tensor
    """(B, K) int64 members of each cluster; 0 where another centre has the same direction, or this one has none."""
    sample: Tensor
    """(B, S) int64 positions of the sampled tokens."""
    density: Tensor
    """(B, S) rho of the sampled tokens, in [-1, 1]."""
    separation: Tensor
    """(B, S) delta of the sampled tokens, in [0, 2]."""
    score: Tensor
    """(B, S) gamma = rho * delta."""


def aggregate(
    x: Tensor,
    n_centers: int,
    *,
    grid: Grid | None = None,
    sample: Tensor | None = None,
    subsample: float = 4,
    neighbors: float | int = 0.1,
    aggregation: AggregationMethod = "similarity",
    temperature: float = 0.1,
    norm_restoration: NormRestoration = "max",
    sampling: Sampling = "stratified",
    generator: torch.Generator | None = None,
) -> Aggregation:
    """Aggregate N tokens into K.

    Parameters
    ----------
    x
        (B, N, C) floating point tokens. Half precision is computed in float32 and returned as it came.
    n_centers
        K, in 1..N.
    grid
        (H, W) with H * W = N, for the two-dimensional samplings; ``None`` takes the tokens as one row.
    sample
        (S,) or (B, S) positions to use instead of drawing, distinct and in 0..N-1, S >= K.
    subsample
        beta >= 1: S = min(N, max(2K, int(beta * K))).
    neighbors
        m: a float is a share of K, an int is m itself; clamped to 1..S-1.
    aggregation, temperature
        "similarity" (softmax of similarity / temperature over the members), "mean" or "center".
    norm_restoration
        "max" (to the largest token norm of the image), "mean" (to the mean norm of the members) or "none".
    sampling, generator
        How the sample is drawn, and from which source (``None``: torch's global generator). Each image of the batch
        has its own draw.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it.
    """
    n_images, n_tokens, _ = check_tokens(x)
    integers("n_centers", n_centers)
    if not 1 <= n_centers <= n_tokens:
        raise ValueError(f"n_centers must be in 1..{n_tokens} (the number of tokens), got {n_centers}")
    with torch.autocast(x.device.type, enabled=False):
        wide = x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
        with torch.no_grad():
            if sample is None:
                sample = draw_sample(
                    check_grid(grid, n_tokens),
                    n_samples(n_tokens, n_centers, check_subsample(subsample)),
                    sampling=sampling,
                    n_strips=n_centers,
                    batch=n_images,
                    generator=generator,
                    device=x.device,
                )
            else:
                sample = check_sample(sample, n_images, n_tokens, n_centers).to(x.device)
            sampled = normalize(take(wide, sample))  # (B, S, C)
            rho = density(sampled, n_neighbors(neighbors, n_centers, sample.shape[1]))
            delta = separation(sampled, rho)
            gamma = rho * delta  # (B, S), as both of them
            centers = sample.gather(1, highest(gamma, n_centers))  # (B, K)
            assignment = assign(wide, normalize(take(wide, centers)))  # (B, N)
        tokens, counts = merge(wide, centers, assignment, aggregation=aggregation, temperature=temperature)
        tokens = restore_norm(tokens, wide, assignment, counts, norm_restoration=norm_restoration)
    return Aggregation(tokens.to(x.dtype), centers, assignment, counts, sample, rho, delta, gamma)


def n_neighbors(neighbors: float | int, n_centers: int, n_sampled: int) -> int:
    """Return m: ``neighbors`` itself if an int, else its share of K; clamped to 1..S-1 (0 when S is 1).

    Raises
    ------
    ValueError
        If ``neighbors`` is neither an int >= 1 nor a float > 0.
    """
    if isinstance(neighbors, bool) or not isinstance(neighbors, Real) or not neighbors > 0:
        raise ValueError(f"neighbors must be an int >= 1 or a float > 0, got {neighbors!r}")
    m = int(neighbors if isinstance(neighbors, Integral) else min(neighbors * n_centers, n_sampled))
    return min(max(m, 1), n_sampled - 1)


def density(unit: Tensor, m: int) -> Tensor:
    """Step 2: rho_i, the mean of the m largest similarities of token i to the other sampled tokens.

    ``unit`` is (B, S, C), unit vectors; returns (B, S). A token alone (S = 1) has density 0.
    """
    if kernels.chosen(unit):
        return kernels.density(unit, m)
    rho = unit.new_zeros(unit.shape[:2])
    nearest = torch.zeros_like(rho, dtype=torch.int64)
    for start, stop in row_blocks(unit.shape[1], unit.shape[0] * unit.shape[1], unit.device) if m else ():
        similarity = unit[:, start:stop] @ unit.mT  # (B, R, S)
        similarity.diagonal(start, 1, 2).fill_(-torch.inf)  # a token is not its own neighbour
        if m == 1:
            rho[:, start:stop], nearest[:, start:stop] = similarity.max(-1)
        else:
            rho[:, start:stop] = mean_of_largest(similarity, m)
    # With m = 1, two tokens nearest to each other are equally dense. Rounding may compute s(i, j) and s(j, i)
    # differently; in exact arithmetic the next line changes nothing.
    return rho.scatter_reduce(1, nearest, rho, "amax") if m == 1 else rho


def separation(unit: Tensor, rho: Tensor) -> Tensor:
    """Step 3: delta_i = 1 - the largest similarity to a denser sampled token.

    "Denser" is a strict total order: by density, equal densities by position. With the tokens sorted in this order
    the denser ones are simply those before, so that only a lower triangle is computed. The densest token has none
    before it and takes 1 - its smallest similarity. ``unit`` (B, S, C), ``rho`` (B, S); returns (B, S) in [0, 2]. A
    token alone (S = 1) has separation 0.
    """
    if kernels.chosen(unit):
        return kernels.separation(unit, rho)
    n_sampled = unit.shape[1]
    delta = torch.zeros_like(rho)
    if n_sampled == 1:
        return delta
    order = comparable_(rho.clone()).argsort(dim=1, descending=True, stable=True)
    ranked = take(unit, order)
    place = torch.arange(n_sampled, device=unit.device)
    nearest = torch.empty_like(rho)
    for start, stop in row_blocks(n_sampled, unit.shape[0] * n_sampled, unit.device):
        similarity = ranked[:, start:stop] @ ranked[:, :stop].mT  # (B, R, stop)
        # Only the last columns, the block's own tokens, hold some that are not denser.
        similarity[..., start:].masked_fill_(place[start:stop] >= place[start:stop, None], -torch.inf)
        nearest[:, start:stop] = similarity.amax(-1)
    nearest[:, 0] = (ranked[:, :1] @ ranked[:, 1:].mT).amin((1, 2))
    return delta.scatter(1, order, (1 - nearest).clamp(0, 2))


def highest(score: Tensor, k: int) -> Tensor:
    """Return the places of the k largest scores of each row, (B, k), largest first, ties to the first place."""
    return comparable_(score.clone()).argsort(dim=1, descending=True, stable=True)[:, :k]


def assign(x: Tensor, center_units: Tensor) -> Tensor:
    """Step 4: the most similar centre of every token, (B, N) in 0..K-1, ties to the better-scored centre.

    ``x`` (B, N, C) are tokens of any length, ``center_units`` (B, K, C) unit vectors.
    """
    if kernels.chosen(x):
        return kernels.assign(x, center_units)
    assignment = torch.empty(x.shape[:2], dtype=torch.int64, device=x.device)
    for start, stop in row_blocks(x.shape[1], x.shape[0] * center_units.shape[1], x.device):
        similarity = normalize(x[:, start:stop]) @ center_units.mT  # (B, R, K)
        assignment[:, start:stop] = comparable_(similarity).max(-1).indices
    return assignment


def merge(
    x: Tensor,
    centers: Tensor,
    assignment: Tensor,
    *,
    aggregation: AggregationMethod = "similarity",
    temperature: float = 0.1,
) -> tuple[Tensor, Tensor]:
    """Step 5: merge the members of each cluster into one token.

    ``x`` (B, N, C), ``centers`` (B, K), ``assignment`` (B, N). Returns the merged tokens (B, K, C), zero for a cluster
    without members, and the cluster sizes (B, K).

    Raises
    ------
    ValueError
        If ``aggregation`` is another word.
    """
    counts = cluster_sum(torch.ones_like(assignment), assignment, centers.shape[1])
    if aggregation == "center":
        return take(x, centers), counts
    if aggregation == "mean":
        weight = 1 / counts.gather(1, assignment).to(x.dtype)
        return weighted_cluster_sum(x, weight, assignment, centers.shape[1]), counts
    if aggregation == "similarity":
        return merge_by_similarity(x, centers, assignment, check_temperature(temperature)), counts
    raise ValueError(f"unknown aggregation {aggregation!r}; choose {listed(AGGREGATIONS)}")


def restore_norm(
    tokens: Tensor, x: Tensor, assignment: Tensor, counts: Tensor, *, norm_restoration: NormRestoration = "max"
) -> Tensor:
    """Step 6: rescale the merged tokens, whose norms averaging has shrunk.

    "max": to the largest token norm of the image. "mean": to the mean norm of the members. "none": as they are. A
    token of norm <= EPS has no direction and stays. ``tokens`` (B, K, C), ``x`` (B, N, C); returns (B, K, C).

    Raises
    ------
    ValueError
        If ``norm_restoration`` is none of these words.
    """
    if norm_restoration == "none":
        return tokens
    norms = torch.linalg.vector_norm(x, dim=-1)  # (B, N)
    if norm_restoration == "max":
        target = norms.amax(1, keepdim=True)
    elif norm_restoration == "mean":
        target = cluster_sum(norms, assignment, tokens.shape[1]) / counts.clamp_min(1)
    else:
        raise ValueError(f"unknown norm_restoration {norm_restoration!r}; choose {listed(NORM_RESTORATIONS)}")
    norm = torch.linalg.vector_norm(tokens, dim=-1, keepdim=True)
    return torch.where(norm > EPS, tokens * (target.unsqueeze(-1) / (norm + EPS)), tokens)
