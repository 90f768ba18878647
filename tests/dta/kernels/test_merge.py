"""The kernels that merge (sums by cluster, similarity weights) against the torch functions, and their gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels_device import DEVICE, random_tokens

from satlib.dta import clusters, kernels
from satlib.dta.kernels import merging, segments

SIZES = [(1, 1, 1, 1), (2, 3, 1, 2), (2, 70, 9, 5), (1, 40, 40, 33), (1, 300, 3, 8)]
"""Images, tokens, clusters, channels."""


@pytest.fixture(params=[16, 128])
def piece(request, monkeypatch):
    """Members of a piece: the large clusters have many pieces, or one."""
    for module in (segments, merging):
        monkeypatch.setattr(module, "PIECE", request.param)


def example(n_images, n_tokens, n_clusters, channels, seed=0):
    """Tokens, centres, clusters (the last one is empty where there are two) and weights.

    Half the tokens are in one cluster; centres need not be members of their own; one token is zero.
    """
    generator = torch.Generator().manual_seed(seed)
    x = random_tokens(n_images, n_tokens, channels, seed)
    x[:, n_tokens // 2] *= n_tokens == 1
    centers = torch.rand(n_images, n_tokens, generator=generator).argsort(1)[:, :n_clusters]
    assignment = torch.randint(0, max(1, n_clusters - 1), (n_images, n_tokens), generator=generator)
    assignment[:, ::2] = 0
    weight = torch.rand(n_images, n_tokens, generator=generator)
    return x, *(t.to(DEVICE) for t in (centers, assignment, weight))


def close(a, b, tolerance=1e-5):
    """Equal up to a share of the largest number."""
    assert a.shape == b.shape and (a.double() - b.double()).abs().max() <= tolerance * b.double().abs().max()


@settings(max_examples=20)
@given(
    n_images=st.integers(1, 3),
    n_tokens=st.integers(1, 60),
    n_clusters=st.integers(1, 9),
    size=st.integers(1, 20),
    seed=st.integers(0, 99),
)
def test_segments_hold_every_member_once_and_in_order(n_images, n_tokens, n_clusters, size, seed):
    generator = torch.Generator().manual_seed(seed)
    assignment = torch.randint(0, n_clusters, (n_images, n_tokens), generator=generator)
    before, segments.PIECE = segments.PIECE, size
    try:
        found = segments.segments(assignment.to(DEVICE), n_clusters)
    finally:
        segments.PIECE = before
    order, starts, pieces, owner = (t.tolist() for t in found)
    flat = (assignment + n_clusters * torch.arange(n_images).unsqueeze(1)).flatten().tolist()
    expected = []
    for cluster in range(n_images * n_clusters):
        inside = [i for i, c in enumerate(flat) if c == cluster]
        assert order[starts[cluster] : starts[cluster + 1]] == inside
        expected += [cluster] * -(-len(inside) // size)
        assert pieces[cluster + 1] == len(expected)
    assert owner == expected + [n_images * n_clusters] * (len(owner) - len(expected))


@pytest.mark.parametrize("size", SIZES)
def test_weighted_sums_are_the_same(size, piece):
    x, _, assignment, weight = example(*size)
    expected = clusters.weighted_cluster_sum(x.double(), weight.double(), assignment, size[2])
    close(kernels.weighted_sum(x, weight, assignment, size[2]), expected, 1e-6)
    close(kernels.cluster_sum(weight, assignment, size[2]), clusters.cluster_sum(weight.double(), assignment, size[2]))


@pytest.mark.parametrize("size", SIZES)
def test_sums_of_whole_numbers_are_exact(size, piece):
    x, _, assignment, weight = example(*size)
    x, weight = x.mul(4).round(), weight.mul(4).round()
    expected = clusters.weighted_cluster_sum(x, weight, assignment, size[2])
    assert torch.equal(kernels.weighted_sum(x, weight, assignment, size[2]), expected)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
@pytest.mark.parametrize("size", SIZES)
def test_merging_by_similarity_and_its_gradient_are_the_same(size, temperature, piece):
    x, centers, assignment, _ = example(*size)
    weight = random_tokens(size[0], size[2], size[3], seed=1)
    results = []
    for dtype in (torch.float32, torch.float64):
        leaf = x.clone().to(dtype).requires_grad_()
        merge = kernels.merge_by_similarity if dtype == torch.float32 else clusters.merge_by_similarity
        merged = merge(leaf, centers, assignment, temperature)
        (merged * weight).sum().backward()
        results.append((merged.detach(), leaf.grad))
    for got, expected in zip(*results, strict=True):
        close(got, expected)
    assert size[2] == 1 or (results[0][0][:, -1] == 0).all()  # the empty cluster


def test_a_very_low_temperature_does_not_overflow():
    """Logits are then in the tens of thousands, and one member has all the weight."""
    x, centers, assignment, _ = example(2, 70, 9, 5)
    got = kernels.merge_by_similarity(x, centers, assignment, 1e-5)
    close(got, clusters.merge_by_similarity(x.double(), centers, assignment, 1e-5))


@pytest.mark.parametrize("channels", [70, 5000])
def test_more_channels_than_a_tile_was_made_for(channels):
    x, centers, assignment, weight = example(1, 6, 2, channels)
    got = kernels.merge_by_similarity(x, centers, assignment, 0.1)
    close(got, clusters.merge_by_similarity(x.double(), centers, assignment, 0.1))
    expected = clusters.weighted_cluster_sum(x.double(), weight.double(), assignment, 2)
    close(kernels.weighted_sum(x, weight, assignment, 2), expected, 1e-6)


def test_gradients_of_sums():
    x, _, assignment, weight = example(2, 30, 4, 3)
    grad = random_tokens(2, 4, 3, seed=1)
    leaves = [(x.clone().requires_grad_(), weight.clone().requires_grad_()) for _ in range(2)]
    (clusters.weighted_cluster_sum(*leaves[0], assignment, 4) * grad).sum().backward()
    with kernels.use("triton"):
        (clusters.weighted_cluster_sum(*leaves[1], assignment, 4) * grad).sum().backward()
    assert all(torch.equal(a.grad, b.grad) for a, b in zip(*leaves, strict=True))
    leaf = weight.clone().requires_grad_()
    (kernels.cluster_sum(leaf, assignment, 4) * grad[..., 0]).sum().backward()
    assert torch.equal(leaf.grad, grad[..., 0].gather(1, assignment))


def test_an_image_gets_the_same_bits_alone_and_in_a_batch(piece):
    x, centers, assignment, weight = example(3, 90, 5, 12)
    grad = random_tokens(3, 5, 12, seed=1)
    results = []
    for images in (slice(0, 3), slice(1, 2)):
        leaf = x[images].clone().requires_grad_()
        merged = kernels.merge_by_similarity(leaf, centers[images], assignment[images], 0.1)
        (merged * grad[images]).sum().backward()
        summed = kernels.weighted_sum(x[images], weight[images], assignment[images], 5)
        results.append((merged.detach(), leaf.grad, summed))
    assert all(torch.equal(a[1:2], b) for a, b in zip(*results, strict=True))


def test_nothing_as_large_as_the_tokens_is_kept_for_the_gradient():
    x, centers, assignment, _ = example(1, 200, 4, 16)
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        kernels.merge_by_similarity(x.requires_grad_(), centers, assignment, 0.1)
    assert {t.data_ptr() for t in kept if t.numel() >= x.numel()} == {x.data_ptr()}
