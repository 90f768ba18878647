"""The figures of training and evaluation show the numbers that they are given."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from satlib import SATConfig, figures
from satlib.evaluation import Evaluation, Protocol, Score
from satlib.figures.quality import scores
from satlib.figures.training import curves
from satlib.metrics import psnr
from satlib.metrics.luma import luma
from satlib.training import TrainConfig

TRAIN = [
    {"step": 10, "loss": 0.05, "learning_rate": 1e-3, "skipped": 0, "seconds": 1.0, "waiting": 0.0},
    {"step": 20, "loss": 0.0312345, "learning_rate": 5e-4, "skipped": 0, "seconds": 2.0, "waiting": 0.0},
]
VALID = [{"step": 0, "psnr": 30.0}, {"step": 20, "psnr": 31.2346}]


def photograph(seed: int = 0, height: int = 14, width: int = 11) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def found(model: str, *values: float) -> Evaluation:
    scores = tuple(Score(f"p{i}.png", value, 0.9, None, 0.1) for i, value in enumerate(values))
    return Evaluation(model, "some", Protocol(scale=2), scores)


def test_the_curves_of_a_run_have_a_point_for_each_row_and_levels_over_all_steps():
    figure = curves.run_curves(TRAIN, VALID, {"bicubic": 30.5, "other": 31.0})
    loss, network, *levels = figure.data
    assert list(zip(loss.x, loss.y, loss.customdata, strict=True)) == [(10, 0.05, "0.001"), (20, 0.031234, "0.0005")]
    assert (list(network.x), list(network.y)) == ([0, 20], [30.0, 31.235])
    assert [(level.text, list(level.x), list(level.y)) for level in levels] == [
        (("", "bicubic"), [0, 20], [30.5, 30.5]),
        (("", "other"), [0, 20], [31.0, 31.0]),
    ]
    assert len({level.line.dash for level in levels}) == 2
    assert [trace.yaxis for trace in figure.data] == [None, "y2", "y2", "y2"]
    assert figure.layout.yaxis2.domain[1] < figure.layout.yaxis.domain[0]


def test_curves_of_a_run_without_rows_or_with_too_many_levels():
    for log, valid, levels in (([], VALID, {}), (TRAIN, [], {}), (TRAIN, VALID, dict.fromkeys("abcd", 30.0))):
        with pytest.raises(ValueError, match=f"got {len(log)}, {len(valid)} and {len(levels)}"):
            curves.run_curves(log, valid, levels)


def test_schedules_draw_the_learning_rates():
    network = SATConfig.preset("sat-tiny", 2)
    paper, quick = (TrainConfig.recipe(name, network=network, store="s") for name in ("paper", "quick"))
    axes = curves.schedules([{"paper": paper}, {"quick": quick}]).axes
    lines = [dict(zip(*ax.get_lines()[0].get_data(), strict=True)) for ax in axes]
    assert sorted(set(lines[0].values())) == pytest.approx([0.125, 0.25, 0.5, 1, 2])
    assert (lines[0][248.75], lines[0][250.0]) == (2, 1)
    assert max(lines[1].values()) == pytest.approx(20, rel=0.01)
    assert lines[1][1.0] == pytest.approx(10)
    assert [ax.get_legend().get_texts()[0].get_text() for ax in axes] == ["paper", "quick"]


def test_psnr_dots_have_a_mark_for_each_image_and_the_mean():
    first, second = scores.psnr_dots([found("a", 30, 40), found("b", 31, float("inf"))]).data
    assert (list(first.x), list(first.y), first.name) == ([30, 40], ["p0", "p1"], "a (mean 35.00)")
    assert second.name == "b (mean inf)" and second.marker.symbol != first.marker.symbol


def test_psnr_dots_need_one_to_five_evaluations_with_psnr():
    for n in (0, 6):
        with pytest.raises(ValueError, match=f"got {n}"):
            scores.psnr_dots([found("a", 30)] * n)
    blind = Evaluation("a", "some", Protocol(scale=2, metrics=("ssim",)), found("a", 1).images)
    with pytest.raises(ValueError, match="a was evaluated without PSNR"):
        scores.psnr_dots([blind])


def test_crops_show_the_box_of_each_output():
    hr, out = photograph(), photograph(1)
    figure = scores.crops(hr, {"net": out}, (3, 2, 5), border=1)
    shown = [ax.get_images()[0].get_array() for ax in figure.axes[:3]]
    for picture, expected in zip(shown, (hr, hr[3:8, 2:7], out[3:8, 2:7]), strict=True):
        assert np.array_equal(picture, expected)
    assert figure.axes[2].get_title(loc="left") == f"net\n{psnr(out, hr, border=1):.2f} dB, whole photograph"
    (frame,) = figure.axes[0].patches
    assert (frame.get_xy(), frame.get_width()) == ((1.5, 2.5), 5)


@pytest.mark.parametrize("box", [(10, 0, 5), (0, -1, 3), (0, 0, 0)])
def test_a_box_outside_the_photograph(box: tuple[int, int, int]):
    with pytest.raises(ValueError, match="does not lie in an image of 14 x 11 pixels"):
        scores.crops(photograph(), {}, box, border=1)


@pytest.mark.parametrize("side", [1, 4, 11, 50])
def test_the_hardest_box_has_the_largest_error(side: int):
    hr, out = photograph(), photograph(1)
    top, left, found_side = scores.hardest_box(hr, out, side)
    error = (luma(out) - luma(hr)) ** 2
    side = min(side, 11)
    sums = {(y, x): error[y : y + side, x : x + side].sum() for y in range(14 - side + 1) for x in range(11 - side + 1)}
    assert found_side == side and (top, left) == max(sums, key=sums.get)


def test_error_maps_share_their_colours():
    hr = photograph()
    figure = scores.error_maps(hr, {"a": photograph(1), "same": hr})
    maps = [ax.get_images()[0] for ax in figure.axes[1:3]]
    assert np.allclose(maps[0].get_array(), np.abs(luma(photograph(1)) - luma(hr)))
    assert maps[1].get_array().max() == 0
    assert maps[0].get_clim() == maps[1].get_clim()
    assert figure.axes[2].get_title(loc="left") == "same: mean 0.00 levels"


def test_error_maps_of_a_perfect_output_can_be_drawn():
    figure = scores.error_maps(photograph(), {"same": photograph()})
    (drawn,) = figure.axes[1].get_images()
    assert (np.asarray(drawn.get_array()) == 0).all() and drawn.get_clim() == (0, 1)
    assert figure.axes[1].get_title(loc="left") == "same: mean 0.00 levels"


def test_the_figures_can_be_shown():
    hr = photograph()
    drawn = (
        curves.run_curves(TRAIN, VALID, {}),
        scores.psnr_dots([found("a", 30)]),
        scores.crops(hr, {"net": hr + 1}, (0, 0, 4), border=1),
        scores.error_maps(hr, {"net": hr + 1}),
    )
    for figure in drawn:
        bundle, _ = figures.show(figure, alt="something")._repr_mimebundle_()
        assert bundle.keys() & {"image/png", "application/vnd.plotly.v1+json"}
        assert bundle["text/plain"] == "something"
        if "image/png" in bundle:
            shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))).convert("L"))
            assert shown.min() < 128 < shown.max(), "something is drawn on a light ground"
        else:
            assert any(trace.get("y") is not None for trace in bundle["application/vnd.plotly.v1+json"]["data"])
