"""The pictures of chapter 16 show the outputs, crops and gains that they are given; its tables have their numbers."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from satlib import SATConfig, load
from satlib.evaluation import crops
from satlib.evaluation.crops import Square
from satlib.evaluation.records import recorded
from satlib.figures.chapters import comparison as pictures
from satlib.figures.chapters import comparison_tables as tables
from satlib.upscaling.models import Bicubic

NAMES = ("bicubic", "net")


def photograph(seed: int, height: int = 60, width: int = 48) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


TRUTH = {(2, "a"): photograph(0), (2, "b"): photograph(1, 240, 240), (4, "a"): photograph(2)}
OUTPUTS = {key: {name: photograph(10 + i, *hr.shape[:2]) for i, name in enumerate(NAMES)} for key, hr in TRUTH.items()}
BOXES = {key: (4, 6, 12) for key in TRUTH}


def shown(html: str) -> dict[str, np.ndarray]:
    """Return the images of a page by their alternative text."""
    found = re.findall(r'<img src="data:image/\w+;base64,([^"]+)" alt="([^"]*)"', html)
    return {alt: np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")) for data, alt in found}


def test_the_divider_has_one_part_of_all_three_around_the_steepest_square() -> None:
    drawn = pictures.divider(TRUTH, OUTPUTS, (2, "b"), "net")
    assert list(drawn.images) == ["bicubic ×2", "net", "the photograph"]
    top, left, side = crops.steepest_box(TRUTH[2, "b"], 40)
    rows = slice(min(240 - 152, max(0, round(top + side / 2 - 76))), None)
    columns = slice(min(240 - 228, max(0, round(left + side / 2 - 114))), None)
    for image, whole in zip(drawn.images.values(), (*OUTPUTS[2, "b"].values(), TRUTH[2, "b"]), strict=True):
        np.testing.assert_array_equal(image, whole[rows, columns][:152, :228])
    assert "enlarged 2 times" in drawn.alt and "by net" in drawn.alt


def test_a_small_photograph_is_under_the_divider_as_a_whole() -> None:
    drawn = pictures.divider(TRUTH, OUTPUTS, (4, "a"), "net")
    np.testing.assert_array_equal(drawn.images["the photograph"], TRUTH[4, "a"])


def test_gains_are_dots_with_their_mean_and_the_papers() -> None:
    drawn = pictures.gains({("Set5", "net"): [1.0, 2.0], ("ours", "net"): [-0.5]}, {("Set5", "net"): 3.25})
    dots, means, paper = drawn.figure.data
    assert (list(dots.x), list(dots.y)) == ([1, 2, -0.5], ["Set5, net", "Set5, net", "ours, net"])
    assert (list(means.x), list(paper.x), list(paper.y)) == ([1.5, -0.5], [3.25], ["Set5, net"])
    assert "Set5, net: +1.00 to +2.00, mean +1.50, the paper's SAT +3.25; ours, net: -0.50 to -0.50" in drawn.alt
    assert len(pictures.gains({("ours", "net"): [1.0]}, {}).figure.data) == 2


def test_gains_need_an_image_in_each_row() -> None:
    with pytest.raises(ValueError, match=r"a gain is needed in each row, got \{'ours, net': 0\}"):
        pictures.gains({("ours", "net"): []}, {})


def test_a_crop_stands_under_each_model_with_its_numbers() -> None:
    html = pictures.one_crop(TRUTH, OUTPUTS, BOXES, (2, "a")).html()
    images = shown(html)
    level, likeness = crops.quality(OUTPUTS[2, "a"]["net"], TRUTH[2, "a"], BOXES[2, "a"])
    np.testing.assert_array_equal(
        images[f"a, ×2: net: {level:.2f} dB, {likeness:.3f}"], OUTPUTS[2, "a"]["net"][4:16, 6:18]
    )
    np.testing.assert_array_equal(images["a, ×2: the photograph"], TRUTH[2, "a"][4:16, 6:18])
    assert "<details>" not in html


def test_all_crops_of_a_scale_are_folded() -> None:
    html = pictures.all_crops(TRUTH, OUTPUTS, BOXES, 2).html()
    assert html.startswith("<details><summary>All 2 crops at ×2</summary>")
    assert {alt.split(",")[0] for alt in shown(html)} == {"a", "b"}


def test_places_have_a_frame_in_each_photograph() -> None:
    html = pictures.places(TRUTH, BOXES, 2).html()
    small = shown(html)
    assert list(small) == ["where the crops are: a", "where the crops are: b"]
    assert small["where the crops are: b"].shape == (120, 120, 3)


def test_error_maps_tell_the_mean_error() -> None:
    drawn = pictures.error_maps(TRUTH, {key: made | {"same": TRUTH[key]} for key, made in OUTPUTS.items()}, (2, "a"))
    assert "'a' at ×2" in drawn.alt and "same 0.00 levels" in drawn.alt
    assert drawn.figure.axes[3].get_images()[0].get_array().max() == 0


def test_squares_that_lose_are_counted() -> None:
    squares = {"a": [Square((0, 0, 8), 16.0, 2.0, 1.0), Square((0, 8, 8), 9.0, 1.0, 2.0)]}
    drawn = pictures.gain_of_squares(squares, "net", 4)
    assert "one mark for each of 2 squares: from -3.0 to +3.0. Marks below zero, 1, are crosses" in drawn.alt
    assert drawn.figure.layout.title.text == "net over bicubic, ×4: squares of 8 × 8 pixels"
    table = tables.lost_squares({(4, "net", "a"): squares["a"]}).splitlines()[-1]
    cells = [cell.strip() for cell in table.strip("|").split("|")]
    assert cells == ["×4", "net", "2", "1", "0", "-3.01 dB, a, row 0, column 8"]


def test_losses_are_cut_where_they_are() -> None:
    html = pictures.losses(TRUTH, OUTPUTS, [("b", (100, 50, 20)), ("a", (0, 0, 20))], "net", 2).html()
    images = shown(html)
    np.testing.assert_array_equal(images["b, ×2: the photograph"], TRUTH[2, "b"][100:120, 50:70])
    assert "<strong>a, ×2</strong>" in html


def test_a_slider_flips_between_the_images_around_a_square() -> None:
    drawn = pictures.flip(TRUTH, OUTPUTS, (2, "b"), (100, 60, 20))
    assert [frame.name for frame in drawn.figure.frames] == ["bicubic", "net", "the photograph"]
    level = crops.quality(OUTPUTS[2, "b"]["net"], TRUTH[2, "b"], (100, 60, 20))[0]
    assert f"net: {level:.2f} dB in the square" in drawn.alt
    data = base64.b64decode(drawn.figure.frames[1].data[0].source.split(",", 1)[1])
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert image.shape == (40, 40, 3)
    np.testing.assert_array_equal(image[10:30, 10:30], OUTPUTS[2, "b"]["net"][100:120, 60:80])


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()][2:]


def test_published_numbers_stand_below_ours() -> None:
    found = recorded("sat-tiny-x4")
    listed = rows(tables.published(found))
    assert listed[0] == ["Set5", "bicubic", f"**{found[0].psnr:.2f} / {found[0].ssim:.4f}**"]
    assert ["Set5", "SAT, the paper's Table 1", "33.19 / 0.9073"] in listed
    assert ["Set5", "PFT-light, as the PFT paper gives it", "32.63 / –"] in listed
    assert [row[0] for row in listed] == sorted((row[0] for row in listed), reverse=True)
    assert not [row for row in listed if row[0] == "Set14" and "PFT" in row[1]]


def test_gains_in_numbers() -> None:
    assert rows(tables.gains({("d", "m"): [1.0, -0.5, 2.5]})) == [["d", "m", "+1.00", "-0.50", "+2.50", "2 of 3"]]


def test_costs_of_networks_and_of_what_is_not_counted() -> None:
    net = load("sat-tiny-x2")
    listed = rows(tables.costs({"ours": net, "paper's": SATConfig.preset("sat", 2), "other": Bicubic(2)}))
    assert [row[:2] for row in listed] == [["ours", f"{net.n_params:,}"], ["paper's", "19,356,833"], ["other", "0"]]
    assert listed[1][2] == "28,118" and listed[2][2] == "–"


def test_errors_are_parts_of_the_baselines() -> None:
    errors = {(2, "bicubic"): [(4.0, 8.0), (1.0, 4.0)], (2, "net"): [(2.0, 3.0), (1.0, 2.0)]}
    assert rows(tables.error_shares(errors)) == [
        ["×2", "bicubic", "38%", "1.00", "1.00"],
        ["×2", "net", "58%", "0.75", "0.29"],
    ]


def test_what_takes_part_is_listed() -> None:
    assert rows(tables.taking_part([("b", Bicubic(3), "none")])) == [["b", "none", "×3", "0"]]
