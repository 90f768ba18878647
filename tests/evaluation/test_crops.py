"""Crops by rule, and the pictures of outputs side by side: held against loops, and read back from what is shown."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from satlib.evaluation import crops
from satlib.evaluation.crops import Square
from satlib.figures.quality import sheets
from satlib.figures.quality.sheets import Row, Sheet
from satlib.metrics import psnr, ssim
from satlib.metrics.luma import luma


def photograph(seed: int = 0, height: int = 30, width: int = 23) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def energy_of(image: np.ndarray, top: int, left: int, side: int) -> float:
    """Return the energy of the gradient of Y in a square, by a loop over its pixels."""
    y, total = luma(image), 0.0
    for r in range(top, top + side):
        for c in range(left, left + side):
            up, down = max(r - 1, 0), min(r + 1, len(y) - 1)
            before, after = max(c - 1, 0), min(c + 1, y.shape[1] - 1)
            total += ((y[down, c] - y[up, c]) / (down - up)) ** 2
            total += ((y[r, after] - y[r, before]) / (after - before)) ** 2
    return total


@pytest.mark.parametrize(("side", "margin"), [(1, 0), (5, 0), (5, 3), (17, 3), (23, 0)])
def test_the_steepest_box_is_the_best_of_all(side: int, margin: int) -> None:
    image = photograph()
    places = [
        (top, left) for top in range(margin, 30 - margin - side + 1) for left in range(margin, 23 - margin - side + 1)
    ]
    best = max(places, key=lambda place: energy_of(image, *place, side))
    assert crops.steepest_box(image, side, margin=margin) == (*best, side)


def test_the_steepest_box_sees_an_edge() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 30:] = 255
    top, left, _ = crops.steepest_box(image, 8)
    assert top == 0 and left <= 29 and left + 8 > 30


def test_a_lattice_has_every_square_that_fits() -> None:
    boxes = crops.lattice(photograph(), 5, margin=2)
    assert boxes == [(top, left, 5) for top in (2, 7, 12, 17, 22) for left in (2, 7, 12)]
    assert crops.lattice(photograph(), 23) == [(0, 0, 23)]


@pytest.mark.parametrize(("side", "margin"), [(24, 0), (0, 0), (-1, 0), (20, 2), (5, -1)])
def test_no_square_fits(side: int, margin: int) -> None:
    message = f"no square of {side} pixels lies in an image of 30 x 23 pixels with a margin of {margin}"
    for rule in (crops.steepest_box, crops.lattice):
        with pytest.raises(ValueError, match=message):
            rule(photograph(), side, margin=margin)


def test_fractions_of_pixels_are_named() -> None:
    with pytest.raises(ValueError, match="side and margin must be an integer, got 2.5"):
        crops.steepest_box(photograph(), 5, margin=2.5)
    with pytest.raises(ValueError, match="box must be an integer, got 4.0"):
        crops.cut(photograph(), (0, 0, 4.0))


@pytest.mark.parametrize("box", [(26, 0, 5), (0, -1, 3), (0, 0, 0), (0, 20, 4)])
def test_a_box_outside_the_image(box: tuple[int, int, int]) -> None:
    for use in (crops.cut, sheets.framed):
        with pytest.raises(ValueError, match="does not lie in an image of 30 x 23 pixels"):
            use(photograph(), box)


def test_a_gradient_needs_pixels() -> None:
    with pytest.raises(ValueError, match="got an image of 1 x 9"):
        crops.gradient_energy(photograph(height=1, width=9))


def test_quality_is_that_of_the_crop() -> None:
    image, output = photograph(), photograph(1)
    pair = output[3:18, 2:17], image[3:18, 2:17]
    assert crops.quality(output, image, (3, 2, 15)) == (psnr(*pair), ssim(*pair))


def test_squares_are_compared_with_the_truth() -> None:
    image, before, after = photograph(), photograph(1), photograph(2)
    box = (4, 6, 7)
    (square,) = crops.compare_squares(image, before, after, [box])
    part = np.s_[4:11, 6:13]
    assert square.box == box
    assert square.energy == pytest.approx(energy_of(image, *box) / 49)
    assert square.before == pytest.approx(((luma(before) - luma(image))[part] ** 2).mean())
    assert square.gain == pytest.approx(psnr(after[part], image[part]) - psnr(before[part], image[part]))


def test_the_gain_of_a_square_without_error() -> None:
    assert Square((0, 0, 1), 1.0, 0.5, 0.0).gain == np.inf
    assert Square((0, 0, 1), 1.0, 0.0, 0.5).gain == -np.inf
    assert np.isnan(Square((0, 0, 1), 1.0, 0.0, 0.0).gain)


def pictures(html: str) -> dict[str, np.ndarray]:
    """Return the images of a page by their alternative text."""
    found = re.findall(r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)"', html)
    return {alt: np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))) for data, alt in found}


def test_a_sheet_shows_the_very_pixels_enlarged_by_a_whole_number() -> None:
    images = {"bicubic: 20 dB": photograph(1, 6, 5), "truth <x>": photograph(2, 6, 5)}
    sheet = Sheet([Row('row "a"', images)], zoom=4, alt="two  crops")
    bundle = sheet._repr_mimebundle_()
    assert bundle["text/plain"] == repr(sheet) == "two crops"
    shown = pictures(bundle["text/html"])
    assert list(shown) == ["row &quot;a&quot;: bicubic: 20 dB", "row &quot;a&quot;: truth &lt;x&gt;"]
    for drawn, image in zip(shown.values(), images.values(), strict=True):
        np.testing.assert_array_equal(drawn, image)
    assert (
        bundle["text/html"].count('width="20" height="24" style="width:20px;height:24px;image-rendering:pixelated') == 2
    )
    assert "<strong>row &quot;a&quot;</strong>" in bundle["text/html"]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"alt": " "}, "alt must describe"), ({"zoom": 0}, "zoom must be at least 1, got 0"), ({"rows": []}, "one image")],
)
def test_a_sheet_that_cannot_be_shown(options: dict[str, object], message: str) -> None:
    usual: dict[str, object] = {"rows": [Row("a", {"b": photograph()})], "zoom": 2, "alt": "c"}
    with pytest.raises(ValueError, match=message):
        Sheet(**{**usual, **options})


def test_a_sheet_can_lie_folded_under_a_line() -> None:
    html = Sheet([Row("a", {"b": photograph()})], zoom=2, alt="c", folded="two <crops>").html()
    assert html.startswith('<details><summary>two &lt;crops&gt;</summary><div class="sheet"')
    assert html.endswith("</details>")


def test_a_frame_lies_around_its_box() -> None:
    image = photograph()
    drawn = sheets.framed(image, (1, 10, 6))
    np.testing.assert_array_equal(drawn[1:7, 10:16], image[1:7, 10:16])
    changed = (drawn != image).any(2)
    assert changed[0:9, 8:18].sum() == 9 * 10 - 36 and changed.sum() == 54
    assert not np.shares_memory(drawn, image)


def test_dots_tell_gains_from_losses() -> None:
    squares = {
        "one": [Square((0, 0, 8), 16.0, 2.0, 1.0), Square((0, 8, 8), 9.0, 1.0, 2.0)],
        "flat": [Square((0, 0, 8), 0.0, 1.0, 2.0), Square((0, 8, 8), 1.0, 1.0, 0.0)],  # without gradient, without error
    }
    dots, zero = sheets.gain_dots(squares, note="gains").data
    assert list(dots.x) == [4.0, 3.0] and list(dots.y) == [3.01, -3.01]
    assert list(dots.text) == ["one, row 0, column 0", "one, row 0, column 8"]
    assert list(dots.marker.symbol) == ["circle", "x"] and len(set(dots.marker.color)) == 2
    assert list(zero.x) == [3.0, 4.0]
    with pytest.raises(ValueError, match="no square with a gradient"):
        sheets.gain_dots({"flat": squares["flat"]}, note="")
