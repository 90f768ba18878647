"""The pictures and tables of chapter 20 show the maps and shares that they are given."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from satlib.analysis.attribution import Attribution, Square
from satlib.analysis.statistics import interval
from satlib.figures.chapters import attribution as pictures
from satlib.images.tensors import to_pixels
from satlib.results.convolutional import Predicted

GRID = (12, 15)
SQUARE = Square(8, 8, 8)


def of(seed: int, gained: float = 100.0) -> Attribution:
    return Attribution(torch.rand(*GRID, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), gained)


IMAGES = {name: torch.rand(3, *GRID, generator=torch.Generator().manual_seed(i)) for i, name in enumerate("ab")}
MAPS = {"a": {"own": of(0), "bicubic": of(1, 80.0)}, "b": {"own": of(2, 50.0), "bicubic": of(3)}}


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()][2:]


def test_the_sheet_has_a_map_for_each_network_and_its_index() -> None:
    drawn = pictures.sheet(IMAGES["a"], SQUARE, 2, MAPS["a"])
    assert len(drawn.figure.axes) == 4  # the photograph, two maps, a colour bar
    assert "2 maps" in drawn.alt
    assert f"own {MAPS['a']['own'].diffusion_index:.1f}, bicubic" in drawn.alt


def test_the_slider_has_each_photograph_beside_its_map_with_a_frame() -> None:
    images = IMAGES | {"tall": torch.zeros(3, 20, 10)}
    maps = MAPS | {"tall": MAPS["a"]}
    drawn = pictures.by_photograph(images, dict.fromkeys(images, SQUARE), 2, maps, "own")
    assert [frame.name for frame in drawn.figure.frames] == ["a", "b"]
    data = base64.b64decode(drawn.figure.frames[1].data[0].source.split(",", 1)[1])
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert shown.shape == (4 * GRID[0], 2 * 4 * GRID[1], 3)
    np.testing.assert_array_equal(shown[2::4, 2:60:4][:3], to_pixels(IMAGES["b"], "uint8")[:3])
    found = MAPS["b"]["own"].map
    green = shown[2::4, 62::4, 1][4:8, 4:8].ravel()  # it rises with the value in viridis
    order = found[4:8, 4:8].flatten().argsort().numpy()
    assert (np.diff(green[order].astype(int)) >= 0).all() and green.min() < green.max()
    assert (shown[16:32, 14] == (213, 94, 0)).all() and (shown[16:32, 74] == (213, 94, 0)).all()
    own = MAPS["b"]["own"]
    assert f"b: diffusion index {own.diffusion_index:.1f}, {own.missing:.0%} unexplained" in drawn.alt


def test_the_slider_over_squares_tells_what_lies_far() -> None:
    places = [SQUARE, Square(0, 0, 8)]
    found = [{"on": of(0), "off": of(1)}, {"on": of(2), "off": of(3)}]
    drawn = pictures.by_square(IMAGES["a"], places, 2, found)
    assert [frame.name for frame in drawn.figure.frames] == ["1", "2"]
    shares = []
    for one in found[1].values():
        size = one.map.abs()
        shares.append(f"{100 * float(1 - size[:12, :12].sum() / size.sum()):.1f}")  # 4 x 4 pixels and 8 around them
    assert drawn.figure.frames[1].layout.title.text == f"beyond 8 pixels: {', '.join(shares)} %"
    assert f"square 2: beyond 8 pixels: {', '.join(shares)} %" in drawn.alt
    assert "with on, and with off; and on less each of the others" in drawn.alt


def test_reach_tells_means() -> None:
    drawn = pictures.reach({"own": torch.tensor([[0.5, 0.3, 0.1], [0.5, 0.3, 0.2]]), "net": torch.zeros(2, 3)})
    assert drawn.alt.endswith("Means beyond 2 pixels: own 15.00 %, net 0.00 %.")
    assert drawn.figure.axes[0].get_yscale() == "log"


def test_what_is_not_explained() -> None:
    missing = sorted(MAPS[name]["own"].missing for name in MAPS)
    assert rows(pictures.unexplained(MAPS))[0] == ["own", f"{missing[0]:.2%}", f"{missing[1]:.2%}"]


def test_how_far_is_a_mean_with_its_interval() -> None:
    shares = {"own": torch.tensor([[0.5, 0.03], [0.5, 0.01]]), "bicubic": torch.zeros(2, 2)}
    own, bicubic = rows(pictures.how_far(MAPS, shares, 12))
    index = interval(torch.tensor([[MAPS[name]["own"].diffusion_index] for name in MAPS]))
    assert own[0] == "own" and own[1].startswith(f"{index.mean:.2f} ({index.low:.2f} to")
    assert own[2] == "2.00 (1.00 to 3.00)" and bicubic[2] == "0.00 (0.00 to 0.00)"
    assert "% beyond 12 pixels" in pictures.how_far(MAPS, shares, 12)


def test_tiles_are_compared_scene_by_scene() -> None:
    listed = rows(pictures.on_tiles(torch.tensor([1.0, 2.0]), torch.tensor([0.5, 1.5])))
    assert [row[0] for row in listed] == ["the same texture", "other textures", "difference, scene by scene"]
    assert listed[2][1] == "0.500 (0.500 to 0.500)" and listed[0][1].startswith("1.500 (")


@pytest.mark.parametrize("shares", [(0.5, 0.99)])
def test_sides_are_whole_pixels(shares: tuple[float, ...]) -> None:
    table = pictures.sides({"own": [3.0, 21.0]}, shares)
    assert rows(table) == [["own", "3", "21"]] and "50%" in table and "99%" in table


def test_quality_and_outcome_say_what_results_say() -> None:
    found = {"net": {"params": 1234, "held out": {"psnr": 32.386, "ssim": 0.91324}}}
    assert rows(pictures.quality(found, ["held out"])) == [["`net`", "1,234", "32.39 / 0.9132"]]
    predicted = {"index": Predicted(1.9, 1.6, 2.2), "dB": Predicted(-0.05, -0.15, 0.05)}
    assert rows(pictures.outcome(predicted, {"index": 1.7, "dB": -0.3})) == [
        ["index", "1.9 (1.6 to 2.2)", "1.7", "inside"],
        ["dB", "-0.05 (-0.15 to 0.05)", "-0.3", "outside"],
    ]
