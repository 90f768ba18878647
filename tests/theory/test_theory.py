"""The theorem's terms, coverage probabilities, Lemma 1's radius, envelopes: closed forms and counting."""

import itertools
from math import comb, exp, log, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import theory


def test_bound_terms_at_a_known_point() -> None:
    terms = theory.bound_terms(1024, 32, 128, 0.5, 32.0, delta=0.05)
    assert terms == pytest.approx((13.8465471, 1.0, 14.8465471), abs=5e-8)
    assert terms.total == terms.cluster + terms.attention


def test_bound_terms_follow_equation_1() -> None:
    terms = theory.bound_terms(100, 5, 20, 2.0, 3.0, delta=0.1, c1=1.5, c2=0.25)
    assert terms.cluster == pytest.approx(1.5 * 2 * sqrt(100 * 5 * log(10) / 20))
    assert terms.attention == pytest.approx(0.25 * 3 * 5 / 100)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"n_centers": 0}, "n_centers"),
        ({"n_centers": 200}, "n_centers"),
        ({"n_samples": 2000}, "n_samples"),
        ({"delta": 0.0}, "delta"),
        ({"delta": 1.0}, "delta"),
        ({"lipschitz": -1.0}, "lipschitz"),
        ({"value_norm": float("nan")}, "value_norm"),
        ({"c1": -1.0}, "c1"),
        ({"n_tokens": 0}, "n_tokens"),
    ],
)
def test_bound_terms_name_the_bad_argument(change: dict[str, float], name: str) -> None:
    good = {"n_tokens": 1024, "n_centers": 32, "n_samples": 128, "lipschitz": 0.5, "value_norm": 32.0}
    with pytest.raises(ValueError, match=name):
        theory.bound_terms(**{**good, **change})


def test_hoeffding_radius_is_vacuous_at_the_training_size() -> None:
    assert theory.hoeffding_radius(488, 12, 0.05) == pytest.approx(sqrt(2 * log(976 / 0.05) / 12))
    assert theory.hoeffding_radius(488, 12, 0.05) > 1
    assert theory.hoeffding_radius(6144, 153, 0.05) < 1  # a 160 x 320 image


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((1, 1, 0.1), "n_samples"),
        ((10, 10, 0.1), "neighbors"),
        ((10, 0, 0.1), "neighbors"),
        ((10, 2, 0.0), "delta"),
        ((10, 2, 1.5), "delta"),
    ],
)
def test_hoeffding_radius_names_the_bad_argument(arguments: tuple[int, int, float], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        theory.hoeffding_radius(*arguments)


def missed_by_listing(sizes: list[int], n_samples: int) -> tuple[float, float]:
    """Return the sum of the clusters' miss probabilities and P(any missed), by listing every draw."""
    labels = [k for k, n in enumerate(sizes) for _ in range(n)]
    draws = [set(draw) for draw in itertools.combinations(labels, n_samples)]
    each = [sum(k not in draw for draw in draws) / len(draws) for k in range(len(sizes))]
    return sum(each), sum(len(draw) < len(sizes) for draw in draws) / len(draws)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_coverage_against_listing_every_draw(sizes: list[int], data: st.DataObject) -> None:
    n_samples = data.draw(st.integers(1, sum(sizes)))
    bound, probability = missed_by_listing(sizes, n_samples)
    assert theory.missed_cluster_bound(sizes, n_samples) == pytest.approx(bound)
    assert theory.missed_cluster_probability(sizes, n_samples) == pytest.approx(probability)


def test_missed_cluster_bound_is_hypergeometric() -> None:
    assert theory.missed_cluster_bound([64] * 16, 64) == pytest.approx(16 * comb(960, 64) / comb(1024, 64))
    assert theory.missed_cluster_bound(np.array([3, 5]), 8) == 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=12), st.floats(0, 1))
