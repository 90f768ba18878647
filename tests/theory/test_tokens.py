"""Synthetic tokens, draws, scores and the estimated constants."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import dta, theory
from satlib.theory.mixture import cluster_sizes
from satlib.theory.scores import scores


@settings(deadline=None, max_examples=40)
@given(
    st.integers(1, 8),
    st.integers(8, 150),
    st.floats(0, 0.2),
    st.floats(1, 20),
    st.sampled_from(["shuffle", "runs", "periodic"]),
    st.integers(0, 99),
)
def test_mixture_keeps_its_promises(k: int, n: int, sigma: float, ratio: float, layout: str, seed: int) -> None:
    m = theory.make_mixture(n, k, sigma=sigma, size_ratio=ratio, layout=layout, seed=seed)
    assert (m.x.shape, m.labels.shape, m.centers.shape, m.sizes.shape) == ((n, 32), (n,), (k, 32), (k,))
    assert np.linalg.norm(m.x, axis=1) == pytest.approx(np.ones(n), abs=1e-12)
    assert (np.linalg.norm(m.x - m.centers[m.labels], axis=1) <= sigma + 1e-15).all()
    assert (np.bincount(m.labels, minlength=k) == m.sizes).all()
    other = m.labels[:, None] != m.labels
    distance = np.linalg.norm(m.x[:, None] - m.x, axis=2)
    assert (distance[other] >= 0.6 - 1e-12).all()


def test_mixture_repeats_and_differs_by_seed() -> None:
    a, b, c = (theory.make_mixture(50, 3, seed=s) for s in (1, 1, 2))
    assert (a.x == b.x).all() and (a.labels == b.labels).all()
    assert not (a.x == c.x).all()


def test_mixture_without_spread_is_exact_duplicates() -> None:
    m = theory.make_mixture(40, 4, sigma=0)
    assert (m.x == m.centers[m.labels]).all()


def test_mixture_layouts() -> None:
    assert theory.make_mixture(6, 3, layout="runs").labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert theory.make_mixture(6, 3, layout="periodic").labels.tolist() == [0, 1, 2, 0, 1, 2]


def test_mixture_spans_the_intrinsic_dimension() -> None:
    m = theory.make_mixture(200, 1, sigma=0.01, intrinsic_dim=3)
    variance = np.linalg.svd(m.x - m.x.mean(0), compute_uv=False)
    assert variance[2] > 100 * variance[3]  # the fourth is the sphere's curvature


@settings(deadline=None)
@given(st.integers(1, 30), st.integers(0, 3000), st.floats(1, 100))
def test_cluster_sizes(k: int, extra: int, ratio: float) -> None:
    sizes = cluster_sizes(k + extra, k, ratio)
    assert sizes.sum() == k + extra and sizes.min() >= 1
    assert (np.diff(sizes) >= 0).all()


def test_cluster_sizes_have_the_ratio() -> None:
    assert cluster_sizes(34, 2, 16).tolist() == [2, 32]
    assert cluster_sizes(10, 3, 1).tolist() == [3, 3, 4]
    sizes = cluster_sizes(4096, 8, 16)
    assert sizes[-1] / sizes[0] == pytest.approx(16, rel=0.01)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"n_clusters": 0}, "n_clusters"),
        ({"n_clusters": 99}, "n_clusters"),
        ({"sigma": -0.1}, "sigma"),
        ({"separation": 1.9}, "separation"),
        ({"size_ratio": 0.5}, "size_ratio"),
        ({"layout": "rows"}, "layout"),
        ({"intrinsic_dim": 32}, "intrinsic_dim"),
        ({"dim": 1}, "dim"),
        ({"n_tokens": 0}, "n_tokens"),
    ],
)
def test_mixture_names_the_bad_argument(change: dict[str, float | str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        theory.make_mixture(**{"n_tokens": 50, "n_clusters": 3, **change})


@settings(deadline=None)
@given(st.integers(1, 300), st.data(), st.sampled_from(["uniform", "stratified", "grid"]), st.integers(0, 99))
def test_samples_are_sorted_and_distinct(n: int, data: st.DataObject, method: str, seed: int) -> None:
    s = data.draw(st.integers(1, n))
    sample = theory.sample_indices(n, s, method=method, seed=seed)
    assert sample.dtype == np.int64 and sample.shape == (s,)
    assert sample[0] >= 0 and sample[-1] < n and (np.diff(sample) > 0).all()
    assert (sample == theory.sample_indices(n, s, method=method, seed=seed)).all()


def test_stratified_takes_one_of_each_run_and_grid_its_middle() -> None:
    assert (theory.sample_indices(64, 16, method="stratified", seed=5) // 4).tolist() == list(range(16))
    assert (theory.sample_indices(63, 21, method="grid") == np.arange(1, 63, 3)).all()


def test_uniform_draws_are_uniform() -> None:
    count = np.bincount(np.concatenate([theory.sample_indices(20, 5, seed=s) for s in range(2000)]), minlength=20)
    assert abs(count / 2000 - 0.25).max() < 0.05


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((10, 11, "uniform"), "n_samples"), ((10, 0, "uniform"), "n_samples"), ((10, 5, "random"), "method")],
)
def test_sample_names_the_bad_argument(arguments: tuple[int, int, str], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        theory.sample_indices(*arguments[:2], method=arguments[2])


def separation_by_loop(s: np.ndarray, rho: np.ndarray, *, strict: bool) -> list[float]:
    out = []
    for i in range(len(rho)):
        denser = [j for j in range(len(rho)) if rho[j] > rho[i] or (not strict and rho[j] == rho[i] and j < i)]
        others = [j for j in range(len(rho)) if j != i]
        best = max(s[i, j] for j in denser) if denser else min((s[i, j] for j in others), default=1)
        out.append(1 - best)
    return out


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(0, 10_000), st.sampled_from(["rank", "strict"]))
def test_separation_against_a_loop(n: int, seed: int, ties: str) -> None:
    rng = np.random.default_rng(seed)
    s = theory.similarity(rng.normal(size=(n, 3)))
    rho = rng.integers(0, 4, n) / 4  # many ties
    expected = separation_by_loop(s, rho, strict=ties == "strict")
    assert theory.separation(s, rho, ties=ties) == pytest.approx(expected)


def test_separation_and_scores_are_those_of_dta() -> None:
    x = theory.make_mixture(60, 5, sigma=0.2).x
    unit = torch.from_numpy(x)[None]
    found = scores(unit, 4)
    s = theory.similarity(x)
    rho = np.sort(s - 2 * np.eye(60), axis=1)[:, -4:].mean(1)
    assert found.density[0].numpy() == pytest.approx(rho)
    assert found.separation[0].numpy() == pytest.approx(theory.separation(s, rho))
    assert 2 * found.separation[0].numpy() == pytest.approx(dta.separation(unit, dta.density(unit, 4))[0].numpy())


def test_separation_jumps_when_two_densities_swap() -> None:
    """Lemma 3's counter-example: a change of 2e-9 in the densities moves a separation by 0.4."""
    s = np.array([[1, 0.9, 0.5], [0.9, 1, 0.5], [0.5, 0.5, 1]])
    before = theory.separation(s, [0.7 + 1e-9, 0.7, 0.1], ties="strict")
    after = theory.separation(s, [0.7 - 1e-9, 0.7, 0.1], ties="strict")
    assert before == pytest.approx([0.5, 0.1, 0.5]) and after == pytest.approx([0.1, 0.5, 0.5])


