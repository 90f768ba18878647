"""The pictures and tables of chapter 7 draw what tokens read, and say it."""

import numpy as np
import pytest
import torch

from satlib import SATConfig
from satlib.analysis.receptive_field import in_windows
from satlib.figures.chapters import windows as pictures

GRID = (16, 24)


@pytest.fixture(scope="module")
def image():
    return torch.rand(3, *GRID, generator=torch.Generator().manual_seed(0))


def test_four_cuts_are_drawn_and_their_pixels_told(image) -> None:
    shown = pictures.partitions(image, 0, (4, 8))
    titles = [ax.get_title(loc="left") for ax in shown.figure.axes]
    assert titles == ["4 × 8", "8 × 4", "4 × 8, shifted", "8 × 4, shifted"]
    # In place the corner's window is whole; shifted by half of both sides, a quarter of it is left.
    assert shown.alt.endswith("4 × 8: 32 pixels; 8 × 4: 32 pixels; 4 × 8, shifted: 8 pixels; 8 × 4, shifted: 8 pixels.")


def test_the_table_has_a_row_for_each_token() -> None:
    rows = pictures.reads_table({"the first": (448, 112), "the star": (448, 448)}).splitlines()
    assert [cell.strip() for cell in rows[2].split("|")[1:-1]] == ["the first", "448", "112"]
    assert len(rows) == 4


def test_the_slider_begins_before_the_first_block(image) -> None:
    steps = [torch.arange(384) < 96, torch.arange(384) < 384]
    shown = pictures.reach(image, 5, steps)
    assert [frame.name for frame in shown.figure.frames] == ["0", "1", "2"]
    assert shown.figure.layout.title.text == "Local blocks: 1. Seen: 96 of 384 tokens, 25%."
    assert "Seen: 384 of 384 tokens, 100%." in shown.alt


def test_maps_are_titled_by_their_block_and_their_ranges_told() -> None:
    shown = pictures.position_maps([torch.tensor([[1.0, 3.0, 5.0]]), torch.full((1, 3), 7.0)])
    assert [ax.get_title(loc="left") for ax in shown.figure.axes[:2]] == ["local block 1", "local block 2"]
    assert np.array_equal(shown.figure.axes[0].images[0].get_array(), [[-2, 0, 2]])
    assert shown.alt.endswith("are 4.00, 0.00.")


def test_the_spread_stands_beside_the_width() -> None:
    row = pictures.spread_table({"sat-light": 1}, {"sat-light": 0.0}).splitlines()[2]
    assert [cell.strip() for cell in row.split("|")[1:-1]] == ["`sat-light`", "1", "0"]


def test_places_say_what_is_read_and_what_is_hidden() -> None:
    config = SATConfig.preset("sat-tiny", 2, window=(4, 8))
    found = {name: in_windows((8, 16), config, token, shifted=True) for name, token in (("a", 0), ("b", 67))}
    shown = pictures.places(torch.rand(3, 8, 16), found)
    read, hidden = found["a"]
    assert f"Read by a: {int(read.any(0).sum())} tokens. Hidden by the mask: {int(hidden.any(0).sum())}." in shown.alt
    assert [frame.name for frame in shown.figure.frames] == ["a", "b"]
