"""The two attentions against `satlib.plain`, and what they must not depend on."""

import pytest
import reference
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import geometry

from satlib import SATConfig, plain
from satlib.network.attention import (
    PositionBias,
    RectangleWindowAttention,
    SelectiveAggregationAttention,
    to_image,
    to_tokens,
)
from satlib.network.geometry import eval_sample

# 96 channels are the fewest that give the position bias more than two channels of its own; with one, its LayerNorm
# makes it constant.
WIDE = SATConfig(scale=2, channels=96, heads=4, groups=(4,), window=(2, 4), keep_ratio=0.2, neighbors=0.5)


def lively(module):
    """Random weights large enough that no softmax is flat, in float64."""
    with torch.no_grad():
        for parameter in module.double().parameters():
            parameter.normal_(std=0.2)
    return module.eval()


def tokens(grid, channels=96, n_images=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n_images, grid[0] * grid[1], channels, generator=generator, dtype=torch.float64)


def assert_close(a, b, tolerance=1e-12):
    assert (a - b).abs().max() <= tolerance * b.abs().max()


def page(run, module, x, grid, **options):
    """A part of the page with the weights of a layer, for (B, N, C) tokens."""
    return run(x.unflatten(1, grid), module.state_dict(), **options).flatten(1, 2)


# Local windows ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [(2, 4), (4, 2), (3, 3)])
def test_position_bias_is_the_network_of_each_offset(window):
    bias = lively(PositionBias(window, 5, 3))
    with torch.no_grad():
        table = bias()
        assert_close(table, plain.position_bias(window, bias.state_dict()))
    n = window[0] * window[1]
    assert table.shape == (3, n, n)


@settings(max_examples=12)
@given(
    grid=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    window=st.sampled_from([(2, 4), (4, 2), (1, 3), (3, 3)]),
    shifted=st.booleans(),
    mask_padding=st.booleans(),
)
def test_windows_agree_with_the_page(grid, window, shifted, mask_padding):
    torch.manual_seed(0)
    config = WIDE.replace(window=window, mask_padding=mask_padding)
    layer, x = lively(RectangleWindowAttention(config, shifted=shifted)), tokens(grid)
    with torch.no_grad():
        expected = page(plain.window_attention, layer, x, grid, config=config, shifted=shifted)
        assert_close(layer(x, geometry(config, grid, layer)), expected)


@pytest.mark.parametrize("mask_padding", [True, False])
def test_a_shifted_window_larger_than_the_image(mask_padding):
    config, grid = WIDE.replace(window=(4, 12), mask_padding=mask_padding), (2, 5)
    layer, x = lively(RectangleWindowAttention(config, shifted=True)), tokens(grid)
    with torch.no_grad():
        expected = page(plain.window_attention, layer, x, grid, config=config, shifted=True)
        assert_close(layer(x, geometry(config, grid, layer)), expected)


def test_a_pixel_far_away_is_not_read():
    """With windows 2 x 4 nothing beyond 4 rows or columns can matter, unless windows were cut or rolled wrongly."""
    grid = (16, 24)
    layer, x = lively(RectangleWindowAttention(WIDE, shifted=True)), tokens(grid)
    changed = x.clone().unflatten(1, grid)
    changed[:, :4, :4] += 1
    with torch.no_grad():
        at = geometry(WIDE, grid, layer)
        difference = (layer(changed.flatten(1, 2), at) - layer(x, at)).abs().amax(-1).view(grid)
    assert (difference[8:] == 0).all() and (difference[:, 8:] == 0).all() and difference[:4, :4].min() > 0


# Selective aggregation ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aggregation", ["similarity", "mean", "center"])
@pytest.mark.parametrize("qk_ratio", [0.25, 0.5, 1.0, 1.5])
@pytest.mark.parametrize("size_bias", [False, True])
def test_saa_agrees_with_the_page(aggregation, qk_ratio, size_bias):
    config = WIDE.replace(channels=16, aggregation=aggregation, qk_ratio=qk_ratio, size_bias=size_bias)
    layer, grid = lively(SelectiveAggregationAttention.from_config(config, layer=3)), (5, 7)
    x = tokens(grid, channels=16)
    with torch.no_grad():
        out, _ = layer(x, geometry(config, grid, layer))
        expected = page(plain.selective_attention, layer, x, grid, config=config, layer=3)
    assert_close(out, expected)


