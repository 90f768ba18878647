"""Other networks by formula: against a counter where one knows the network, else against what is published."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from satlib.complexity import low_resolution
from satlib.complexity.measured import multiply_adds, operations
from satlib.complexity.peers import Cost, arithmetic, as_its_authors_count, cat, counts, hat, ipg, pft, swinir
from satlib.complexity.peers.pft import GROUPS, KEPT, pairs
from satlib.results import paper

SCALES = (2, 3, 4)


def printed(method, scale, column):
    return paper.table("1").number({"method": method, "scale": scale}, column)


def counted(network, *shape):
    """Return the cost of a network of layers that runs on zeros of a shape."""
    found = operations(network, torch.zeros(shape))
    return Cost(sum(p.numel() for p in network.parameters()), found.linear + found.convolution, found.normalised)


# Layers --------------------------------------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(1, 8), st.integers(1, 8), st.booleans())
def test_a_linear_layer_and_a_norm_cost_what_is_counted(places, inputs, outputs, bias):
    layer = nn.Linear(inputs, outputs, bias=bias)
    assert arithmetic.linear(places, inputs, outputs, bias=bias) == counted(layer, 1, places, inputs)
    assert arithmetic.norm(places, inputs) == counted(nn.LayerNorm(inputs), 1, places, inputs)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.sampled_from([1, 3, 7]))
def test_a_convolution_costs_what_is_counted(height, width, channels, kernel):
    full = nn.Conv2d(channels, 2 * channels, kernel, padding=kernel // 2)
    each = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
    places = height * width
    shape = (1, channels, height, width)
    assert arithmetic.conv(places, channels, 2 * channels, kernel) == counted(full, *shape)
    assert arithmetic.depthwise(places, channels, kernel) == counted(each, *shape)


@pytest.mark.parametrize("scale", SCALES)
def test_what_is_around_the_groups_costs_what_is_counted(scale):
    features, channels, steps = 8, 12, (3,) if scale == 3 else (2,) * (scale // 2)
    shuffles = [
        layer
        for factor in steps
        for layer in (nn.Conv2d(features, features * factor**2, 3, padding=1), nn.PixelShuffle(factor))
    ]
    convolutions = nn.Sequential(
        nn.Conv2d(3, channels, 3, padding=1),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.Conv2d(channels, features, 3, padding=1),
        *shuffles,
        nn.Conv2d(features, 3, 3, padding=1),
    )
    expected = counted(convolutions, 1, 3, 5, 4) + arithmetic.norm(20, channels) * 2
    assert arithmetic.around(20, channels, scale, features) == expected


def test_another_scale_is_an_error_that_names_it():
    with pytest.raises(ValueError, match="scale must be 2, 3 or 4, got 5"):
        arithmetic.around(20, 12, 5)


# Networks that a counter knows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize(("method", "formula"), [("SwinIR", swinir), ("HAT", hat)])
@pytest.mark.parametrize(("output", "peers"), [((1280, 640), paper.peers()), ((512, 512), paper.peers_as_timed())])
def test_formulas_give_what_a_counter_found_in_the_built_network(method, formula, scale, output, peers):
    cost = formula(scale, low_resolution(output, scale))
    (peer,) = (p for p in peers if (p.method, p.scale) == (method, scale))
    assert (cost.params, cost.published, cost.total) == (peer.params, peer.published, peer.total)


# Networks that it does not know --------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", SCALES)
def test_parameters_are_those_of_table_1(scale):
    grid = (64, 64)
    found = {"PFT": pft(scale, grid), "CAT-A": cat(scale, grid), "IPG": ipg(scale, grid)}
    for method, cost in found.items():
        assert round(cost.params / 1e6, 1) == printed(method, scale, "params (M)"), method


def test_without_its_convolutions_ipg_is_smaller_than_table_1_says():
    without = ipg(4, (64, 64), convolutions=False)
    assert round(without.params / 1e6, 1) == 17.0 < printed("IPG", 4, "params (M)")
    assert without.products == ipg(4, (64, 64)).products


@pytest.mark.parametrize(("scale", "grid"), [(2, (360, 640)), (3, (240, 426)), (4, (180, 320))])
def test_the_flops_printed_for_pft_are_its_authors_count_at_1280_x_720(scale, grid):
    assert round(as_its_authors_count(grid) / 1e12, 2) == printed("PFT", scale, "FLOPs (T)")
    smaller = (grid[0] * 8 // 9, grid[1])  # 640 rows of output instead of 720
    assert as_its_authors_count(smaller) / 1e12 < 0.9 * printed("PFT", scale, "FLOPs (T)")


def test_pft_keeps_the_pairs_of_the_layer_before_last():
    left = {0: 1024, 1: 1024}  # of windows in place, and of shifted ones
    for layer, (met, kept) in enumerate(pairs()):
        assert met == left[layer % 2]
        assert kept == KEPT[layer] <= met
        left[layer % 2] = kept
    assert len(pairs()) == sum(GROUPS)
    assert all(depth % 2 == 0 for depth in GROUPS)  # windows in place and shifted alternate across groups, too


def test_without_choice_pft_pays_for_all_pairs_of_a_window():
    class Window(nn.Module):
        def forward(self, q):  # (windows, heads, tokens, channels of a head)
            return (q @ q.mT) @ q

    grid, n_windows = (64, 96), 6
    everything = multiply_adds(lambda: Window()(torch.zeros(n_windows, 6, 1024, 40)))
    share = sum(q + v for q, v in pairs()) / (2 * 1024 * sum(GROUPS))
    assert pft(2, grid).products == round(sum(GROUPS) * everything * share)


def test_images_are_filled_up_to_whole_windows():
    assert pft(2, (33, 31)) == pft(2, (64, 32))
    assert ipg(2, (33, 31)) == ipg(2, (64, 32))
    assert cat(2, (33, 31)) == cat(2, (36, 32))


def test_twice_the_sides_make_eight_times_the_products_of_cat_and_four_times_those_of_the_others():
    for formula, times in ((cat, 8), (pft, 4), (ipg, 4)):
        small, large = formula(4, (96, 64)), formula(4, (192, 128))
        assert large.products == times * small.products
        assert large.macs == pytest.approx(4 * small.macs, rel=0.01)  # a few biases are counted once


def test_ipg_counts_the_pairs_that_it_computes_unless_told_how_many_it_needs():
    dense, sparse = ipg(2, (64, 64)), ipg(2, (64, 64), edges=256)
    assert dense.products - sparse.products == 36 * 2 * 64 * 64 * (1024 - 256) * 180
    assert (dense.params, dense.published) == (sparse.params, sparse.published)


def test_counts_are_of_the_output_that_is_asked_for():
    assert counts(2) == counts(2, (1280, 640))
    assert counts(4, (512, 512)) == {"PFT": pft(4, (128, 128)), "IPG": ipg(4, (128, 128)), "CAT-A": cat(4, (128, 128))}


def test_counts_of_another_scale_are_refused():
    with pytest.raises(ValueError, match="scale must be one of 2, 3, 4, got 0"):
        counts(0)
