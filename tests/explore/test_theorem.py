"""`satlib.explore.theorem`: the numbers and the picture of a draw, and its plotly twin."""

import numpy as np
import pytest

from satlib import explore, theory
from satlib.explore.theorem_explorer import measure, mixture_of, two_clusters
from satlib.figures.explorers.theorem import arrange, draws_slider
from satlib.theory.study import projections


def test_it_starts_with_a_draw_of_the_study() -> None:
    explorer = explore.theorem()
    mixture = theory.make_mixture(512, 16, sigma=0.02, size_ratio=4)
    expected = theory.decompose_error(
        mixture.x, *projections(32, 0), n_centers=16, n_samples=64, neighbors=2, size_bias=True, labels=mixture.labels
    )
    assert explorer.draws.errors == pytest.approx(expected.total / expected.exact_norm)
    assert explorer.draws.missed.tolist() == expected.unsampled.tolist()
    assert explorer.draws.sample.tolist() == theory.sample_indices(512, 64).tolist()
    chance = theory.missed_cluster_probability(mixture.sizes, 64)
    assert f"{expected.unsampled[0]} of 16 clusters missed" in explorer.numbers.value
    assert f"counted exactly {chance:.0%}" in explorer.numbers.value


def test_the_button_draws_anew_and_keeps_the_draws_before() -> None:
    explorer = explore.theorem()
    picture, first = explorer.picture.value, explorer.draws
    explorer.another.click()
    assert explorer.seed.value == 1
    assert explorer.picture.value != picture
    assert len(explorer.draws.errors) == 2
    assert explorer.draws.errors[0] == pytest.approx(first.errors[0])
    assert explorer.draws.sample.tolist() != first.sample.tolist()
    explorer.seed.value = 100
    assert len(explorer.draws.errors) == 40


@pytest.mark.slow
def test_every_knob_changes_the_outcome() -> None:
    explorer = explore.theorem()
    explorer.seed.value = 5
    changes = {
        explorer.ratio: 32,
        explorer.beta: 2,
        explorer.sampling: "grid",
        explorer.order: "runs",
        explorer.size_bias: False,
    }
    for knob, value in changes.items():
        before, picture, start = explorer.draws, explorer.picture.value, knob.value
        knob.value = value
        assert explorer.draws.errors.tolist() != before.errors.tolist(), knob.description
        assert explorer.picture.value != picture
        knob.value = start
        assert explorer.draws.errors.tolist() == before.errors.tolist()


def test_a_missed_cluster_costs_what_the_others_do_not() -> None:
    draws = measure(mixture_of(4, "shuffle"), 4, 64, "uniform", 39, size_bias=True)
    assert len(draws.errors) == 40
    assert 0 < (draws.missed > 0).sum() < 40
    assert draws.errors[draws.missed > 0].min() > 100 * draws.errors[draws.missed == 0].max()


@pytest.mark.parametrize("ratio", [1, 4, 64])
def test_two_clusters_have_the_error_of_the_closed_form(ratio: int) -> None:
    assert two_clusters(ratio, size_bias=False) == pytest.approx(ratio / (1 + ratio) - 0.5, abs=1e-9)
    assert two_clusters(ratio, size_bias=True) == pytest.approx(0, abs=1e-9)


def test_tokens_stand_in_columns_the_sampled_ones_below() -> None:
    labels, sample = np.array([2, 0, 2, 1, 2, 1]), np.array([4, 5])
    tokens = arrange(labels, sample)
    assert tokens.column.tolist() == labels.tolist()
    assert tokens.sampled.tolist() == [False, False, False, False, True, True]
    assert tokens.missed.tolist() == [False, True, False, False, False, False]
    for cluster, size in enumerate((1, 2, 3)):
        where = labels == cluster
        assert sorted(tokens.height[where]) == list(range(size))
        assert (tokens.height[where & tokens.sampled] == 0).all()


def test_the_slider_shows_every_token_of_every_draw() -> None:
    labels = np.repeat([0, 1, 2], (1, 3, 6))
    draws = {str(i): arrange(labels, np.array([i, i + 4])) for i in range(3)}
    notes = {label: f"draw {label}" for label in draws}
    figure = draws_slider(draws, name="draw", start="1", notes=notes)
    assert [frame.name for frame in figure.frames] == list(draws)
    for frame, tokens in zip(figure.frames, draws.values(), strict=True):
        sampled, others, missed = frame.data
        assert (len(sampled.x), len(others.x) + len(missed.x)) == (2, 8)
        assert sorted(missed.x) == sorted(tokens.column[tokens.missed] + 1)
        assert frame.layout.title.text == notes[frame.name]
    with pytest.raises(ValueError, match="start '7'"):
        draws_slider(draws, name="draw", start="7", notes=notes)
