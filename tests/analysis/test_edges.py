"""`satlib.analysis.edges`: shares of centres against slow counts, chance where it must come out, and intervals."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import SAT, SATConfig, trace
from satlib.analysis import edges
from satlib.analysis.edges import edge_strength
from satlib.analysis.statistics import interval
from satlib.dta.sampling import cell_labels


def photo(height: int = 14, width: int = 11, seed: int = 0) -> torch.Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed))


@given(st.integers(2, 9), st.integers(2, 9), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_ranks_order_the_strongest_gradient_within_reach(height, width, reach):
    image = photo(height, width)
    strength = edge_strength(image).view(height, width)
    near = [
        max(
            strength[r, c].item()
            for r in range(max(0, y - reach), min(height, y + reach + 1))
            for c in range(max(0, x - reach), min(width, x + reach + 1))
        )
        for y in range(height)
        for x in range(width)
    ]
    rank = edges.gradient_rank(image, reach=reach)
    order = sorted(range(len(near)), key=lambda i: (near[i], i))
    expected = torch.empty(len(near), dtype=torch.float64)
    expected[order] = (torch.arange(len(near)).double() + 0.5) / len(near)
    torch.testing.assert_close(rank, expected)
    assert rank.mean() == pytest.approx(0.5)


def test_all_tokens_as_centres_give_chance_everywhere():
    images = [photo(10, 10), photo(20, 15, 1)]
    everywhere = [torch.arange(image[0].numel()).expand(2, 3, -1) for image in images]
    for share in (0.1, 0.3, 1.0):
        found = edges.edge_shares(everywhere, images, share=share, reach=1)
        torch.testing.assert_close(found, torch.full((3, 2, 2), share, dtype=torch.float64))
    torch.testing.assert_close(edges.decile_shares(everywhere, images), torch.ones(10, 3, 2, 2, dtype=torch.float64))
    torch.testing.assert_close(edges.cell_shares(everywhere, images), torch.ones(3, 2, 2, dtype=torch.float64))


def test_shares_equal_slow_counts():
    image = photo()
    random = torch.Generator().manual_seed(3)
    chosen = torch.randint(image[0].numel(), (2, 4, 9), generator=random)  # (D, L, K)
    rank, cells = edges.gradient_rank(image), cell_labels((14, 11), 9)
    shares = edges.edge_shares([chosen, chosen], [image, image], share=0.25)
    covered = edges.cell_shares([chosen, chosen], [image, image])
    assert shares.shape == covered.shape == (4, 2, 2)
    for draw in range(2):
        for layer in range(4):
            tokens = chosen[draw, layer].tolist()
            assert shares[layer, 1, draw].item() == pytest.approx(sum(rank[t].item() > 0.75 for t in tokens) / 9)
            assert covered[layer, 0, draw].item() == pytest.approx(len({int(cells[t]) for t in tokens}) / 9)


def test_deciles_are_the_parts_of_all_centres():
    image = photo()
    chosen = torch.randint(image[0].numel(), (2, 3, 20), generator=torch.Generator().manual_seed(4))
    tenths = edges.decile_shares([chosen, chosen], [image, image])
    torch.testing.assert_close(tenths.mean(0), torch.ones(3, 2, 2, dtype=torch.float64))
    torch.testing.assert_close(tenths[9] / 10, edges.edge_shares([chosen, chosen], [image, image], share=0.1))


def test_layer_centers_are_those_of_the_trace():
    config = SATConfig.preset("sat-tiny", scale=2, channels=16, groups=(1, 1))
    models = [SAT(config.replace(seed=seed)).eval() for seed in (0, 1)]
    images = [photo(12, 12), photo(16, 10)]
    found = edges.layer_centers(models, images)
    assert [tuple(t.shape) for t in found] == [(2, 2, 4), (2, 2, 4)]
    for image, centers in zip(images, found, strict=True):
        for model, drawn in zip(models, centers, strict=True):
            expected = [layer.aggregation.centers[0] for layer in trace(model, image)]
            assert torch.equal(drawn, torch.stack(expected))


def test_the_interval_of_equal_values_is_a_point():
    found = interval(torch.full((4, 5, 3), 0.25))
    for ends in found:
        torch.testing.assert_close(ends, torch.full((4,), 0.25, dtype=torch.float64))


def test_the_interval_has_the_width_of_the_standard_error_and_covers_the_mean():
    random = torch.Generator().manual_seed(5)
    per_image = torch.randn(200, 60, 1, generator=random)  # 200 studies of 60 images each, all draws alike
    found = interval(per_image.expand(-1, -1, 2), resamples=500)
    expected = 2 * 1.96 / math.sqrt(60)
    assert (found.high - found.low).mean().item() == pytest.approx(expected, rel=0.05)
    covered = ((found.low <= 0) & (found.high >= 0)).double().mean().item()
    assert 0.88 < covered <= 0.99


def test_intervals_repeat_and_are_compared_with_a_number():
    values = torch.arange(12.0).view(4, 3)
    assert interval(values) == interval(values)
    found = interval(values)
    assert (found.compared(), found.compared(100), found.compared(5.5)) == (
        "above",
        "below",
        "not distinguishable from",
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edges.gradient_rank(photo(), reach=-1), "reach must not be negative, got -1"),
        (lambda: edges.edge_shares([], [], share=0), r"share must be in \(0, 1\], got 0"),
        (lambda: edges.gradient_rank(photo(), reach=1.5), "reach must be an integer, got 1.5"),
        (lambda: interval(torch.ones(1, 3)), "two images at least"),
        (lambda: interval(torch.ones(2, 0)), r"two images at least, got \(2, 0\)"),
        (lambda: interval(torch.ones(2, 3), resamples=0), "resamples must be an integer of at least 1, got 0"),
        (lambda: interval(torch.ones(2, 3, 3)).compared(), "one interval"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
