"""The pictures and tables of chapter 18 show the changes and settings that they are given."""

import numpy as np
import pytest
import torch

from satlib import SATConfig
from satlib.complexity.parameters import n_params
from satlib.figures.chapters import paper_and_code as pictures
from satlib.training import TrainConfig

USUAL = torch.full((1, 3, 4, 6), 0.5)


def test_changes_are_drawn_in_falling_order_beside_the_yardsticks() -> None:
    outputs = {"plain mean": USUAL + 0.1 / 255, "another sample": USUAL - 1 / 255}
    shown = pictures.moved(outputs, USUAL, USUAL + 4 / 255)
    (ax,) = shown.figure.axes
    names = [tick.get_text() for tick in ax.get_yticklabels()]
    assert names == ["the network, against bicubic", "another sample", "rounding to 8 bits", "plain mean"]
    places = [(float(x), y) for x, y in (line.get_xydata()[0] for line in ax.lines)]
    assert places == [(pytest.approx(x, rel=1e-4), y) for y, x in enumerate((4, 1, 12**-0.5, 0.1))]
    assert [text.get_text() for text in ax.texts] == ["4.00", "1.00", "0.29", "0.10"]
    assert ax.get_xscale() == "log"
    assert "another sample 1.000; rounding to 8 bits 0.289; plain mean 0.100." in shown.alt
    assert [line.get_marker() for line in ax.lines] == ["D", "D", "D", "o"]


def test_rounding_is_what_rounding_does() -> None:
    values = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    assert pictures.root_mean_square((255 * values).round() / 255 - values) == pytest.approx(
        pictures.ROUNDING, rel=0.02
    )


def test_maps_show_the_largest_change_of_a_colour_on_one_scale() -> None:
    one, other = USUAL.clone(), USUAL.clone()
    one[0, 1, 2, 3] += 2 / 255
    other[0, 0] -= 1 / 255
    shown = pictures.places({"a": one, "b": other}, USUAL)
    first, second = (ax.images[0] for ax in shown.figure.axes[:2])
    assert first.get_array()[2, 3] == pytest.approx(2, rel=1e-4)
    np.testing.assert_allclose(second.get_array(), 1, rtol=1e-4)
    assert first.get_clim() == second.get_clim()
    assert "a: 0.08 on average, 2.0 at most; b: 1.00 on average, 1.0 at most." in shown.alt


def test_presets_stand_with_their_blocks_and_parameters() -> None:
    config = SATConfig.preset("sat-tiny", 2)
    last = pictures.sizes({"sat-tiny": config}, {"sat-tiny": n_params(config)}).splitlines()[-1]
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells == ["`sat-tiny`", str(sum(config.groups)), f"{n_params(config) / 1e6:.2f}"]


def test_recipes_stand_with_their_schedule() -> None:
    recipe = TrainConfig.recipe("paper", network=SATConfig.preset("sat", 4), store="photographs")
    last = pictures.recipes({"paper": recipe}).splitlines()[-1]
    cells = [cell.strip() for cell in last.strip("|").split("|")]
    assert cells == ["paper", "0.0001", "250,000", "100K, 150K, 200K, 225K, 240K"]
