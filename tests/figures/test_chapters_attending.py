"""The pictures of *Does it attend?* show the outputs, changes, weights and trainings that they are given."""

import numpy as np
import pytest
import torch

from satlib import SAT, SATConfig
from satlib.analysis.attention_maps import attended
from satlib.data.legends import legend_map
from satlib.dta import aggregate
from satlib.figures.chapters import attending as pictures
from satlib.images.degradation import downscale
from satlib.images.tensors import to_tensor
from satlib.metrics import psnr


def random_image(seed, height, width):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_swap_shows_the_place_where_the_outputs_differ_most():
    target, own = random_image(0, 150, 170), random_image(1, 150, 170)
    read = own.copy()
    read[80:140, 100:160] = np.where(own[80:140, 100:160] > 127, own[80:140, 100:160] - 5, own[80:140, 100:160] + 5)
    sheet = pictures.swaps({"a photograph": (target, own, read)})
    (row,) = sheet.rows
    shown = dict(row.images)
    assert [image.shape for image in shown.values()] == [(64, 64, 3)] * 4
    changed = np.abs(shown["its own tokens"].astype(int) - shown["another's tokens"]).any(2)
    assert changed.sum() == 60 * 60, "all that differs is in the crop"
    assert set(np.unique(shown["difference × 8"])) == {0, 40}
    assert (
        f"{psnr(own, target, border=2):.2f} dB, with another's tokens {psnr(read, target, border=2):.2f} dB"
        in row.title
    )
    assert f"mean difference {5 * 3600 / (150 * 170):.2f} of 255 levels" in sheet.alt


def test_a_small_image_is_shown_whole():
    image = random_image(0, 40, 50)
    (row,) = pictures.swaps({"a map": (image, image, image)}).rows
    assert all(shown.shape == (40, 50, 3) for shown in row.images.values())
    assert not row.images["difference × 8"].any()


def test_controls_have_a_dot_for_each_photograph_and_the_mean():
    changes = {"another's": [-0.2, 0.1, 0.4], "nothing": [-1.0, -0.5, 0.0]}
    shown = pictures.controls(changes)
    (axes,) = shown.figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [list(line.get_xdata()) for line in dots] == list(changes.values())
    means = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D"]
    assert [float(mean) for mean in means] == pytest.approx([0.1, -0.5])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(changes)
    assert "3 photographs" in shown.alt and "another's +0.10 (" in shown.alt and "nothing -0.50 (" in shown.alt


def test_layers_are_drawn_one_by_one():
    changes = torch.tensor([[0.1, 0.0], [0.3, -0.2]])
    shown = pictures.by_layer(changes)
    dots = [line for line in shown.figure.axes[0].lines if line.get_marker() == "o"]
    assert np.allclose([line.get_xdata() for line in dots], changes.T)
    assert "first layer to the last: +0.200, -0.100." in shown.alt


def test_maps_stand_side_by_side():
    images = {"the map": random_image(0, 64, 64), "as it is drawn": random_image(1, 64, 64)}
    sheet = pictures.legends(images)
    assert list(sheet.rows[0].images) == list(images) and "2 maps" in sheet.alt
    scene = legend_map((0, 0), side=16)
    high, low = (axes.images[0].get_array() for axes in pictures.task(scene).figure.axes)
    assert (high == scene.hr).all() and (low == downscale(scene.hr, 2)).all()


def test_centres_lie_on_the_input():
    low = random_image(0, 16, 16)
    made = aggregate(torch.rand(1, 256, 5), 9, grid=(16, 16))
    shown = pictures.centers_on(low, made)
    assert len(shown.figure.axes) == 3 and "with its 9 centres" in shown.alt


def test_what_queries_look_up_is_drawn_as_it_is():
    scene = legend_map((0, 0), side=16)
    low = downscale(scene.hr, 2)
    config = SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1,), window=(4, 8), selective="exact")
    queries = torch.tensor([3, 40])
    (seen,) = attended(SAT(config), to_tensor(low), queries)
    shown = pictures.looked_up(scene.hr, low, seen, 1, [0.25, 0.5])
    target, given, first, second, *_ = shown.figure.axes
    assert (target.images[0].get_array() == scene.hr).all() and (given.images[0].get_array() == low).all()
    for axes, weights in zip((first, second), seen.pixels()[1], strict=True):
        assert np.allclose(axes.images[0].get_array(), weights.clamp_min(1e-6).log10().reshape(16, 16))
    assert [text.get_text() for text in given.texts] == ["1", "2"]
    assert [text.get_position() for text in given.texts] == [(3, 0), (8, 2)]
    assert first.get_title(loc="left") == "query 1: 25% on its entry" and "lie 25%, 50% of the weight" in shown.alt


JOBS = [
    {"row": "exact", "seed": 1, "gain": 9.2, "swap_parts": 7.7, "curve": [[500, 26.6], [1000, 32.8]]},
    {"row": "exact", "seed": 0, "gain": 1.5, "swap_parts": 1.1, "curve": [[500, 26.6], [1000, 27.4]]},
    {"row": "none", "seed": 0, "gain": -0.0001, "swap_parts": 0.0, "curve": [[500, 26.6], [1000, 26.62]]},
]


def test_trainings_that_rise_are_named():
    long = {"row": "center", "seed": 2, "curve": [[500, 26.6], [3000, 26.61]]}
    shown = pictures.learning({"short": JOBS, "long": [long]})
    first, second = shown.figure.axes
    for axes, jobs in ((first, JOBS), (second, [long])):
        drawn = [list(zip(*line.get_data(), strict=True)) for line in axes.lines]
        assert drawn == [[tuple(point) for point in job["curve"]] for job in jobs]
    labels = [text.get_text() for text in first.get_legend().get_texts()]
    assert labels == ["exact"] and second.get_legend() is None
    assert [line.get_linestyle() for line in first.lines] == ["--", "-", "-"]
    assert "stay at 26.6 dB" in shown.alt and "short, 3 trainings: exact, seed 1, at 32.8 dB; exact" in shown.alt
    assert shown.alt.endswith("long, 1 trainings: none rises.")


def test_outcomes_stand_beside_predictions_in_the_order_of_the_seeds():
    head, _, *rows = pictures.outcome_table(JOBS, {"none": "below 2", "exact": "above 10", "mean": "1"}).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert cells == [
        ["`none`", "below 2", "0.00", "0.00"],
        ["`exact`", "above 10", "1.50, 9.20", "1.10, 7.70"],
        ["`mean`", "1", "not trained yet", ""],
    ]
    assert "predicted gain, dB" in head