def test_empty_clusters_are_not_read():
    """All tokens equal: one cluster holds them all, and the result is as if there were no other."""
    config = WIDE.replace(channels=16, keep_ratio=0.5)
    layer, grid = lively(SelectiveAggregationAttention.from_config(config, layer=0)), (4, 5)
    x = torch.ones(1, 20, 16, dtype=torch.float64)
    with torch.no_grad():
        out, chosen = layer(x, geometry(config, grid, layer))
        assert sorted(chosen.counts[0].tolist()) == [0] * 9 + [20]
        full = chosen.counts[0].argmax()
        expected = layer.project(layer.value(chosen.tokens[:, full]))
    assert_close(out, expected.unsqueeze(1).expand(-1, 20, -1))


def test_size_bias_makes_equal_tokens_weigh_by_their_number():
    """With one-token-per-cluster content, attention over clusters with log sizes is attention over all tokens."""
    config = WIDE.replace(channels=16, keep_ratio=0.2, size_bias=True, norm_restoration="none", sampling="grid")
    layer = lively(SelectiveAggregationAttention.from_config(config, layer=0))
    directions = torch.eye(16, dtype=torch.float64)[:4]
    x = directions[torch.tensor([0] * 9 + [1] * 6 + [2] * 3 + [3] * 2)].unsqueeze(0)
    with torch.no_grad():
        out, chosen = layer(x, geometry(config, (1, 20), layer))
        assert sorted(chosen.counts[0].tolist()) == [2, 3, 6, 9]
        q, k, v = layer.query(x), layer.key(x), layer.value(x)
        expected = layer.project(plain.attend(q, k, v, config.heads, torch.zeros(1)))
    assert_close(out, expected)


def test_the_eval_sample_depends_on_seed_layer_and_grid_alone():
    config = WIDE.replace(channels=16, keep_ratio=0.05)
    grid = (10, 10)
    samples = []
    for seed, layer in ((0, 0), (0, 1), (1, 0)):
        seeded = config.replace(seed=seed)
        module = SelectiveAggregationAttention.from_config(seeded, layer=layer).eval()
        first = module.aggregate(torch.randn(1, 100, 16), geometry(seeded, grid, module)).sample
        second = module.aggregate(torch.randn(3, 100, 16), geometry(seeded, grid, module)).sample
        assert torch.equal(second, first.expand(3, -1))
        samples.append(tuple(first[0].tolist()))
    assert len(set(samples)) == 3


def test_a_caller_cannot_change_the_eval_sample():
    config = WIDE.replace(channels=16)
    module = SelectiveAggregationAttention.from_config(config, layer=0).eval()
    x = torch.randn(1, 63, 16)
    at = geometry(config, (7, 9), module)
    sample = module.aggregate(x, at).sample
    before = sample.clone()
    sample.zero_()
    assert torch.equal(module.aggregate(x, at).sample, before)


@pytest.mark.parametrize("method", ["stratified", "strips", "grid", "random"])
def test_large_seeds_are_accepted(method):
    for seed in (0, 2**63 - 1):
        config = WIDE.replace(seed=seed, sampling=method, keep_ratio=0.12, subsample=3)
        sample = eval_sample(config, (6, 6), 10**6)
        assert len(set(sample.tolist())) == 12


@given(st.integers(1, 30), st.integers(1, 30))
def test_number_of_centers_and_samples(height, width):
    config = WIDE.replace(channels=16, keep_ratio=0.03)
    layer = SelectiveAggregationAttention.from_config(config, layer=0).eval()
    got = layer.aggregate(torch.randn(1, height * width, 16), geometry(config, (height, width), layer))
    k = reference.n_centers(0.03, height * width)
    assert got.centers.shape == (1, k) and got.sample.shape == (1, reference.n_samples(height * width, k, 4))


def test_under_autocast_the_choice_is_that_of_float32():
    config = WIDE.replace(channels=32)
    layer = SelectiveAggregationAttention.from_config(config, layer=0).eval()
    x = torch.randn(2, 120, 32)
    with torch.no_grad():
        at = geometry(config, (10, 12), layer)
        single, expected = layer(x, at)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            cast, chosen = layer(x, at)
    for a, b in zip(chosen, expected, strict=True):
        assert torch.equal(a, b)
    assert cast.dtype == torch.bfloat16
    assert_close(cast.float(), single, 0.05)


def test_image_and_token_layouts():
    image = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    assert to_tokens(image)[1, 7].tolist() == image[1, :, 1, 2].tolist()
    assert torch.equal(to_image(to_tokens(image), (4, 5)), image)
