"""Token merging by bipartite soft matching, written from its paper.

Bolya et al., "Token Merging: Your ViT But Faster", ICLR 2023, section 3. Tokens are split into two sets, taking turns.
Each token of the first finds the most similar one of the second, by the cosine of what is compared; the r most similar
pairs are merged to means by size. One pass removes half of the tokens at most: the paper merges a little in every
layer. Where fewer are wanted at once, passes follow each other here.

Shapes: B images, N tokens, K of them after merging, D channels of what is compared.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from satlib.dta.clusters import cluster_sum, weighted_cluster_sum
from satlib.dta.vectors import normalize, row_blocks
from satlib.merging import Merged


def bipartite(
    x: Tensor,
    k: int,
    *,
    metric: Tensor | None = None,
    protected: Sequence[int] = (),
    sizes: Tensor | None = None,
    blocks: bool = False,
) -> Merged:
    """Merge (B, N, C) tokens into k, with the arguments of :func:`satlib.merging.merge`.

    ``blocks`` computes the similarities in blocks of rows; else they are one matrix, N / 2 by N / 2, as published.
    """
    n_images, n_tokens, _ = x.shape
    sizes = torch.ones_like(x[..., 0]) if sizes is None else sizes.to(x.dtype)
    shown = x if metric is None else metric if metric.ndim == 3 else metric.mean(1)
    places = torch.arange(n_tokens, device=x.device).expand(n_images, -1)  # (B, K), where what is left stands
    assignment, fixed, weight = places, torch.zeros(n_tokens, dtype=torch.bool, device=x.device), sizes
    fixed[list(protected)] = True
    while places.shape[1] > k:
        step = one_pass(shown, places.shape[1] - k, fixed[places], blocks=blocks)  # (B, K) in 0..K'-1
        left = int(step.max()) + 1
        total = cluster_sum(weight, step, left)
        shown = weighted_cluster_sum(shown, weight / total.gather(1, step), step, left)
        assignment, weight = step.gather(1, assignment), total
        places = places.new_zeros(n_images, left).scatter_reduce(1, step, places, "amax", include_self=False)
    share = sizes / weight.gather(1, assignment)
    merged = Merged(x, weight, assignment, places, share)
    return merged._replace(tokens=merged.apply(x))


def one_pass(metric: Tensor, n_merged: int, fixed: Tensor, *, blocks: bool = False) -> Tensor:
    """Merge at most ``n_merged`` tokens into others: what each of (B, N) becomes part of, (B, N) in 0..K-1.

    ``fixed`` (B, N) tokens are not merged, as many in each image.
    """
    unit = normalize(metric)
    first, second = unit[:, ::2], unit[:, 1::2]
    best, partner = _best(first, second, fixed[:, 1::2], blocks=blocks)
    best = best.masked_fill(fixed[:, ::2], -torch.inf)
    n_merged = min(n_merged, int((best > -torch.inf).sum(1).min()))
    gone = best.argsort(dim=1, descending=True, stable=True)[:, :n_merged]  # (B, r) of the first set
    joins = torch.arange(unit.shape[1], device=unit.device).repeat(len(unit), 1)
    joins.scatter_(1, 2 * gone, 2 * partner.gather(1, gone) + 1)
    stays = torch.ones_like(joins).scatter(1, 2 * gone, 0)
    return (stays.cumsum(1) - 1).gather(1, joins)


def _best(first: Tensor, second: Tensor, fixed: Tensor, *, blocks: bool) -> tuple[Tensor, Tensor]:
    """Return the largest similarity of each token of the first set to one of the second, and which one that is."""
    n_rows = first.shape[1]
    spans = row_blocks(n_rows, len(first) * second.shape[1], first.device) if blocks else [(0, n_rows)]
    found = [
        (first[:, start:stop] @ second.mT).masked_fill(fixed[:, None], -torch.inf).max(-1) for start, stop in spans
    ]
    return torch.cat([f.values for f in found], dim=1), torch.cat([f.indices for f in found], dim=1)
