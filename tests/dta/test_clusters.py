"""Sums and similarities by cluster against loops over tokens, and their gradients, with blocks of a few tokens."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from satlib.dta import clusters
from satlib.dta.clusters import center_similarity, cluster_softmax, cluster_sum, weighted_cluster_sum
from satlib.dta.vectors import mean_of_largest, normalize, take


def example(n_images=2, n_tokens=11, channels=3, n_clusters=4):
    """Tokens, centres, clusters (the last one is empty) and weights."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n_images, n_tokens, channels, generator=generator, dtype=torch.float64)
    centers = torch.rand(n_images, n_tokens, generator=generator).argsort(1)[:, :n_clusters]
    assignment = torch.randint(0, max(1, n_clusters - 1), (n_images, n_tokens), generator=generator)
    return x, centers, assignment, torch.rand(n_images, n_tokens, generator=generator, dtype=torch.float64)


@pytest.fixture(params=[(6, True), (10**6, True), (10**6, False)], ids=["blocks", "whole", "as on a GPU"])
def block_size(request, monkeypatch):
    numbers, in_order = request.param
    monkeypatch.setattr(clusters, "BLOCK_NUMBERS", numbers)
    monkeypatch.setattr(clusters, "_adds_in_order", lambda x: in_order)


def members(assignment, image, cluster):
    return [i for i, c in enumerate(assignment[image].tolist()) if c == cluster]


def test_sums_and_softmax_are_those_of_the_members(block_size):
    x, _, assignment, weight = example()
    total, sums = weighted_cluster_sum(x, weight, assignment, 4), cluster_sum(weight, assignment, 4)
    soft = cluster_softmax(weight, assignment, 4)
    for image in range(2):
        for cluster in range(4):
            inside = members(assignment, image, cluster)
            expected = sum((weight[image, i] * x[image, i] for i in inside), torch.zeros(3, dtype=torch.float64))
            torch.testing.assert_close(total[image, cluster], expected)
            torch.testing.assert_close(sums[image, cluster], weight[image, inside].sum())
            torch.testing.assert_close(soft[image, inside], weight[image, inside].softmax(0))


def test_similarity_is_the_cosine_with_the_own_centre(block_size):
    x, centers, assignment, _ = example()
    x[:, ::5] = 0  # without direction: similar to nothing
    found = center_similarity(x, centers, assignment)
    own = take(x, take(centers.unsqueeze(2), assignment).squeeze(2))
    torch.testing.assert_close(found, (normalize(x) * normalize(own)).sum(-1))


def test_gradients_are_exact(block_size):
    x, centers, assignment, weight = example()
    leaves = x.requires_grad_(), weight.requires_grad_()
    assert torch.autograd.gradcheck(lambda t, w: weighted_cluster_sum(t, w, assignment, 4), leaves)
    assert torch.autograd.gradcheck(lambda t: center_similarity(t, centers, assignment), (x,))


def test_a_token_without_direction_has_no_gradient(block_size):
    x, centers, assignment, _ = example()
    x[0, 3] = 0
    x[1, centers[1, 0]] = 0
    x.requires_grad_()
    center_similarity(x, centers, assignment).sum().backward()
    assert (x.grad[0, 3] == 0).all() and (x.grad[1, centers[1, 0]] == 0).all() and x.grad.isfinite().all()


def test_nothing_as_large_as_the_tokens_is_kept_for_the_gradient():
    x, centers, assignment, weight = example(n_tokens=500, channels=16)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        similarity = center_similarity(x.requires_grad_(), centers, assignment)
        weighted_cluster_sum(x, weight * similarity, assignment, 4)
    assert {t.data_ptr() for t in kept if t.numel() >= x.numel()} == {x.data_ptr()}


@given(
    rows=st.integers(1, 4),
    length=st.integers(2, 70),
    share=st.floats(0.01, 1),
    ties=st.booleans(),
    seed=st.integers(0, 99),
)
def test_mean_of_largest_is_that_of_the_sorted_row(rows, length, share, ties, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, rows, length, generator=generator, dtype=torch.float64)
    x = x.mul(2).round() if ties else x
    x[..., seed % length] = -torch.inf
    m = max(1, int(share * (length - 1)))
    expected = x.sort(dim=-1, descending=True).values[..., :m].mean(-1)
    torch.testing.assert_close(mean_of_largest(x, m), expected, rtol=1e-13, atol=1e-13)
