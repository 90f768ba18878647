"""Figures of `satlib.analysis.exact_attention` and `satlib.results.trials` show the numbers that they are given."""

import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer

from satlib.analysis.exact_attention import LayerError
from satlib.figures.network.exact_attention import WAYS, layer_errors
from satlib.figures.training.trials import differences
from satlib.results.trials import Difference


def test_layer_errors_are_medians_with_the_range_of_the_photographs() -> None:
    photographs = [
        [LayerError(*(base * (i + 1) for i in range(6))), LayerError(*[base] * 6)] for base in (0.1, 0.3, 0.2)
    ]
    figure = layer_errors({"one": photographs, "other": photographs[:1]})
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    drawn = {line.get_label(): line.get_ydata() for line in first.lines}
    for number, (label, *_) in enumerate(WAYS.values()):
        np.testing.assert_allclose(drawn[label], [0.2 * (number + 1), 0.2])
    band = np.asarray(first.collections[0].get_paths()[0].vertices)
    assert (band[:, 1].min(), band[:, 1].max()) == pytest.approx((0.1, 0.3))
    assert len({label for label, *_ in WAYS.values()}) == 6


def test_only_the_ways_that_are_asked_for_are_drawn_and_unknown_ones_are_named() -> None:
    photographs = [[LayerError(0.5, 0.2, 0.4, 0.1, 1.0, 0.7)] * 2]
    (ax,) = layer_errors({"one": photographs}, ways=("size_bias", "uniform")).axes
    drawn = {line.get_label(): list(line.get_ydata()) for line in ax.lines if str(line.get_label())[0] != "_"}
    assert drawn == {WAYS["size_bias"][0]: [0.2, 0.2], WAYS["uniform"][0]: [1.0, 1.0]}
    with pytest.raises(ValueError, match="ways must be among plain, .*, got best"):
        layer_errors({"one": photographs}, ways=("plain", "best"))


def test_differences_have_their_intervals_and_the_printed_ones() -> None:
    ours = {"grid": Difference(-0.02, 0.05, 0.08), "random": Difference(0.01, 0.05, 0.08)}
    figure = differences({"held out": ours, "Set5": ours}, {"random": -0.08}, "the base")
    (ax,) = figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["grid", "random"]
    (held, _, (bars,)), (set5, *_) = (
        container.lines for container in ax.containers if isinstance(container, ErrorbarContainer)
    )
    np.testing.assert_allclose(np.asarray(held.get_xdata(), dtype=float), [-0.02, 0.01])
    np.testing.assert_allclose(
        [np.asarray(segment)[:, 0] for segment in bars.get_segments()], [[-0.07, 0.03], [-0.04, 0.06]]
    )
    assert np.all(np.asarray(held.get_ydata()) < np.asarray(set5.get_ydata())), "side by side"
    (printed,) = (line for line in ax.lines if line.get_marker() == "D")
    assert np.asarray(printed.get_data()).tolist() == [[-0.08], [1]]
    assert ax.yaxis_inverted()
    assert "the base" in ax.get_xlabel()
    assert not ax.patches


def test_a_band_names_the_differences_that_cannot_be_seen() -> None:
    figure = differences({"Set5": {"grid": Difference(0.0, 0.1, 0.2)}}, {}, "the base", blind=0.2, label="unseen")
    (ax,) = figure.axes
    (band,) = ax.patches
    assert (band.get_x(), band.get_width()) == pytest.approx((-0.2, 0.4))
    assert ax.get_xlim()[0] < -0.2 < 0.2 < ax.get_xlim()[1]
    assert "unseen" in [text.get_text() for text in figure.legends[0].get_texts()]
