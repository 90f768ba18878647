"""Figures of several squares: the maps as shares, differences to the first, all in the same colours."""

import pytest
import torch

from satlib.analysis.attribution import Attribution, Square
from satlib.figures.kit.show import png
from satlib.figures.network.attribution_squares import squares

IMAGE = torch.rand(3, 12, 15, generator=torch.Generator().manual_seed(0))
PLACES = [Square(0, 0, 8), Square(8, 12, 8)]


def of(seed: int) -> Attribution:
    return Attribution(torch.randn(12, 15, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), 1.0)


def test_each_square_has_its_maps_and_their_differences() -> None:
    found = [{"on": of(0), "off": of(1), "other": of(2)}, {"on": of(3), "off": of(4), "other": of(5)}]
    drawn = squares(IMAGE, PLACES, 2, found)
    assert len(drawn) == 2
    limits = set()
    for number, (figure, maps) in enumerate(zip(drawn, found, strict=True)):
        panels, bars = figure.axes[:6], figure.axes[6:]
        titles = [ax.get_title(loc="left") for ax in panels]
        index = maps["off"].diffusion_index
        assert titles[0] == f"input,\nsquare {number + 1}" and titles[2] == f"off\nDI {index:.1f}"
        assert titles[4:] == ["on\nless off", "on\nless other"]
        images = [ax.get_images()[0] for ax in panels]
        shares = {name: 100 * one.map.abs() / one.map.abs().sum() for name, one in maps.items()}
        change = torch.tensor(images[5].get_array().filled())
        torch.testing.assert_close(change, shares["on"] - shares["other"])
        shown = torch.tensor(images[1].get_array().filled())
        torch.testing.assert_close(shown, shares["on"].clamp_min(images[1].get_clim()[0]))
        limits.add((images[1].get_clim(), images[3].get_clim(), images[4].get_clim(), images[5].get_clim()))
        frames = [patch.get_bbox().bounds for patch in panels[0].patches]
        assert frames == [(-0.5, -0.5, 4, 4), (5.5, 3.5, 4, 4)]
        widths = [patch.get_linewidth() for patch in panels[0].patches]
        assert widths.index(max(widths)) == number and [text.get_text() for text in panels[0].texts] == ["1", "2"]
        assert panels[3].patches[0].get_bbox().bounds == frames[number]
        assert [bar.get_xlabel().split(":")[0] for bar in bars] == ["maps", "differences"]
        assert png(figure)
    assert len(limits) == 1


def test_maps_of_nothing_are_drawn() -> None:
    nothing = Attribution(torch.zeros(12, 15, dtype=torch.float64), 0.0)
    (figure,) = squares(IMAGE, PLACES[:1], 2, [{"on": nothing, "off": nothing}])
    assert png(figure)


def test_what_does_not_fit_is_named() -> None:
    for found in ([], [{"on": of(0)}] * 2, [{"on": of(0), "off": of(1)}], [{"on": of(0), "off": of(1)}, {"on": of(0)}]):
        with pytest.raises(ValueError, match="every square must have maps of the same two states at least, got"):
            squares(IMAGE, PLACES, 2, found)


def test_no_title_lies_over_a_panel() -> None:
    image = torch.rand(3, 24, 24, generator=torch.Generator().manual_seed(0))
    names = ("SAA on", "SAA off", "another's tokens")
    maps = {name: Attribution(torch.ones(24, 24, dtype=torch.float64), 1.0) for name in names}
    [figure] = squares(image, [Square(0, 0, 8)], 2, [maps])
    figure.draw_without_rendering()
    boxes = [ax.get_window_extent() for ax in figure.axes]
    for ax in figure.axes[:6]:
        (title,) = (text for text in ax.get_children() if getattr(text, "get_text", str)() == ax.get_title(loc="left"))
        assert not any(title.get_window_extent().overlaps(box) for box in boxes), title.get_text()
