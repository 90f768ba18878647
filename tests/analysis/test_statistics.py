"""Exponents of power laws and rank correlation: closed forms, and how often an interval covers the truth."""

import numpy as np
import pytest
import torch

from satlib import theory
from satlib.analysis import statistics
from satlib.analysis.statistics import local_slopes, loglog_slope, rank_correlation


def test_the_theory_names_the_same_functions() -> None:
    for name in ("Slope", "loglog_slope", "local_slopes", "rank_correlation"):
        assert getattr(theory, name) is getattr(statistics, name)


def test_loglog_slope_of_a_power_law_is_exact() -> None:
    x = np.array([1.0, 2, 4, 8])
    slope = loglog_slope(x, np.repeat((3 * x**1.5)[:, None], 4, axis=1))
    assert slope == pytest.approx((1.5, 1.5, 1.5))
    assert loglog_slope([2, 4], [5, 5]) == pytest.approx((0, 0, 0))
    assert local_slopes(x, 3 * x**1.5) == pytest.approx([1.5] * 3)
    assert local_slopes([1, 2, 8], [1, 2, 2]) == pytest.approx([1, 0])


def test_loglog_slope_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng, x = np.random.default_rng(0), np.array([1.0, 2, 4, 8, 16])
    inside = 0
    for seed in range(200):
        y = x[:, None] ** -0.5 * np.exp(rng.normal(size=(5, 30)))
        slope = loglog_slope(x, y, n_boot=200, seed=seed)
        assert slope.low <= slope.value <= slope.high
        inside += slope.low <= -0.5 <= slope.high
    assert 0.88 <= inside / 200 <= 0.99
    assert loglog_slope(x, y, seed=3) == loglog_slope(x, y, seed=3)


@pytest.mark.parametrize(
    ("x", "y", "name"), [([1, 1], [1, 2], "x"), ([1, 2], [0, 1], "y"), ([1, 2], [1, 2, 3], "y"), ([-1, 2], [1, 2], "x")]
)
def test_loglog_slope_names_the_bad_argument(x: list[float], y: list[float], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must"):
        loglog_slope(x, y)


def test_rank_correlation_shares_ranks_of_ties() -> None:
    assert rank_correlation([1, 2, 3], [10, 100, 1000]) == pytest.approx(1)
    assert rank_correlation([1, 2, 3], [3, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 2, 2, 3], [1, 2, 3, 4]) == pytest.approx(0.9486833)
    assert rank_correlation([1, 1], [1, 2]) == 0


@pytest.mark.parametrize("n", [2, 7, 100])
def test_rank_correlation_of_distinct_values_is_the_correlation_of_their_places(n: int) -> None:
    both = torch.rand(2, n, generator=torch.Generator().manual_seed(n))
    places = both.argsort(1).argsort(1).double()
    assert rank_correlation(both[0], both[1]) == pytest.approx(float(torch.corrcoef(places)[0, 1]))


@pytest.mark.parametrize(("a", "b"), [([1], [1]), ([1, 2], [1, 2, 3])])
def test_rank_correlation_needs_two_sequences_of_one_length(a: list[float], b: list[float]) -> None:
    with pytest.raises(ValueError, match="two sequences of equal length"):
        rank_correlation(a, b)
