"""The pictures of chapter 13 show the numbers, images and errors that they are given."""

import numpy as np
import pytest

from satlib import samples
from satlib.evaluation import evaluate
from satlib.figures.chapters import measuring as pictures
from satlib.metrics.luma import luma


@pytest.fixture(scope="module")
def hr():
    return np.random.default_rng(0).integers(0, 256, (24, 36, 3), dtype=np.uint8)


def test_numbers_are_drawn_and_told_by_convention():
    shown = pictures.numbers({"Y": 26.314, "RGB": 24.9}, gap=0.14)
    axes = shown.figure.axes[0]
    assert [text.get_text() for text in axes.texts] == ["26.31", "24.90"]
    assert axes.patches[0].get_width() == pytest.approx(0.14)
    assert "2 conventions: Y: 26.31 dB, RGB: 24.90 dB. A band of 0.14 dB" in shown.alt


def test_making_shows_the_images_and_the_error_of_their_brightness(hr):
    lr, sr = hr[::4, ::4], np.roll(hr, 1, axis=0)
    shown = pictures.making(hr, lr, sr)
    drawn = [ax.images[0].get_array() for ax in shown.figure.axes[:4]]
    assert all(np.array_equal(a, b) for a, b in zip(drawn, (hr, lr, sr, np.abs(luma(sr) - luma(hr))), strict=True))
    assert "9 × 6 pixels" in shown.alt


def test_rounding_draws_each_photograph_and_tells_its_ends():
    shown = pictures.rounding({"a": ([27.0, 45.0], [0.0012, 0.21]), "b": ([30.0, 40.0], [0.002, 0.1])})
    lines = {line.get_label(): line for line in shown.figure.axes[0].lines}
    assert lines["a"].get_xydata().tolist() == [[27, 0.0012], [45, 0.21]]
    assert lines["b"].get_xydata().tolist() == [[30, 0.002], [40, 0.1]]
    assert "2 photographs" in shown.alt
    assert "from 0.0012 dB at 27.0 dB to 0.21 dB at 45.0 dB" in shown.alt


def test_errors_have_a_step_for_each_scale_and_say_where_the_error_is(hr):
    maps = {"×2": np.zeros((10, 10)), "×4": np.ones((10, 10))}
    maps["×2"][0, :5] = 7.0
    shown = pictures.errors(maps, {"×2": 30.0, "×4": 26.5}, start="×4")
    assert "×2: 30.00 dB; 5 % of the pixels hold 100 % of the error." in shown.alt
    assert "×4: 26.50 dB; 5 % of the pixels hold 5 % of the error." in shown.alt
    assert [step.label for step in shown.figure.layout.sliders[0].steps] == ["×2", "×4"]


def test_the_share_of_the_worst_pixels_counts_squares():
    error = np.array([[3.0, -1.0], [1.0, 1.0]])
    assert pictures.share_of_worst(error, 0.25) == pytest.approx(9 / 12)


def test_tables_have_a_column_for_each_photograph():
    lines = pictures.decibels("convention", {"a": {"Y": 26.0, "RGB": 24.5}, "b": {"Y": 30.0, "RGB": 28.0}}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert [cells[0], *cells[2:]] == [["convention", "a", "b"], ["Y", "26.00", "30.00"], ["RGB", "24.50", "28.00"]]


def test_what_rounding_costs_stands_beside_the_gain():
    last = pictures.rounding_costs([38.6, 35.1, 33.0], [0.1, 0.08, 0.05], [0.02, 0.009, 0.005]).splitlines()[-1]
    assert [cell.strip() for cell in last.strip("|").split("|")] == ["×4", "33.00", "0.05", "0.005"]


def test_results_by_scale_have_a_row_for_each_photograph_and_the_mean():
    folder = samples.path("camera").parent
    found = evaluate("bicubic", folder, scale=4)
    lines = pictures.by_scale({4: found}).splitlines()
    assert len(lines) == 2 + len(found.images) + 1
    assert f"**{found.psnr:.2f} / {found.ssim:.4f}**" in lines[-1]


def test_tables_of_the_paper_say_what_they_hold():
    assert pictures.metrics_of_tables("1B") == "Table 1: PSNR and SSIM; Table B: LPIPS"
