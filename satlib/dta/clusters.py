"""Sums, softmax and similarities over the members of clusters, without a matrix of tokens by clusters.

Results have the same bits in every run, on a GPU too: sums are made in an order that does not change.

What autograd would keep for a gradient, and the copies that gathering by cluster makes, are as large as the tokens
themselves. Here both are made anew in blocks of tokens, so that a gradient costs no memory beyond the result.

Shapes: B images, N tokens, C channels, K clusters, R tokens of a block.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import BackwardCFunction, FunctionCtx, once_differentiable

from satlib.dta import kernels
from satlib.dta.vectors import flat_index, inverse_norm, normalize, take

BLOCK_NUMBERS = 2**18
"""Numbers of a block of tokens on a CPU, about: few enough to stay in its cache."""

GPU_BLOCK_NUMBERS = 2**26
"""The same for any other device, where each operation on a block costs a launch: 256 MiB in float32."""


def cluster_sum(values: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Sum (B, N) values over the members of each cluster: (B, K)."""
    if values.is_floating_point() and kernels.chosen(values):
        return kernels.cluster_sum(values, assignment, n_clusters)
    if _adds_in_order(values) or not values.is_floating_point():
        return values.new_zeros(len(values), n_clusters).scatter_add(1, assignment, values)
    places = (flat_index(assignment, n_clusters),)
    total = values.new_zeros(len(values) * n_clusters).index_put(places, values.flatten(), accumulate=True)
    return total.view(len(values), n_clusters)


def _adds_in_order(x: Tensor) -> bool:
    """Whether index_add_ and scatter_add always add in the same order here; if not, index_put sorts and does."""
    return x.device.type == "cpu"


def cluster_softmax(logits: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Softmax of (B, N) logits over the members of each cluster, (B, N)."""
    lowest = logits.new_full((logits.shape[0], n_clusters), -torch.inf)
    largest = lowest.scatter_reduce(1, assignment, logits.detach(), "amax")  # (B, K)
    weight = (logits - largest.gather(1, assignment)).exp()
    return weight / cluster_sum(weight, assignment, n_clusters).gather(1, assignment)


class _Block(NamedTuple):
    """A block of tokens and their clusters."""

    rows: slice
    x: Tensor
    """(B, R, C)"""
    assignment: Tensor
    """(B, R)"""

    def add_to(self, total: Tensor, values: Tensor) -> None:
        """Add ``values`` (B, R, C) to ``total`` (B, K, C) by cluster."""
        rows, places = total.flatten(0, 1), flat_index(self.assignment, total.shape[1])
        if _adds_in_order(total):
            rows.index_add_(0, places, values.flatten(0, 1))
        else:
            rows.index_put_((places,), values.flatten(0, 1), accumulate=True)


def _blocks(x: Tensor, assignment: Tensor) -> Iterator[_Block]:
    numbers = BLOCK_NUMBERS if x.device.type == "cpu" else GPU_BLOCK_NUMBERS
    step = max(1, numbers // (len(x) * x.shape[-1]))
    for start in range(0, x.shape[1], step):
        rows = slice(start, start + step)
        yield _Block(rows, x[:, rows], assignment[:, rows])


class _WeightedSum(torch.autograd.Function):
    """Sum of weight * x over the members of each cluster."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
        ctx.save_for_backward(x, weight, assignment)
        if kernels.chosen(x):
            return kernels.weighted_sum(x, weight, assignment, n_clusters)
        total = x.new_zeros(len(x), n_clusters, x.shape[-1])
        for block in _blocks(x, assignment):
            block.add_to(total, weight[:, block.rows, None] * block.x)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: BackwardCFunction, grad: Tensor) -> tuple[Tensor, Tensor, None, None]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        x, weight, assignment = saved
        grad = grad.contiguous()
        grad_x, grad_weight = x.new_empty(x.shape), weight.new_empty(weight.shape)
        for block in _blocks(x, assignment):
            own = take(grad, block.assignment)  # (B, R, C)
            torch.sum(own * block.x, -1, out=grad_weight[:, block.rows])
            torch.mul(weight[:, block.rows, None], own, out=grad_x[:, block.rows])
        return grad_x, grad_weight, None, None


weighted_cluster_sum: Callable[[Tensor, Tensor, Tensor, int], Tensor] = _WeightedSum.apply
"""(B, N, C) tokens, (B, N) weights, (B, N) clusters, K -> (B, K, C)."""


class _CenterSimilarity(torch.autograd.Function):
    """Cosine similarity s_i = u_i . u_c of each token with the centre of its cluster, u the directions.

    Its gradient is (u_c - s_i u_i) / ||x_i|| in the token and (u_i - s_i u_c) / ||x_c|| in the centre.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, centers: Tensor, assignment: Tensor) -> Tensor:
        ctx.save_for_backward(x, centers, assignment)
        similarity = x.new_empty(assignment.shape)
        center_units = normalize(take(x, centers))
        for block in _blocks(x, assignment):
            own = take(center_units, block.assignment)  # (B, R, C)
            torch.sum(own.mul_(normalize(block.x)), -1, out=similarity[:, block.rows])
        return similarity

    @staticmethod
    @once_differentiable
    def backward(ctx: BackwardCFunction, grad: Tensor) -> tuple[Tensor, None, None]:
        saved: tuple[Tensor, ...] = ctx.saved_tensors
        x, centers, assignment = saved
        center_tokens = take(x, centers)
        center_inverse = inverse_norm(center_tokens)  # (B, K, 1)
        center_units = center_tokens * center_inverse
        grad_x, grad_centers = x.new_empty(x.shape), torch.zeros_like(center_units)
        for block in _blocks(x, assignment):
            own, inverse = take(center_units, block.assignment), inverse_norm(block.x)
            unit, grad_block = block.x * inverse, grad[:, block.rows, None]  # (B, R, C) and (B, R, 1)
            similarity = (own * unit).sum(-1, keepdim=True)  # (B, R, 1)
            torch.mul(own - similarity * unit, grad_block * inverse, out=grad_x[:, block.rows])
            block.add_to(grad_centers, (unit - similarity * own).mul_(grad_block))
        # A centre is a token, too: what flows to it as a centre comes on top. No token is the centre of two clusters.
        grad_centers *= center_inverse
        grad_x.flatten(0, 1).index_add_(0, flat_index(centers, x.shape[1]), grad_centers.flatten(0, 1))
        return grad_x, None, None


center_similarity: Callable[[Tensor, Tensor, Tensor], Tensor] = _CenterSimilarity.apply
"""(B, N, C) tokens, (B, K) positions of the centres, (B, N) clusters -> (B, N)."""


def merge_by_similarity(x: Tensor, centers: Tensor, assignment: Tensor, temperature: float) -> Tensor:
    """Average the members of each cluster under softmax(similarity to the centre / temperature).

    ``x`` (B, N, C), ``centers`` (B, K) positions, ``assignment`` (B, N); returns (B, K, C), zero for a cluster without
    members.
    """
    if kernels.chosen(x):
        return kernels.merge_by_similarity(x, centers, assignment, temperature)
    similarity = center_similarity(x, centers, assignment)
    weight = cluster_softmax(similarity / temperature, assignment, centers.shape[1])
    return weighted_cluster_sum(x, weight, assignment, centers.shape[1])
