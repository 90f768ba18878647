"""A sheet of attribution maps: what it draws is what it is given."""

import pytest
import torch

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.kit.show import png
from satlib.figures.network.attributions import reach_lines, sheet

IMAGE = torch.rand(3, 12, 15, generator=torch.Generator().manual_seed(0))


def test_maps_are_shares_on_one_scale_with_their_numbers() -> None:
    even = Attribution(torch.ones(12, 15, dtype=torch.float64), 180.0)
    one = Attribution(torch.zeros(12, 15, dtype=torch.float64), -4.0)
    one.map[3, 4] = -2
    figure = sheet(IMAGE, Square(6, 8, 8), 2, {"even": even, "one": one})
    first, *others, bar = figure.axes
    assert [ax.get_title(loc="left") for ax in others] == ["even\nDI 100.0", "one\nDI 0.6, 50% unexplained"]
    shown = [ax.get_images()[0] for ax in others]
    assert float(shown[0].get_array().max()) == pytest.approx(100 / 180) and float(shown[1].get_array().max()) == 100
    assert shown[0].get_clim() == shown[1].get_clim() == pytest.approx((0.01, 100))
    for ax in (first, *others):
        assert ax.patches[0].get_bbox().bounds == (3.5, 2.5, 4, 4)
    assert bar.get_ylabel() == "% of the map's absolute sum"
    assert png(figure)


def test_a_map_of_nothing_is_drawn() -> None:
    assert png(sheet(IMAGE, Square(0, 0, 4), 2, {"nothing": Attribution(torch.zeros(12, 15), 0.0)}))


def test_what_does_not_fit_is_named() -> None:
    with pytest.raises(ValueError, match="at least one map, got none"):
        sheet(IMAGE, Square(0, 0, 4), 2, {})
    with pytest.raises(ValueError, match=r"the map of a is \(3, 3\), the image \(12, 15\)"):
        sheet(IMAGE, Square(0, 0, 4), 2, {"a": Attribution(torch.zeros(3, 3), 0.0)})


def test_lines_of_the_reach_are_the_means() -> None:
    shares = {"a": torch.tensor([[0.5, 0.1], [0.3, 0.3]]), "b": torch.tensor([[0.2, 0.0], [0.2, 0.0]])}
    (ax,) = reach_lines(shares).axes
    thick = [line for line in ax.lines if line.get_linewidth() == 2]
    assert [line.get_label() for line in thick] == ["a", "b"]
    assert thick[0].get_ydata().tolist() == pytest.approx([40, 20]) and len(ax.lines) == 6
    assert len({(line.get_color(), line.get_linestyle()) for line in thick}) == 2
    assert ax.get_yscale() == "log" and "farther away" in ax.get_ylabel()
    five = reach_lines(dict.fromkeys("abcde", shares["a"])).axes[0]
    thick = [line for line in five.lines if line.get_linewidth() == 2]
    assert len({(line.get_color(), line.get_linestyle()) for line in thick}) == 5
    with pytest.raises(ValueError, match="shares must be of at most five networks, got"):
        reach_lines(dict.fromkeys("abcdef", shares["a"]))
