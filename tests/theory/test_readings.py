"""The assumptions as printed, scores of samples against all tokens, and the constants that each reading needs."""

from math import cos, log, sin, sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from satlib import theory
from satlib.theory import study
from satlib.theory.arrays import as_matrix
from satlib.theory.compression import compress
from satlib.theory.study.common import column

RESULTS = study.load_results()


def similarities(x: np.ndarray) -> np.ndarray:
    unit = x / np.linalg.norm(x, axis=1, keepdims=True)
    return (1 + unit @ unit.T) / 2


def slow_scores(x: np.ndarray, m: int, *, strict: bool) -> tuple[np.ndarray, np.ndarray]:
    """Densities and separations by loops over tokens; ``strict`` as printed, else ties by position."""
    s, n = similarities(x), len(x)
    rho = np.array([np.sort(np.delete(s[i], i))[-m:].mean() for i in range(n)])
    delta = np.zeros(n)
    for i in range(n):
        denser = [j for j in range(n) if rho[j] > rho[i] or (not strict and rho[j] == rho[i] and j < i)]
        others = [j for j in range(n) if j != i]
        delta[i] = 1 - (max(s[i, j] for j in denser) if denser else min(s[i, j] for j in others))
    return rho, delta


@settings(deadline=None, max_examples=30)
@given(st.integers(4, 15), st.integers(1, 3), st.integers(0, 1000))
def test_printed_margin_against_loops(n: int, m: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, 4))
    rho, delta = slow_scores(x, m, strict=True)
    gamma = np.sort(rho * delta)[::-1]
    for k in (1, 2, n - 1):
        found = theory.printed_margin(x, n_centers=k, neighbors=m)
        assert found.margin == pytest.approx(gamma[k - 1] - gamma[k], abs=1e-12)
    if m > 1:  # with one neighbour the closest pair shares its density
        assert found.without_denser == (rho > rho.max() - 1e-13).sum()


def test_duplicates_violate_the_printed_margin_and_jitter_does_not() -> None:
    duplicates = np.repeat(np.eye(2), (10, 20), axis=0)
    assert theory.printed_margin(duplicates, n_centers=2, neighbors=1) == (0.0, 30)
    jittered = theory.make_mixture(30, 2, dim=3, sigma=1e-3, separation=1.4, size_ratio=2, intrinsic_dim=2).x
    found = theory.printed_margin(jittered, n_centers=2, neighbors=3)
    assert found.margin > 0.4 and found.without_denser == 1
    assert theory.printed_margin(jittered, n_centers=30, neighbors=3).margin == np.inf


def test_field_lipschitz_of_one_token_is_one_half_and_nowhere_exceeded() -> None:
    assert theory.field_lipschitz(np.eye(3)[:1], neighbors=1) == pytest.approx(0.5, abs=1e-3)  # at a right angle
    x = theory.make_mixture(40, 4, sigma=0.1).x
    found = theory.field_lipschitz(x, neighbors=3)
    assert theory.lipschitz_floor(0.1, theory.estimate_constants(x, n_centers=4, neighbors=3).separation) < found <= 0.5


def test_field_lipschitz_against_differences_along_the_circle() -> None:
    """Two tokens 90 degrees apart, m = 1: half-way the nearer one's similarity falls with sin(45 degrees) / 2."""
    angles = np.linspace(0, np.pi / 2, 20_001)
    places = np.stack((np.cos(angles), np.sin(angles)), 1)
    density = ((1 + places) / 2).max(1)
    between = np.abs(np.diff(density) / np.diff(angles)).max()
    assert between == pytest.approx(sin(np.pi / 4) / 2, abs=1e-4)
    assert between <= theory.field_lipschitz(np.eye(2), neighbors=1) <= 0.5


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 1000), st.floats(0.01, 0.2), st.floats(0.2, 1.2))
def test_lipschitz_floor_holds_half_way_between_the_closest_tokens(seed: int, sigma: float, gap: float) -> None:
    """The density at a token and half-way to the closest token of another cluster, with s = 1 - distance^2 / 4."""
    m = theory.make_mixture(24, 3, dim=8, sigma=sigma, separation=gap, seed=seed)
    distance = np.linalg.norm(m.x[:, None] - m.x[None], axis=2)
    other = np.where(m.labels[:, None] != m.labels[None], distance, np.inf)
    i, j = np.unravel_index(other.argmin(), other.shape)

    def density(y: np.ndarray) -> float:
        return float(np.sort(1 - ((m.x - y) ** 2).sum(1) / 4)[-4:].mean())

    slope = (density(m.x[i]) - density((m.x[i] + m.x[j]) / 2)) / (other[i, j] / 2)
    assert slope >= theory.lipschitz_floor(sigma, other[i, j]) - 1e-12


