"""The measured error: closed forms, exact zeros, invariances, an independent slow loop, and the proved bounds."""

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import theory
from satlib.theory.baselines import random_center_errors, trivial_error
from satlib.theory.repaired import diameter, merge_shift
from satlib.theory.study.common import projections

ZERO = np.zeros((2, 2))
EYE = np.eye(2)


def duplicates(a: int, b: int) -> np.ndarray:
    return np.array([[1.0, 0.0]] * a + [[0.0, 1.0]] * b)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 60), st.integers(1, 60))
def test_two_duplicate_clusters_have_their_closed_form(a: int, b: int) -> None:
    if a + b < 3:
        return
    found = theory.decompose_error(duplicates(a, b), ZERO, ZERO, EYE, n_centers=2, n_samples=a + b, neighbors=1)
    expected = sqrt(a + b) * abs(0.5 - a / (a + b))
    assert found.attention / sqrt(2) == pytest.approx(expected, abs=1e-12)
    assert found.attention <= theory.size_bias_bound([a, b], EYE) + 1e-12
    biased = theory.decompose_error(
        duplicates(a, b), ZERO, ZERO, EYE, n_centers=2, n_samples=a + b, neighbors=1, size_bias=True
    )
    assert biased.attention == pytest.approx(0, abs=1e-12)


def test_two_clusters_reach_the_size_bias_bound() -> None:
    """With the small cluster's logit higher by log(n1 / n2) / 2 the closed form is exactly tanh(log(n1 / n2) / 4)."""
    gap = np.log(16) / 2
    x = duplicates(4, 64)
    # Every query is (1, 0) times the gap; d_q = 2, so that the scale is 1 / sqrt(2).
    w_q = np.array([[gap * sqrt(2), 0], [gap * sqrt(2), 0]])
    found = theory.decompose_error(x, w_q, EYE, EYE, n_centers=2, n_samples=68, neighbors=1)
    assert found.attention == pytest.approx(theory.size_bias_bound([4, 64], EYE), rel=1e-12)


def test_all_tokens_sampled_means_no_cluster_error() -> None:
    m = theory.make_mixture(100, 5, sigma=0.1, size_ratio=4)
    found = theory.decompose_error(
        m.x, *projections(32, 0), n_centers=7, n_samples=100, neighbors=3, labels=m.labels, seeds=(0, 1, 2)
    )
    assert (found.cluster == 0).all()
    assert (found.total == found.attention).all()
    assert (found.shared_centers == 1).all() and (found.unsampled == 0).all()


@pytest.mark.parametrize("aggregation", ["similarity", "mean", "center"])
@pytest.mark.parametrize("restoration", ["max", "mean", "none"])
@pytest.mark.parametrize("size_bias", [False, True])
def test_all_tokens_kept_means_no_attention_error(aggregation: str, restoration: str, size_bias: bool) -> None:
    x = theory.make_mixture(40, 40, sigma=0.0, separation=0.3).x
    found = theory.decompose_error(
        x,
        *projections(32, 0),
        n_centers=40,
        n_samples=40,
        neighbors=3,
        aggregation=aggregation,
        norm_restoration=restoration,
        size_bias=size_bias,
    )
    assert found.attention < 1e-12 * found.exact_norm


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 6), st.integers(0, 100), st.booleans(), st.sampled_from(["similarity", "mean", "center"]))
def test_triangle_inequality_and_scale_invariance(k: int, seed: int, size_bias: bool, aggregation: str) -> None:
    m = theory.make_mixture(64, k, sigma=0.1, size_ratio=3, seed=seed)
    w_q, w_k, w_v = projections(32, seed)
    options = {
        "n_centers": k,
        "n_samples": 4 * k,
        "neighbors": 2,
        "size_bias": size_bias,
        "aggregation": aggregation,
        "labels": m.labels,
        "seeds": range(3),
    }
    found = theory.decompose_error(m.x, w_q, w_k, w_v, **options)
    assert (found.total <= found.cluster + found.attention + 1e-12).all()
    assert (abs(found.cluster - found.attention) <= found.total + 1e-12).all()
    values = theory.decompose_error(m.x, w_q, w_k, 7 * w_v, **options)
    assert values.total == pytest.approx(7 * found.total, rel=1e-9)
    assert values.attention == pytest.approx(7 * found.attention, rel=1e-9)
    assert values.value_norm == pytest.approx(7 * found.value_norm)
    for scale in (1e-9, 3.0, 1e9):  # beyond the guards of satlib.dta
        scaled = theory.decompose_error(scale * m.x, w_q / scale, w_k / scale, w_v / scale, **options)
        assert scaled.total == pytest.approx(found.total, rel=1e-6)
        assert (scaled.shared_centers == found.shared_centers).all()