@settings(deadline=None)
@given(st.integers(2, 12), st.data(), st.integers(0, 10_000))
def test_top_k_is_stable_within_half_the_margin(n: int, data: st.DataObject, seed: int) -> None:
    """The deterministic half of Lemma 4."""
    k = data.draw(st.integers(1, n - 1))
    rng = np.random.default_rng(seed)
    gamma = rng.random(n)
    ordered = np.sort(gamma)[::-1]
    moved = gamma + rng.uniform(-1, 1, n) * 0.499 * (ordered[k - 1] - ordered[k])
    assert set(np.argsort(gamma)[-k:]) == set(np.argsort(moved)[-k:])


def test_constants_against_loops() -> None:
    m = theory.make_mixture(30, 3, sigma=0.1, size_ratio=3)
    c = theory.estimate_constants(m.x, n_centers=3, neighbors=4, labels=m.labels)
    s = theory.similarity(m.x)
    rho = np.sort(s - 2 * np.eye(30), axis=1)[:, -4:].mean(1)
    pairs = [(i, j) for i in range(30) for j in range(i)]
    apart = {p: np.linalg.norm(m.x[p[0]] - m.x[p[1]]) for p in pairs}
    assert c.lipschitz == pytest.approx(max(abs(rho[i] - rho[j]) / apart[i, j] for i, j in pairs))
    assert c.separation == pytest.approx(min(apart[i, j] for i, j in pairs if m.labels[i] != m.labels[j]))
    gamma = np.sort(rho * theory.separation(s, rho))[::-1]
    assert c.margin == pytest.approx(gamma[2] - gamma[3])
    means = np.stack([m.x[m.labels == k].mean(0) for k in range(3)])
    assert c.sigma == pytest.approx(np.linalg.norm(m.x - means[m.labels], axis=1).max())
    assert (c.bound, c.similarity_lipschitz_bound) == pytest.approx((1, 0.5))
    assert c.size_ratio == m.sizes.max() / m.sizes.min()


@settings(deadline=None, max_examples=30)
@given(st.integers(3, 40), st.integers(0, 1000))
def test_similarity_lipschitz_never_exceeds_its_bound(n: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, 3))
    c = theory.estimate_constants(x, n_centers=2, neighbors=1)
    assert 0 < c.similarity_lipschitz <= c.similarity_lipschitz_bound * (1 + 1e-9)
    assert c.similarity_lipschitz_bound == pytest.approx(0.5 / np.linalg.norm(x, axis=1).min())


def test_constants_find_the_clusters_without_labels() -> None:
    m = theory.make_mixture(300, 6, sigma=0.02, size_ratio=5)
    with_labels = theory.estimate_constants(torch.from_numpy(m.x), n_centers=6, neighbors=3, labels=m.labels)
    assert theory.estimate_constants(m.x, n_centers=6, neighbors=3) == with_labels
    assert theory.estimate_constants(m.x, n_centers=300, neighbors=3).margin == float("inf")


def test_constants_of_few_pairs_bound_those_of_all_from_below() -> None:
    x = theory.make_mixture(100, 4, sigma=0.1).x
    few, every = (theory.estimate_constants(x, n_centers=4, neighbors=3, pairs=p) for p in (50, 10_000))
    assert few.lipschitz <= every.lipschitz


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"n_centers": 0}, "n_centers"),
        ({"neighbors": 30}, "neighbors"),
        ({"labels": [1]}, "labels"),
        ({"pairs": 0}, "pairs"),
    ],
)
def test_constants_name_the_bad_argument(change: dict[str, object], name: str) -> None:
    x = theory.make_mixture(30, 3).x
    with pytest.raises(ValueError, match=name):
        theory.estimate_constants(x, **{"n_centers": 3, "neighbors": 2, **change})
    with pytest.raises(ValueError, match="x must"):
        theory.estimate_constants(x[0], n_centers=3, neighbors=2)