@settings(deadline=None, max_examples=25)
@given(st.integers(10, 30), st.integers(1, 3), st.integers(0, 1000))
def test_score_changes_against_loops(n: int, m: int, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(n, 5))
    sample = theory.sample_indices(n, n // 2, seed=seed)
    found = theory.score_changes(x, sample, m)
    rho, delta = slow_scores(x[sample], m, strict=False)
    full_rho, full_delta = (values[sample] for values in slow_scores(x, m, strict=False))
    assert found.density.numpy() == pytest.approx(rho - full_rho, abs=1e-12)
    if m > 1:
        assert found.separation.numpy() == pytest.approx(delta - full_delta, abs=1e-12)
        assert found.score.numpy() == pytest.approx(rho * delta - full_rho * full_delta, abs=1e-12)


@pytest.mark.parametrize(
    ("sample", "name"),
    [([0, 0, 1], "sample"), ([0, 9], "sample"), ([], "sample"), ([0.5, 1.0], "sample"), ([0, 1], "neighbors")],
)
def test_score_changes_name_the_bad_argument(sample: list[float], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} "):
        theory.score_changes(np.eye(4), sample, 2)


def test_real_tokens_refute_lemma_3() -> None:
    """Densities that move by the square of a small radius move separations by half of their range."""
    x = theory.make_mixture(64, 2, sigma=1e-4, separation=1.3).x
    found = theory.score_changes(x, theory.sample_indices(64, 16, seed=0), 3)
    assert 0 < found.density.abs().max() < 1e-7
    assert found.separation.abs().max() > 0.4


def test_sharp_hoeffding_radius_is_what_the_inequality_gives() -> None:
    s, m, delta = 488, 12, 0.05
    radius = theory.hoeffding_radius(s, m, delta, sharp=True)
    assert 2 * np.exp(-2 * m * radius**2) == pytest.approx(delta / s)
    assert radius == pytest.approx(theory.hoeffding_radius(s, m, delta) / 2)
    assert radius == pytest.approx(sqrt(log(2 * s / delta) / (2 * m))) and radius < 1


def restored_shift(x: np.ndarray, tau: float, restoration: str) -> float:
    """The largest distance of the merged tokens of one cluster over all pairs of centres, by the library's merge."""
    tokens = as_matrix("x", x)
    parts = compress(
        tokens, torch.arange(len(x))[:, None], aggregation="similarity", temperature=tau, norm_restoration=restoration
    ).tokens[:, 0]
    return float(torch.cdist(parts, parts, compute_mode="donot_use_mm_for_euclid_dist").max())


def test_restored_norms_exceed_the_earlier_bound_and_keep_the_new_one() -> None:
    """The bound of earlier versions, 4 sigma tanh(sigma^2 / (4 tau)) <= sigma^3 / tau, forgot what restoring does."""
    a, sigma, tau = 2 * np.arcsin(0.2), 0.4, 1.0
    x = np.array([[cos(a), sin(a), 0], [cos(a), -sin(a), 0]])
    moved = restored_shift(x, tau, "max")
    assert sigma**3 / tau > 4 * sigma * np.tanh(sigma**2 / (4 * tau))
    assert moved > sigma**3 / tau
    assert moved <= theory.draw_shift(sigma, "similarity", tau)
    assert restored_shift(x, tau, "none") <= theory.draw_shift(sigma, "similarity", tau, "none") < sigma**3 / tau


@settings(deadline=None, max_examples=40)
@given(st.floats(0.01, 0.9), st.floats(0.05, 2), st.integers(2, 12), st.integers(1, 3), st.integers(0, 1000))
def test_draw_shift_on_random_clusters(sigma: float, tau: float, n: int, dim: int, seed: int) -> None:
    x = theory.make_mixture(n, 1, dim=4, sigma=sigma, separation=0, intrinsic_dim=dim, seed=seed).x
    for restoration in ("max", "none"):
        assert restored_shift(x, tau, restoration) <= theory.draw_shift(sigma, "similarity", tau, restoration) + 1e-12


def test_draw_shift_of_the_other_aggregations_and_bad_arguments() -> None:
    assert theory.draw_shift(0.3, "mean", 0.1) == 0
    assert theory.draw_shift(0.3, "center", 0.1) == pytest.approx(0.6)
    with pytest.raises(ValueError, match="sigma must be"):
        theory.draw_shift(1.5, "mean", 0.1)
    with pytest.raises(ValueError, match="aggregation must be"):
        theory.draw_shift(0.5, "most", 0.1)


def test_no_constant_serves_while_n_grows_and_one_does_in_the_networks_regime() -> None:
    for name, key in (("jittered", "needed_field"), ("jittered", "needed_tokens"), ("rare", "needed_field")):
        needed = column(RESULTS.rows(name), key)
        assert (np.diff(np.log(needed)) > 0.5).all(), (name, needed)
    balanced = np.median(column(RESULTS.rows("balanced"), "needed_field"), axis=1)
    assert (np.diff(balanced) > 0).all() and balanced[-1] > 4 * balanced[0]
    regime = RESULTS.rows("proportional")
    needed = column(regime, "needed_second")
    assert (np.diff(needed) < 0).all()
    assert (needed < column(regime, "needed_by_random")).all()
    assert (column(regime, "needed_by_random") < column(regime, "enough_for_any")).all()


def test_counter_examples_satisfy_the_assumptions_as_printed() -> None:
    for row in RESULTS.rows("jittered"):
        assert row["without_denser"] == 1 and row["margin"] > 0.4
        assert row["separation"] > 1.4 and 0 < row["sigma"] < 0.002
        assert row["lipschitz"] <= row["field"] <= 0.5
        assert row["aware"] < 1e-4
    assert column(RESULTS.rows("balanced"), "margin").min() > 0.01
    for row in RESULTS.rows("rare"):
        assert row["margin"] > 0.4
        assert abs(row["missed"] - row["probability"]) < 4 * 0.5 / sqrt(200)


def test_many_random_halves_agree_that_only_order_tells_the_bounds_apart() -> None:
    found = study.envelope_resplits(RESULTS, splits=12)
    assert found["repaired"]["rank"] > found["trivial"]["rank"] + 0.1 > found["paper"]["rank"]
    assert found["repaired"]["tightness"] == pytest.approx(found["trivial"]["tightness"], rel=0.3)
    assert found == study.envelope_resplits(RESULTS, splits=12)