def slow_error(x, w_q, w_k, w_v, *, k, sample, m, tau, size_bias):
    """Total error by loops: similarity weights, norms restored to the largest."""
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    s = (1 + unit @ unit.T) / 2
    inside = s[np.ix_(sample, sample)]
    rho = np.array([np.sort(np.delete(row, i))[-m:].mean() for i, row in enumerate(inside)])
    gamma = rho * theory.separation(inside, rho)
    centers = sample[np.argsort(-gamma, kind="stable")[:k]]
    owner = s[:, centers].argmax(1)
    keys, counts = [], []
    for c in range(k):
        members = np.flatnonzero(owner == c)
        weight = np.exp(s[members, centers[c]] / tau)
        token = weight @ x[members] / weight.sum()
        keys.append(token / np.linalg.norm(token) * np.linalg.norm(x, axis=1).max())
        counts.append(len(members))
    compressed = attention(x @ w_q, np.array(keys) @ w_k, np.array(keys) @ w_v, np.log(counts) * size_bias)
    return np.linalg.norm(compressed - attention(x @ w_q, x @ w_k, x @ w_v, 0))


def attention(q, k, v, bias):
    logits = q @ k.T / sqrt(q.shape[1]) + bias
    weight = np.exp(logits - logits.max(1, keepdims=True))
    return weight / weight.sum(1, keepdims=True) @ v


@pytest.mark.parametrize("size_bias", [False, True])
@pytest.mark.parametrize("method", ["uniform", "stratified", "grid"])
def test_total_error_against_a_slow_loop(method: str, size_bias: bool) -> None:
    rng = np.random.default_rng(3)
    x, w_v = rng.normal(size=(50, 6)), rng.normal(size=(6, 9))
    w_q, w_k = rng.normal(size=(2, 6, 4)) / 3
    found = theory.decompose_error(
        x,
        w_q,
        w_k,
        w_v,
        n_centers=5,
        n_samples=20,
        neighbors=3,
        method=method,
        temperature=0.3,
        size_bias=size_bias,
        seeds=(4, 5),
    )
    for total, seed in zip(found.total, (4, 5), strict=True):
        sample = theory.sample_indices(50, 20, method=method, seed=seed)
        slow = slow_error(x, w_q, w_k, w_v, k=5, sample=sample, m=3, tau=0.3, size_bias=size_bias)
        assert total == pytest.approx(slow, rel=1e-9)


def test_many_seeds_equal_single_ones() -> None:
    m = theory.make_mixture(600, 8, sigma=0.05)
    options = {"n_centers": 8, "n_samples": 32, "neighbors": 2, "labels": m.labels}
    together = theory.decompose_error(m.x, *projections(32, 0), seeds=range(40), **options)
    for seed in (0, 17, 39):
        alone = theory.decompose_error(m.x, *projections(32, 0), seeds=(seed,), **options)
        assert together.total[seed] == pytest.approx(alone.total[0], rel=1e-9)
        assert together.missed[seed] == alone.missed[0] and together.unsampled[seed] == alone.unsampled[0]


@settings(deadline=None, max_examples=25)
@given(
    st.integers(2, 8),
    st.floats(0, 0.1),
    st.floats(1, 10),
    st.sampled_from(["similarity", "mean", "center"]),
    st.booleans(),
    st.sampled_from(["max", "none"]),
    st.integers(0, 500),
)
def test_repaired_theorem(
    k: int, sigma: float, ratio: float, aggregation: str, size_bias: bool, restoration: str, seed: int
) -> None:
    """One centre per cluster exactly when every cluster is sampled, and then the error stays below its bound."""
    m = theory.make_mixture(160, k, sigma=sigma, size_ratio=ratio, seed=seed)
    apart = theory.estimate_constants(m.x, n_centers=k, neighbors=1, labels=m.labels)
    assert apart.separation >= 0.6
    w = projections(32, seed)
    found = theory.decompose_error(
        m.x,
        *w,
        n_centers=k,
        n_samples=min(160, 5 * k),
        neighbors=2,
        aggregation=aggregation,
        size_bias=size_bias,
        norm_restoration=restoration,
        labels=m.labels,
        seeds=range(5),
    )
    if theory.separates(sigma, apart.separation, diameter(m.x)):
        assert ((found.missed == 0) == (found.unsampled == 0)).all()
    bound = theory.covered_bound(
        m.x,
        *w,
        sigma=sigma,
        sizes=m.sizes,
        aggregation=aggregation,
        size_bias=size_bias,
        norm_restoration=restoration,
    )
    assert bound.total == pytest.approx(bound.size + bound.spread + bound.merging)
    assert (found.total[found.missed == 0] <= bound.total + 1e-9).all()


