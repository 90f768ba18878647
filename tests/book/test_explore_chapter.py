"""The chapter on explorers: the cells that open one run without a front end, on the notebook's own parameters."""

import re
from pathlib import Path
from typing import Any

import ipywidgets
import jupytext
import pytest
from explorers import check_shown

from satlib import explore, samples

CHAPTER = Path(__file__).parents[2] / "notebooks" / "19_explorers.md"
CELLS = [cell for cell in jupytext.read(CHAPTER).cells if cell.cell_type == "code"]
LIVE = [cell.source for cell in CELLS if "skip-execution" in cell.metadata.get("tags", [])]


def named(source: str) -> str:
    """Return which explorer a cell opens."""
    return source.removeprefix("explore.").split("(")[0]


def test_the_chapter_opens_each_explorer_once() -> None:
    assert sorted(named(source) for source in LIVE) == explore.__all__


@pytest.mark.parametrize("name", explore.__all__)
def test_a_chapter_of_the_table_holds_the_explorer(name: str) -> None:
    (row,) = re.findall(rf"^\| \d \| `{name}\(.*$", CHAPTER.read_text(encoding="utf-8"), re.M)
    chapters = re.findall(r"{doc}`(\w+)`", row)
    held = [cell.source for chapter in chapters for cell in jupytext.read(CHAPTER.with_name(f"{chapter}.md")).cells]
    assert any(f"explore.{name}(" in source for source in held)


@pytest.mark.parametrize("source", LIVE)
def test_a_cell_that_opens_an_explorer_gives_a_widget(source: str) -> None:
    photo = samples.load("coffee").resize((24, 16))
    names: dict[str, Any] = {
        "explore": explore,
        "photo": photo,
        "network": "sat-tiny-x2",
        "low": photo,
        "high": photo.resize((48, 32)),
    }
    explorer = eval(source, names)
    assert isinstance(explorer, ipywidgets.Widget)
    assert explorer.pictures
    for picture in explorer.pictures:
        check_shown(picture)
    explorer.close()
