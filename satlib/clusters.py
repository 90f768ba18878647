"""Sums and softmax over the members of clusters, without a matrix of tokens by clusters.

Shapes: B images, N tokens, C channels, K clusters.
"""

import torch
from torch import Tensor


def cluster_sum(values: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Sum (B, N) or (B, N, C) values over the members of each cluster: (B, K) or (B, K, C)."""
    index = assignment if values.ndim == 2 else assignment.unsqueeze(-1).expand_as(values)
    total = values.new_zeros(values.shape[0], n_clusters, *values.shape[2:])
    return total.scatter_add(1, index, values)


def cluster_softmax(logits: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
    """Softmax of (B, N) logits over the members of each cluster, (B, N)."""
    lowest = logits.new_full((logits.shape[0], n_clusters), -torch.inf)
    largest = lowest.scatter_reduce(1, assignment, logits.detach(), "amax")
    weight = (logits - largest.gather(1, assignment)).exp()
    return weight / cluster_sum(weight, assignment, n_clusters).gather(1, assignment)