@pytest.mark.parametrize("aggregation", ["similarity", "mean", "center"])
def test_aggregated_tokens_stay_within_the_shift(aggregation: str) -> None:
    """The step that gives sigma^3 / tau: how far a weighted mean lies from the plain one."""
    sigma, tau = 0.3, 0.05
    x = theory.make_mixture(50, 1, sigma=sigma).x
    s = theory.similarity(x)
    for center in range(50):
        weight = np.exp(s[center] / tau) if aggregation == "similarity" else np.ones(50)
        token = x[center] if aggregation == "center" else weight @ x / weight.sum()
        assert np.linalg.norm(token - x.mean(0)) <= merge_shift(sigma, aggregation, tau) + 1e-12
        assert merge_shift(sigma, "similarity", tau) <= sigma**3 / (2 * tau)


def test_mean_aggregation_does_not_depend_on_a_covering_draw() -> None:
    m = theory.make_mixture(200, 4, sigma=0.05, size_ratio=2)
    found = theory.decompose_error(
        m.x,
        *projections(32, 0),
        n_centers=4,
        n_samples=80,
        neighbors=2,
        aggregation="mean",
        labels=m.labels,
        seeds=range(20),
    )
    assert (found.missed == 0).all() and (found.shared_centers < 1).any()
    assert found.cluster.max() < 1e-12 * found.exact_norm


def test_baselines() -> None:
    x = duplicates(3, 9)
    assert trivial_error(x, ZERO, ZERO, EYE) == pytest.approx(0, abs=1e-12)
    errors = random_center_errors(x, ZERO, ZERO, EYE, n_centers=2, seeds=range(30))
    in_both = [len({int(i) // 3 > 0 for i in theory.sample_indices(12, 2, seed=s)}) == 2 for s in range(30)]
    assert 0 < sum(in_both) < 30
    assert errors[in_both] == pytest.approx(sqrt(12) * sqrt(2) * 0.25)  # the closed form of 3 : 9
    m = theory.make_mixture(30, 3)
    assert random_center_errors(m.x, *projections(32, 0), n_centers=30) == pytest.approx(0, abs=1e-12)
    assert trivial_error(m.x, *projections(32, 0)) > 0.1


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"n_centers": 0}, "n_centers"),
        ({"n_centers": 21}, "n_centers"),
        ({"n_samples": 31}, "n_samples"),
        ({"neighbors": 20}, "neighbors"),
        ({"neighbors": 0}, "neighbors"),
        ({"method": "strips"}, "method"),
        ({"aggregation": "max"}, "aggregation"),
        ({"norm_restoration": "l2"}, "norm_restoration"),
        ({"temperature": 0.0}, "temperature"),
        ({"labels": [0, 1]}, "labels"),
        ({"seeds": ()}, "seeds"),
        ({"w_q": np.zeros((3, 3))}, "w_q"),
        ({"w_k": np.zeros((2, 3))}, "w_k"),
        ({"x": np.zeros(3)}, "x"),
    ],
)
def test_decompose_error_names_the_bad_argument(change: dict[str, object], name: str) -> None:
    good = {
        "x": duplicates(10, 20),
        "w_q": EYE,
        "w_k": EYE,
        "w_v": EYE,
        "n_centers": 2,
        "n_samples": 20,
        "neighbors": 2,
    }
    with pytest.raises(ValueError, match=f"^{name} "):
        theory.decompose_error(**{**good, **change})


def test_tensors_and_zero_tokens_are_accepted() -> None:
    x = torch.zeros(6, 2)
    x[0, 0] = 1
    found = theory.decompose_error(x, torch.eye(2), torch.eye(2), torch.eye(2), n_centers=2, n_samples=6, neighbors=1)
    assert np.isfinite(found.total).all()
