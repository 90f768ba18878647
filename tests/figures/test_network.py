"""The figures of the chapters on the idea, the windows, the attention and the network show what they are given."""

import base64
import io
import json
from itertools import pairwise

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from satlib import SAT, SATConfig, dta
from satlib.analysis.attention_maps import attended
from satlib.analysis.receptive_field import window_labels
from satlib.complexity.parameters import outline
from satlib.figures.dta import idea
from satlib.figures.kit import picture_sliders
from satlib.figures.kit.show import png, show
from satlib.figures.network import attention, diagram, windows
from satlib.figures.network.narrow_diagram import narrow_diagram

GRID = (16, 20)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def seen(image):
    torch.manual_seed(0)
    model = SAT(SATConfig.preset("sat-tiny", 2, groups=(1,), keep_ratio=0.05)).eval()
    return attended(model, image, torch.tensor([30, 200]))[0]


def texts(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def test_three_attentions_are_titled_with_their_tokens(image):
    window = torch.arange(320) < 40
    result = dta.aggregate(image.flatten(1).T[None], 9, grid=GRID, generator=torch.Generator().manual_seed(0))
    figure = idea.three_attentions(image, 25, window, result)
    assert texts(figure) == ["all: 320 tokens", "local windows: 40 tokens", "aggregated: 9 tokens"]
    with pytest.raises(ValueError, match="does not fit"):
        idea.three_attentions(image[:, 1:], 25, window, result)


def test_faded_keeps_what_is_seen_and_lightens_the_rest(image):
    seen = torch.arange(320) % 2 == 0
    out = idea.faded(image, seen).flatten(1)
    torch.testing.assert_close(out[:, seen], image.flatten(1)[:, seen])
    torch.testing.assert_close(1 - out[:, ~seen], 0.25 * (1 - image.flatten(1)[:, ~seen]))


def test_comparisons_count_pairs():
    lines = idea.comparison_lines([10, 100], window=256, ratio=0.03, subsample=4)
    assert lines["all with all"] == [10_000, 10**8]
    assert lines["local windows"] == [10_000, 2_560_000]
    assert lines["selective aggregation"] == [2 * 100 * 3 + 12**2, 2 * 10_000 * 300 + 1200**2]
    figure = idea.comparisons([10, 100], window=256)
    assert figure.frames[figure.layout.sliders[0].active].name == "3.0%"
    assert "7.44%" in figure.layout.title.text
    assert [list(trace.y) for trace in figure.data] == list(lines.values())


def test_image_row_has_the_images():
    images = {"a": np.zeros((4, 6, 3), np.uint8), "b": np.full((4, 6, 3), 9, np.uint8)}
    figure = idea.image_row(images)
    assert texts(figure) == ["a", "b"]
    assert np.array_equal(figure.axes[1].images[0].get_array(), images["b"])


def test_picture_slider_has_a_frame_for_each_image(image):
    figure = picture_sliders.picture_slider(
        {"x": image, "y": 1 - image}, name="n", start="y", notes={"x": "first", "y": "second"}
    )
    assert [frame.name for frame in figure.frames] == ["x", "y"]
    assert figure.layout.title.text == "second"
    assert figure.data[0].source == figure.frames[1].data[0].source
    assert show(figure, alt="pictures")._repr_mimebundle_()[0]["text/html"]


def test_figure_slider_shows_figures_on_one_size():
    figures = {}
    for label, title in (("a", ""), ("b", "a line above")):
        figures[label] = Figure(figsize=(2, 1))
        figures[label].add_axes((0, 0, 1, 1), facecolor=(0, 0, 1)).set(xticks=[], yticks=[], title=title)
    slider = picture_sliders.figure_slider(figures, name="n", start="b", notes={"a": "first", "b": "second"})
    assert [frame.name for frame in slider.frames] == ["a", "b"] and slider.layout.title.text == "second"
    assert slider.data[0].source == slider.frames[1].data[0].source and slider.data[0].zsmooth == "fast"
    a, b = (
        np.asarray(Image.open(io.BytesIO(base64.b64decode(frame.data[0].source.split(",")[1]))).convert("RGB"))
        for frame in slider.frames
    )
    blue = [(one == (0, 0, 255)).all(-1).sum() for one in (a, b)]
    assert a.shape == b.shape and blue[0] == pytest.approx(blue[1], rel=0.02) and blue[0] > 300_000
    ends = [np.flatnonzero((one == (0, 0, 255)).all(-1).any(1)).max() for one in (a, b)]  # last rows of the blue
    assert ends[0] < ends[1] - 20 and (a[ends[0] + 20 :] == 255).all(), "white below the one without a title"


def test_reading_slider_shows_doublings_of_the_mean():
    weight = torch.full((2, 4), 0.5 / 8)
    weight[0, 0] = 4 / 8
    weight[1, 3] = 0
    figure = picture_sliders.reading_slider({"1": weight}, (1, 2), name="layer", start="1", notes={"1": ""})
    expected = np.full((2, 4), -10)
    expected[0, 0], expected[1, 3] = 20, -120
    assert np.array_equal(figure.data[0].z, expected)
    bar = figure.data[0].colorbar
    assert dict(zip(bar.tickvals, bar.ticktext, strict=True)) == {
        -30: "1/8",
        -20: "1/4",
        -10: "1/2",
        0: "1",
        10: "2",
        20: "4",
        30: "8",
    }
    assert (list(figure.data[1].x), list(figure.data[1].y)) == ([2], [1])
    json.loads(figure.to_json())


def test_sliders_check_labels_and_shapes(image):
    with pytest.raises(ValueError, match="must fit the labels"):
        picture_sliders.picture_slider({"x": image}, name="n", start="y", notes={"x": ""})
    with pytest.raises(ValueError, match="one shape"):
        picture_sliders.picture_slider({"x": image, "y": image[:, 1:]}, name="n", start="x", notes={"x": "", "y": ""})


def test_partitions_draw_a_line_between_windows(image):
    label = window_labels(GRID, (8, 16), shifted=False)
    (ax,) = windows.partitions(image, {"cut": label}, 5).axes[:1]
    drawn = sum(len(lines.get_paths()) for lines in ax.collections)
    assert drawn == 20 + 16  # one row of 20 and one column of 16 edges


def test_position_maps_subtract_the_mean_and_share_a_scale():
    tables = {"a": torch.tensor([[1.0, 3.0, 5.0]]), "b": torch.full((1, 3), 7.0)}
    figure = windows.position_maps(tables)
    drawn = [ax.images[0] for ax in figure.axes[:2]]
    assert np.array_equal(drawn[0].get_array(), [[-2, 0, 2]])
    assert np.array_equal(drawn[1].get_array(), [[0, 0, 0]])
    assert {one.get_clim() for one in drawn} == {(-2, 2)}
    assert png(windows.position_maps({"flat": torch.zeros(3, 3)}))
    four = windows.position_maps(dict.fromkeys("abcd", torch.eye(3)))
    assert [ax.get_xlabel() for ax in four.axes[:4]] == ["", "columns", "columns", "columns"]


def test_relative_maps_have_a_panel_for_each_query(image, seen):
    ratios = torch.rand(2, *GRID) + 0.5
    figure = attention.relative_maps(image, seen.queries, ratios)
    assert texts(figure)[:3] == ["input and queries", "read by query 1", "read by query 2"]
    assert np.allclose(figure.axes[2].images[0].get_array(), ratios[1].log2())
    assert len({ax.images[0].get_clim() for ax in figure.axes[1:3]}) == 1
    assert png(figure)


def test_tokens_read_draws_all_weights_in_order(image, seen):
    ax = attention.tokens_read(image, seen, head=1).axes[1]
    drawn = ax.get_lines()[0].get_ydata()
    assert np.allclose(drawn, np.sort(seen.weights[1, 0].numpy())[::-1])


def test_read_boxes_have_a_box_for_each_row():
    figure = attention.read_boxes({"a": [1, 2, 3], "b": [4.0, 4.0, 4.0]}, 10)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert png(figure)


def test_the_diagram_names_the_networks_sizes():
    figure = diagram.diagram(SATConfig.preset("sat", 3))
    drawn = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "8 residual\ngroups" in drawn
    assert "228" in drawn
    assert "2 or 3 pairs" in drawn
    assert "×3" in drawn
    assert Image.open(io.BytesIO(png(figure))).width > 1000


def test_the_narrow_diagram_has_the_words_of_the_wide_one():
    config = SATConfig.preset("sat", 3)
    drawn = [
        sorted(" ".join(text.get_text().replace(",", " ").split()) for text in figure.axes[0].texts)
        for figure in (diagram.diagram(config), narrow_diagram(config))
    ]
    assert drawn[0] == drawn[1]
    assert Image.open(io.BytesIO(png(narrow_diagram(config)))).width <= 1.8 * 360


def test_boxes_of_the_diagram_leave_room_for_arrows():
    boxes = [patch.get_extents() for patch in diagram.diagram(SATConfig.preset("sat", 3)).axes[0].patches]
    pairs = [(a, b) for a, b in pairwise(boxes) if abs(a.y0 - b.y0) < 1]  # in one row
    widths = [b.x0 - a.x1 for a, b in pairs]
    assert len(widths) > 10
    assert min(widths) > 0.2 * max(box.height for box in boxes)


def test_parameter_bars_add_up():
    names = ("sat", "sat-tiny")
    figure = diagram.parameter_bars({name: outline(SATConfig.preset(name)) for name in names})
    widths = np.array([bar.get_width() for bar in figure.axes[0].patches]).reshape(3, 2)
    assert widths.sum(0) == pytest.approx([100, 100])


def test_influence_map_marks_what_is_local(image):
    influence = torch.linspace(0, 1, 320).view(GRID)
    local = torch.zeros(GRID, dtype=torch.bool)
    local[4:8, 5:9] = True
    assert png(diagram.influence_map(image, influence, (5, 6), local))
    assert png(diagram.influence_map(image, influence, (5, 6), torch.ones_like(local)))