def test_coverage_inequalities(sizes: list[int], share: float) -> None:
    """P(missed) <= sum of C(N - n, S) / C(N, S) <= sum of exp(-S n / N)."""
    n_samples = max(1, int(share * sum(sizes)))
    bound = theory.missed_cluster_bound(sizes, n_samples)
    assert theory.missed_cluster_probability(sizes, n_samples) <= bound * (1 + 1e-12)
    assert bound <= sum(exp(-n_samples * n / sum(sizes)) for n in sizes) * (1 + 1e-12)


@pytest.mark.parametrize(
    ("sizes", "n_samples", "name"),
    [([], 1, "sizes"), ([0, 2], 1, "sizes"), ([2.5], 1, "sizes"), ([2, 2], 5, "n_samples"), ([2, 2], 0, "n_samples")],
)
def test_coverage_names_the_bad_argument(sizes: list[float], n_samples: int, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        theory.missed_cluster_bound(sizes, n_samples)


def test_size_bias_bound() -> None:
    values = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert theory.size_bias_bound([10, 10], values) == 0
    expected = sqrt(68) * 5 * np.tanh(np.log(16) / 4)
    assert theory.size_bias_bound([4, 64], torch.from_numpy(values)) == pytest.approx(expected)
    with pytest.raises(ValueError, match="sizes"):
        theory.size_bias_bound([0, 3], values)


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 10_000))
def test_reweighting_moves_a_distribution_by_at_most_tanh_of_a_quarter(n: int, seed: int) -> None:
    """The fact that all repaired bounds rest on."""
    rng = np.random.default_rng(seed)
    p, w = rng.dirichlet(np.ones(n)), np.exp(rng.normal(size=n) * 3)
    q = p * w / (p @ w)
    distance = abs(p - q).sum() / 2
    assert distance <= np.tanh(np.log(w.max() / w.min()) / 4) + 1e-12


@settings(deadline=None)
@given(st.integers(1, 8), st.integers(0, 10_000))
def test_softmax_is_lipschitz_with_one_half(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = torch.from_numpy(rng.normal(size=(2, n)) * rng.exponential(3))
    moved = (a.softmax(0) - b.softmax(0)).norm()
    assert moved <= 0.5 * (a - b).norm() + 1e-12


def test_softmax_reaches_one_half() -> None:
    a = torch.tensor([1e-4, -1e-4], dtype=torch.float64)
    assert (a.softmax(0) - 0.5).norm() / a.norm() == pytest.approx(0.5, rel=1e-6)


def test_envelope_of_one_term_is_the_largest_ratio() -> None:
    assert theory.fit_envelope([1, 2, 9], [[1], [4], [3]]) == pytest.approx([3.0])


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 1000), st.integers(1, 4))
def test_envelope_lies_above_and_no_random_one_is_smaller(seed: int, p: int) -> None:
    rng = np.random.default_rng(seed)
    terms, errors = rng.exponential(size=(20, p)) + 1e-3, rng.exponential(size=20)
    fitted = theory.fit_envelope(errors, terms)
    assert fitted.shape == (p,) and fitted.min() >= 0
    assert (terms @ fitted >= errors).all()
    for other in rng.exponential(size=(200, p)):
        other *= (errors / (terms @ other)).max()  # the smallest multiple that lies above
        assert terms.sum(0) @ fitted <= terms.sum(0) @ other * (1 + 1e-7)


def test_envelope_ignores_a_useless_term_and_scales() -> None:
    errors, terms = np.array([1.0, 2.0]), np.array([[1.0, 0.0], [2.0, 0.0]])
    assert theory.fit_envelope(errors, terms) == pytest.approx([1, 0])
    assert theory.fit_envelope(1e-9 * errors, 1e6 * terms) == pytest.approx([1e-15, 0])


@pytest.mark.parametrize(
    ("errors", "terms", "name"),
    [([1, 1], [[1], [0]], "terms"), ([1], [[-1]], "terms"), ([-1], [[1]], "errors"), ([1, 2], [[1]], "errors")],
)
def test_envelope_names_the_bad_argument(errors: list[float], terms: list[list[float]], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        theory.fit_envelope(errors, terms)
