"""The figures of the chapters on token aggregation show what was computed."""

import numpy as np
import pytest
import torch
from matplotlib.collections import EllipseCollection, LineCollection

from satlib import dta, figures
from satlib.analysis.patch_features import patch_features
from satlib.dta.sampling import cell_labels, draw_sample
from satlib.figures.dta.merging import pictures, repaint
from satlib.figures.dta.samples import borders, strata
from satlib.figures.kit.lines import Axis, Series, lines, lines_slider
from satlib.figures.kit.show import show
from satlib.figures.kit.sliders import Dots, dots_slider
from satlib.results.paper import table

GRID = (30, 26)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def result(image):
    tokens = patch_features(image.unsqueeze(0))
    return dta.aggregate(tokens, 12, grid=GRID, generator=torch.Generator().manual_seed(1))


def test_borders_lie_between_different_cells():
    found = borders(torch.tensor([[0, 0, 1], [2, 2, 1]]))
    assert set(found) == {
        ((1.5, -0.5), (1.5, 0.5)),
        ((1.5, 0.5), (1.5, 1.5)),
        ((-0.5, 0.5), (0.5, 0.5)),
        ((0.5, 0.5), (1.5, 0.5)),
    }


def test_strata_show_cells_where_there_are_some(image):
    sample = draw_sample(GRID, 40)[0]
    figure = strata(image, {"cells": (cell_labels(GRID, 40), sample), "none": (None, sample)})
    kinds = [[type(c) for c in ax.collections] for ax in figure.axes]
    assert kinds == [[LineCollection, EllipseCollection], [EllipseCollection]]
    dots = np.asarray(figure.axes[1].collections[0].get_offsets())
    assert sorted((dots[:, 1] * GRID[1] + dots[:, 0]).astype(int)) == sample.tolist()


def test_density_maps_have_the_values_of_each_layer(image, result):
    figure = figures.density_maps(image, {"a": result, "b": result})
    drawn = [ax.images[0].get_array() for ax in figure.axes if ax.images][:2]
    for array in drawn:
        assert set(np.asarray(array).ravel().tolist()) == set(result.density[0].tolist())


def test_tokens_of_single_pixels_repaint_the_image(image):
    tokens = patch_features(image.unsqueeze(0))[0]
    painted = repaint(tokens, torch.arange(len(tokens)), image)
    torch.testing.assert_close(painted, image)
    one = repaint(tokens.mean(0, keepdim=True), torch.zeros(len(tokens), dtype=torch.int64), image)
    torch.testing.assert_close(one, image.mean((1, 2), keepdim=True).expand_as(image))
    first, second = pictures({"a": image, "b": painted}).axes[:2]
    assert [ax.get_title(loc="left") or ax.get_title() for ax in (first, second)] == ["a", "b"]
    for ax in (first, second):
        np.testing.assert_allclose(np.asarray(ax.get_images()[0].get_array()) / 255, image.permute(1, 2, 0), atol=0.005)


SERIES = {"a": Series([1, 2], [1.0, 4.0], [0.5, 3.0], [2.0, 4.5]), "chance": Series([1, 2], [1, 1], reference=True)}
X, Y = Axis("x"), Axis("y", log=True)


def test_lines_have_intervals_and_a_reference_without_marks():
    drawn = lines(SERIES, x=X, y=Y, note="note").data
    assert (list(drawn[0].error_y.array), list(drawn[0].error_y.arrayminus)) == ([1.0, 0.5], [0.5, 1.0])
    assert (drawn[0].mode, drawn[1].mode, drawn[1].hoverinfo) == ("lines+markers", "lines", "skip")
    assert "figure" in show(lines(SERIES, x=X, y=Y, note="note"), alt="lines")._repr_mimebundle_()[0]["text/html"]


def test_references_are_drawn_last_and_titles_keep_off_the_numbers():
    figure = lines({"chance": SERIES["chance"], "a": SERIES["a"]}, x=X, y=Y, note="note")
    assert [trace.name for trace in figure.data] == ["a", "chance"]
    assert figure.data[1].line.width > 2
    assert {axis.title.standoff for axis in (figure.layout.xaxis, figure.layout.yaxis)} == {12}


def test_the_slider_has_a_frame_for_each_step_on_the_same_axes():
    steps = {"1": SERIES, "2": {**SERIES, "a": Series([1, 2], [10.0, 40.0])}}
    figure = lines_slider(steps, name="n", start="2", notes={"1": "one", "2": "two"}, x=X, y=Y)
    assert [frame.name for frame in figure.frames] == ["1", "2"]
    assert (figure.layout.title.text, figure.layout.sliders[0].active) == ("two", 1)
    assert list(figure.data[0].y) == [10.0, 40.0]
    assert figure.layout.yaxis.range == pytest.approx((np.log10(0.5) - 0.05, np.log10(40) + 0.05))


@pytest.mark.parametrize(
    ("steps", "start", "message"),
    [
        ({"1": SERIES}, "2", "start '2'"),
        ({"1": SERIES, "2": {"a": SERIES["a"]}}, "1", "the same lines"),
        (
            {"1": {name: SERIES["a"] for name in "abcdef"}, "2": {name: SERIES["a"] for name in "abcdef"}},
            "1",
            "up to 5",
        ),
    ],
)
def test_steps_that_do_not_fit_are_refused(steps, start, message):
    with pytest.raises(ValueError, match=message):
        lines_slider(steps, name="n", start=start, notes=dict.fromkeys(steps, ""), x=X, y=Y)


def test_dots_lie_on_their_tokens(image):
    tokens = torch.tensor([0, 27, 51])
    steps = {"a": [Dots(tokens, "dots", "red", 5, 0, "star")], "b": [Dots(tokens[:1], "dots", "red", 5, 0)]}
    figure = dots_slider(image, steps, name="n", start="a", notes={"a": "", "b": ""})
    assert (list(figure.data[0].y), list(figure.data[0].x)) == ([0, 1, 1], [0, 1, 25])
    assert (figure.data[0].marker.symbol, len(figure.frames[1].data[0].x)) == ("star", 1)
    with pytest.raises(ValueError, match="as many kinds of dots"):
        dots_slider(image, {**steps, "b": []}, name="n", start="a", notes={"a": "", "b": ""})


def test_a_published_table_has_all_its_rows_with_two_digits():
    text = figures.published_table("E")
    rows = [" ".join(line.split()) for line in text.splitlines() if line.startswith("|")]  # without the padding
    assert len(rows) == 2 + len(table("E").rows)
    assert rows[-1] == "| stratified | 32.48 | 26.61 | 31.09 |"
    assert rows[2].startswith("| random | 32.40 |")
    light = [line.split("|")[1:-1] for line in figures.published_table("light").splitlines() if line.startswith("|")]
    values = [value for row in table("light").rows for value in row]
    assert sum(not cell.strip() for row in light for cell in row) == values.count(None)
