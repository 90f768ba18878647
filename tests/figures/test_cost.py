"""The figures of cost show the numbers that `satlib.complexity` gives."""

import pytest

from satlib import SATConfig
from satlib.complexity import complexity, largest_square
from satlib.figures.cost import bars, sliders
from satlib.figures.kit.show import show


def test_bars_of_both_conventions_add_up():
    figure = bars.convention_bars({"A": (1e12, 3e12), "B": (2e12, 2.5e12)})
    widths = [bar.get_width() for bar in figure.axes[0].patches]
    assert widths == [1, 2, 2, 0.5]
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert labels == [
        "A   1.00\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}3.00",
        "B   2.00\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}2.50",
    ]


def test_stage_bars_are_shares_of_all():
    values = complexity(SATConfig.preset("sat-tiny"), (64, 64))
    ax = bars.stage_bars(values).axes[0]
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(100)
    labels = {label.get_text() for label in ax.get_yticklabels()}
    assert labels == {bars.stage_label(stage) for stage in values.macs}
    assert labels >= {"SAA QKᵀ", "density S × S", "MLP linear"}
    places = {round(bar.get_y() + bar.get_height() / 2): bar.get_width() for bar in ax.patches}
    assert sorted(places.values()) == [places[i] for i in range(len(places))]


def test_time_lines_have_a_line_for_each_layer_in_both_panels():
    figure = bars.time_lines([10, 100], {"a": [1, 2], "b": [3, 4]}, {"a": [5, 6], "b": [7, 8]})
    drawn = [[list(line.get_ydata()) for line in ax.get_lines()] for ax in figure.axes]
    assert drawn == [[[1, 2], [3, 4]], [[5, 6], [7, 8]]]


@pytest.fixture(scope="module")
def tiny():
    return SATConfig.preset("sat-tiny")


def test_the_share_figure_has_a_frame_for_each_keep_ratio(tiny):
    figure = sliders.quadratic_share({"sat-tiny": tiny})
    assert [frame.name for frame in figure.frames] == ["0.5%", "1.0%", "2.0%", "3.0%", "5.0%", "10.0%"]
    assert [step.label for step in figure.layout.sliders[0].steps] == [frame.name for frame in figure.frames]
    start = figure.frames[figure.layout.sliders[0].active]
    assert start.name == "3.0%"
    assert figure.layout.title.text == start.layout.title.text
    values = complexity(tiny, (256 * 4, 256 * 4))
    share = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))[256]
    assert share == pytest.approx(values.quadratic / values.total, rel=1e-3)


def test_the_note_names_the_first_side_with_half_of_the_work(tiny):
    side = int(sliders.quadratic_share({"n": tiny}).layout.title.text.split("side of ")[1].split()[0])
    costs = [complexity(tiny, (4 * n, 4 * n)) for n in (side - 1, side)]
    assert costs[0].quadratic < costs[0].total / 2 <= costs[1].quadratic


def test_the_memory_figure_shows_both_forms_and_both_cards(tiny):
    figure = sliders.peak_memory(tiny)
    lines = {trace.name: dict(zip(trace.x, trace.y, strict=True)) for trace in figure.data}
    memory = complexity(tiny, (4 * 512, 4 * 512))
    assert set(lines) == {"dense", "satlib", "24 GB", "140 GB"}
    assert lines["dense"][512] == pytest.approx(memory.dense_memory / 1e9, rel=1e-3)
    assert lines["satlib"][512] == pytest.approx(memory.memory["satlib"] / 1e9, rel=1e-3)
    assert f"{largest_square(tiny, 24e9, dense=True):,}" in figure.layout.title.text


def test_the_figures_can_be_shown(tiny):
    shown = show(sliders.peak_memory(tiny), alt="memory")
    assert "figure" in shown._repr_mimebundle_()[0]["text/html"]
