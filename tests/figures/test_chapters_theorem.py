"""The pictures of chapter 12 show the weights, errors and draws that they are given."""

import numpy as np
import pytest
import torch

from satlib import theory
from satlib.analysis.exact_attention import LayerError
from satlib.figures.chapters import theorem as pictures
from satlib.figures.theory.cliff import cliff
from satlib.figures.theory.toy import WAYS, weights
from satlib.theory import study

RESULTS = study.load_results()
BLUE, ORANGE = torch.eye(2)


def toy(few: int, many: int) -> torch.Tensor:
    return torch.stack([BLUE] * few + [ORANGE] * many)


@pytest.fixture(scope="module")
def mixture() -> theory.Mixture:
    return theory.make_mixture(64, 4, sigma=0.02, size_ratio=4)


@pytest.fixture(scope="module")
def found(mixture: theory.Mixture) -> dict[int, theory.Decomposition]:
    w = study.projections(32, 0)
    settings = {"n_centers": 4, "neighbors": 2, "size_bias": True, "labels": mixture.labels, "seeds": range(12)}
    return {beta: theory.decompose_error(mixture.x, *w, n_samples=4 * beta, **settings) for beta in (1, 2, 8)}


def test_weights_follow_the_sizes_but_for_saa() -> None:
    found = weights(toy(10, 30))
    assert list(found) == list(WAYS)
    for way, expected in zip(WAYS, (0.25, 0.5, 0.25), strict=True):
        torch.testing.assert_close(found[way], torch.tensor([expected, 1 - expected]))


def test_two_clusters_have_a_dot_for_each_token_and_a_bar_for_each_weight() -> None:
    shown = pictures.two_clusters({1: toy(10, 10), 4: toy(10, 40)})
    assert [frame.name for frame in shown.figure.frames] == ["1 : 1", "1 : 4"]
    few, many, *bars = shown.figure.frames[1].data
    assert (len(few.x), len(many.x)) == (10, 40)
    assert len(set(zip((*few.x, *many.x), (*few.y, *many.y), strict=True))) == 50, "no dot hides another"
    assert [list(bar.x) for bar in bars] == [[0.2, 0.5, 0.2], [0.8, 0.5, 0.8]]
    assert "With 10 and 40 tokens: exact attention 20% and 80%, SAA 50% and 50%, SAA with log n 20%" in shown.alt
    assert [note.text for note in shown.figure.layout.annotations] == list(WAYS)


def test_the_error_against_n_is_relative_and_its_lines_are_named() -> None:
    shown = pictures.error_by_tokens(RESULTS)
    lines = {line.name: line for line in shown.figure.data}
    (row,) = RESULTS.rows("size_blind", n_tokens=512, n_centers=8, size_ratio=16)
    expected = np.median(np.array(row["blind"]) / np.array(row["exact"]))
    assert lines["SAA"].y[list(lines["SAA"].x).index(512)] == pytest.approx(expected, rel=1e-3)
    assert {note.text for note in shown.figure.layout.annotations} == set(lines)
    assert max(lines["SAA with log n"].y) < 1e-5 < min(lines["SAA"].y)
    assert "SAA from 0.6 to 0.6" in shown.alt


def test_the_cliff_has_a_mark_for_each_draw_and_its_chance(found: dict[int, theory.Decomposition]) -> None:
    counted = {beta: beta / 10 for beta in found}
    shown = pictures.cliff({1: found, 4: found}, {1: counted, 4: counted})
    assert [frame.name for frame in shown.figure.frames] == ["1 : 1", "4 : 1"]
    hit, missed, line, measured = shown.figure.frames[0].data
    lost = [draws.missed > 0 for draws in found.values()]
    errors = [draws.total / draws.exact_norm for draws in found.values()]
    for trace, which in ((hit, [~one for one in lost]), (missed, lost)):
        expected = np.concatenate([error[one] for error, one in zip(errors, which, strict=True)])
        np.testing.assert_allclose(trace.y, expected, rtol=5e-3)
    assert list(line.y) == [0.1, 0.2, 0.8]
    assert list(measured.y) == pytest.approx([one.mean() for one in lost])
    assert shown.figure.frames[0].layout.title.text in shown.alt


def test_the_cliff_names_what_does_not_fit(mixture: theory.Mixture, found: dict[int, theory.Decomposition]) -> None:
    with pytest.raises(ValueError, match=r"same ratios and betas, got \[1\] and \[1\]"):
        cliff({1: found}, {1: {1: 0.5}})
    blind = theory.decompose_error(mixture.x, *study.projections(32, 0), n_centers=4, n_samples=8, neighbors=2)
    with pytest.raises(ValueError, match="with labels"):
        cliff({1: {2: blind}}, {1: {2: 0.5}})


def test_draws_are_columns_of_tokens_and_say_what_they_miss(mixture: theory.Mixture) -> None:
    everything, few = np.arange(64), np.flatnonzero(mixture.labels == 3)
    shown = pictures.draws(mixture, [everything, few])
    assert "4 columns" in shown.alt and "0 in draw 1, 3 in draw 2" in shown.alt
    assert [len(trace.x) for trace in shown.figure.frames[0].data] == [64, 0, 0]
    assert len(shown.figure.frames[1].data[2].x) == 64 - len(few)


def test_the_first_trained_layer_is_told_without_and_with_log_n() -> None:
    said = pictures.first_layer(LayerError(0.61, 0.13, 0.5, 0.2, 0.97, 0.7))
    assert "the error is 0.61; with log n it is 0.13." in said
    assert "Answering with the mean value of all tokens has the error 0.97." in said
