"""The pictures and tables of chapter 9 have the network's numbers."""

import numpy as np
import pytest
import torch

from satlib import SATConfig
from satlib.complexity.parameters import n_params, outline
from satlib.figures.chapters import network as pictures
from satlib.results import paper


def cells(text: str) -> list[list[str]]:
    """Return the cells of a Markdown table, its head first."""
    lines = [line for line in text.splitlines() if not line.startswith(("|-", "|:"))]
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in lines]


def test_the_diagram_is_told_in_words() -> None:
    shown = pictures.diagram(SATConfig.preset("sat", 4))
    assert "228 channels" in shown.alt and "8 residual groups" in shown.alt
    assert any("228" in text.get_text() for text in shown.figure.axes[0].texts)


def test_stages_say_how_far_each_is_from_the_output() -> None:
    last = torch.full((3, 4, 6), 0.5)
    shown = pictures.stages([last + 10 / 255, last - 4 / 255, last])
    assert [frame.name for frame in shown.figure.frames] == ["1", "2", "3"]
    titles = [frame.layout.title.text for frame in shown.figure.frames]
    assert titles[0].startswith("After group 1: 10 levels")
    assert titles[1].startswith("After group 2: 4 levels")
    assert shown.figure.layout.title.text == titles[0]
    assert titles[2] == "After group 3, the last one: the network's output."
    assert all(title in shown.alt for title in titles)


def test_the_outline_adds_up() -> None:
    config = SATConfig.preset("sat-tiny", 2)
    _, *rows, total = cells(pictures.outline_table(outline(config)))
    assert sum(int(row[3].replace(",", "")) for row in rows) == n_params(config) == int(total[3].replace(",", ""))
    assert sum(float(row[4].rstrip("%")) for row in rows) == pytest.approx(100, abs=0.5)


def test_parts_of_a_block_are_in_the_column_of_the_block_that_has_them() -> None:
    config = SATConfig.preset("sat-tiny", 2)
    head, *rows, total = cells(pictures.block_table(config))
    by_name = {row[0]: row[1:] for row in rows}
    assert head == ["part of a block", "LTB", "SATB"]
    assert by_name["q, k, v: Linear"][1] == by_name["q, from all tokens: Linear"][0] == ""
    each = [part.each for part in outline(config) if "TB)" in part.name]
    assert [int(cell.replace(",", "")) for cell in total[1:]] == each


def test_bars_have_the_shares_that_are_told() -> None:
    shown = pictures.shares(4)
    first = shown.figure.axes[0].patches[: len(pictures.PRESETS)]
    for bar, name in zip(first, pictures.PRESETS, strict=True):
        assert f"{bar.get_width():.0f}% in {name}" in shown.alt


def test_a_network_that_rounds_to_the_printed_counts_is_marked() -> None:
    text = pictures.counts_table({"fits": (1.04, 2.0, 2.96), "misses": (1.06, 2.0, 3.0)}, [1.0, 2.0, 3.0])
    _, fits, misses, printed = cells(text)
    assert fits == ["fits", "1.04", "2.00", "2.96", "yes"]
    assert misses[-1] == ""
    assert printed == ["Table A", "1.0", "2.0", "3.0", ""]


def test_the_light_network_stands_beside_table_d() -> None:
    (_, row) = cells(pictures.light_table({0.5: 763_400}, {0.5: 680_000}))
    assert row == ["0.5", str(paper.table("D").number({"r_c": 0.5}, "params (K)")), "763.4", "680.0"]


def test_the_share_of_the_influence_outside_is_told() -> None:
    moved = torch.ones(8, 10)
    local = torch.zeros(8, 10, dtype=torch.bool)
    local[:, :6] = True
    shown = pictures.influence(torch.rand(3, 8, 10), moved, (3, 4), local)
    assert "40.0% of the influence is outside" in shown.alt
    assert np.allclose(shown.figure.axes[1].images[0].get_array(), 1)
