"""Merge N tokens into K: centres and clusters by DTA (`satlib.dta`), then a mean that knows how large its members are.

What differs from the aggregation inside SAT is what a network that was not trained with it needs: no norm is restored,
tokens can be protected, a centre stays in its own cluster, so that none is empty, and tokens that are merged already
count with their size. The needs are those of token merging by bipartite matching (Bolya et al., ICLR 2023, "ToMe");
the way to choose is DTA's.

Shapes: B images or sequences, N tokens, P of them protected, M = N - P free, K tokens after merging, C and D channels,
h heads.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from satlib.dta.aggregation import aggregate
from satlib.dta.checks import check_grid, check_temperature, check_tokens
from satlib.dta.clusters import center_similarity, cluster_softmax, cluster_sum
from satlib.dta.options import AGGREGATIONS, AggregationMethod, Sampling, listed
from satlib.dta.sampling import Grid
from satlib.merging.clusters import Merged
from satlib.support.checks import integers, require


def merge(
    x: Tensor,
    k: int,
    *,
    metric: Tensor | None = None,
    protected: Sequence[int] = (),
    sizes: Tensor | None = None,
    grid: Grid | None = None,
    subsample: float = 4,
    neighbors: float | int = 0.1,
    aggregation: AggregationMethod = "mean",
    temperature: float = 0.1,
    sampling: Sampling = "grid",
    generator: torch.Generator | None = None,
) -> Merged:
    """Merge N tokens into k.

    The merged tokens stand in the order of their centres, so that k = N changes nothing. With the default sampling
    nothing is random, and images of a batch do not depend on each other.

    Parameters
    ----------
    x
        (B, N, C) floating point tokens. Half precision is computed in float32 and returned as it came.
    k
        How many tokens come out, protected ones included: P + 1..N.
    metric
        What tokens are compared by, (B, N, D) or (B, h, N, D), whose heads are averaged; for instance the keys of an
        attention. ``None``: the tokens themselves.
    protected
        Positions of tokens that stay as they are and that nothing joins, such as a class token: ``[0]``.
    sizes
        (B, N) how many tokens each token stands for: :attr:`Merged.counts` of an earlier merging, positive. They
        weigh the mean and add up. ``None``: 1 for each.
    grid
        (H, W) of the M free tokens in raster order, H * W = M; ``None``: they are a sequence.
    subsample, neighbors
        As in :func:`satlib.dta.aggregate`: how many tokens are looked at for each centre, and for its density.
    aggregation, temperature
        "mean" of the members by their sizes; "similarity": by size times exp(similarity to the centre / temperature);
        "center": the centre's token alone.
    sampling, generator
        As in :func:`satlib.dta.aggregate`; "grid" draws nothing.

    Returns
    -------
    Merged
        The choice carries no gradient; the merged tokens do.

    Raises
    ------
    ValueError
        If an argument is out of range; the message names it.
    """
    n_images, n_tokens, _ = check_tokens(x)
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"unknown aggregation {aggregation!r}; choose {listed(AGGREGATIONS)}")
    alone = _check_protected(protected, n_tokens)
    integers("k", k)
    if k != n_tokens and not len(alone) < k < n_tokens:
        raise ValueError(f"k must be in {len(alone) + 1}..{n_tokens} (protected + 1 to all tokens), got {k}")
    grid = check_grid(grid, n_tokens - len(alone)) if len(alone) < n_tokens else None
    sizes = torch.ones_like(x[..., 0], dtype=torch.int64) if sizes is None else _check_sizes(sizes, x)
    with torch.autocast(x.device.type, enabled=False):
        features = _features(x, metric)
        if k == n_tokens:
            representatives = torch.arange(n_tokens, device=x.device).repeat(n_images, 1)
            assignment = representatives.clone()
        else:
            free = torch.ones(n_tokens, dtype=torch.bool).index_fill(0, alone, False).nonzero()[:, 0].to(x.device)
            found = aggregate(
                features[:, free] if len(alone) else features,
                k - len(alone),
                grid=grid,
                subsample=subsample,
                neighbors=neighbors,
                aggregation="center",
                norm_restoration="none",
                sampling=sampling,
                generator=generator,
            )
            representatives, assignment = _join(alone.to(x.device), free, found.centers, found.assignment)
        weights = _weights(features, representatives, assignment, sizes, aggregation, temperature)
    merged = Merged(x, cluster_sum(sizes, assignment, k), assignment, representatives, weights)
    return merged if k == n_tokens else merged._replace(tokens=merged.apply(x))


def _weights(
    features: Tensor,
    representatives: Tensor,
    assignment: Tensor,
    sizes: Tensor,
    aggregation: AggregationMethod,
    temperature: float,
) -> Tensor:
    """Return the share of each token in its merged token, (B, N)."""
    if aggregation == "center":
        return torch.zeros_like(features[..., 0]).scatter(1, representatives, 1)
    wide, n_merged = sizes.to(features.dtype), representatives.shape[1]
    if aggregation == "mean":
        return wide / cluster_sum(wide, assignment, n_merged).gather(1, assignment)
    similarity = center_similarity(features, representatives, assignment)
    return cluster_softmax(similarity / check_temperature(temperature) + wide.log(), assignment, n_merged)


def _join(protected: Tensor, free: Tensor, centers: Tensor, assignment: Tensor) -> tuple[Tensor, Tensor]:
    """Put protected tokens and clusters of free ones in the order of their positions.

    ``protected`` (P,) and ``free`` (M,) positions; ``centers`` (B, K - P) and ``assignment`` (B, M) among the free
    tokens. Returns representatives (B, K), ascending, and the assignment (B, N).
    """
    n_images, n_clusters = centers.shape
    # Another centre of the same direction and a better score would take a centre into its cluster.
    own = torch.arange(n_clusters, device=free.device).expand(n_images, -1)
    assignment = assignment.scatter(1, centers, own)
    alone = protected.expand(n_images, -1)
    representatives, order = torch.cat((alone, free[centers]), dim=1).sort(dim=1)
    rank = order.argsort(dim=1)  # place in the order of protected token p, or of cluster c at P + c
    whole = assignment.new_empty(n_images, len(protected) + len(free))
    whole[:, protected] = rank[:, : len(protected)]
    whole[:, free] = rank[:, len(protected) :].gather(1, assignment)
    return representatives, whole


def _features(x: Tensor, metric: Tensor | None) -> Tensor:
    """Return what tokens are compared by, (B, N, D), in float32 or float64."""
    found = x if metric is None else metric
    require(isinstance(found, Tensor), "metric", type(found).__name__, "a tensor (B, N, D) or (B, h, N, D)")
    if found.ndim == 4:
        found = found.mean(1) if found.dtype == torch.float64 else found.float().mean(1)  # (B, h, N, D)
    if found.ndim != 3 or found.shape[:2] != x.shape[:2] or 0 in found.shape or not found.is_floating_point():
        given = found if metric is None else metric
        raise ValueError(
            f"metric must be floating point of shape (B, N, D) or (B, h, N, D) with B = {x.shape[0]}, N = {x.shape[1]};"
            f" got {given.dtype} {tuple(given.shape)}"
        )
    return found.float() if found.dtype in (torch.float16, torch.bfloat16) else found


def _check_protected(protected: Sequence[int], n_tokens: int) -> Tensor:
    """Return the positions in order, (P,), after checking that they are distinct and in 0..N-1."""
    integers("protected", *protected)
    found = sorted(int(position) for position in protected)
    if found and (found[0] < 0 or found[-1] >= n_tokens or len(set(found)) < len(found)):
        raise ValueError(f"protected must be distinct positions in 0..{n_tokens - 1}, got {list(protected)}")
    return torch.tensor(found, dtype=torch.int64)


def _check_sizes(sizes: Tensor, x: Tensor) -> Tensor:
    """Return sizes after checking their shape, and on a CPU that they are positive: on a GPU a look would wait."""
    require(isinstance(sizes, Tensor), "sizes", type(sizes).__name__, "a tensor (B, N)")
    if sizes.shape != x.shape[:2] or sizes.is_complex() or sizes.dtype == torch.bool:
        raise ValueError(
            f"sizes must be numbers of shape (B, N) = {tuple(x.shape[:2])}, got {sizes.dtype} {tuple(sizes.shape)}"
        )
    if sizes.device.type == "cpu" and not torch.compiler.is_compiling() and not (sizes > 0).all():
        raise ValueError(f"sizes must be positive, got {sizes.min()}")
    if not sizes.is_floating_point():
        return sizes.long()
    return sizes.float() if sizes.dtype in (torch.float16, torch.bfloat16) else sizes
