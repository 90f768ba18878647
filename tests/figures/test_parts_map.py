"""The map of the network: its sizes are the configuration's, and what it leads to is there."""

import re
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

import pytest

from satlib import SATConfig
from satlib.figures.network.parts_map import ALT, NARROW, WIDE, NetworkMap, rows

ROOT = Path(__file__).parents[2]
CONFIG = SATConfig.preset("sat", scale=3)
PARTS = [part for row in rows(CONFIG) for part in row.parts if part.chapter]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_has_a_chapter_a_function_and_a_page_of_the_api(part) -> None:
    assert (ROOT / "notebooks" / f"{part.chapter}.md").is_file()
    module, _, name = part.function.rpartition(".")
    assert getattr(import_module(module), name).__module__ == module
    page, _, entry = part.entry.partition("#")
    assert entry.rpartition(".")[2] == name
    assert f".. automodule:: {entry.rpartition('.')[0]}\n" in (ROOT / "book" / "api" / f"{page}.md").read_text()


def drawings(html: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(html))


def test_both_drawings_show_the_same_parts_with_the_sizes_of_the_configuration() -> None:
    wide, narrow = (
        [text.text for text in svg.iter() if text.tag.endswith("text")] for svg in drawings(NetworkMap(CONFIG).html())
    )
    assert set(wide) == set(narrow)
    assert {"3 → 228", "8 groups", "×3", "8 × 32 tokens", "3 % of all"} <= set(wide)


@pytest.mark.parametrize(("place", "width"), [(0, WIDE), (1, NARROW)])
def test_boxes_lie_inside_and_apart(place: int, width: int) -> None:
    svg = drawings(NetworkMap(CONFIG).html())[place]
    boxes = [
        tuple(float(rect.get(key)) for key in ("x", "y", "width", "height"))
        for link in svg.iter("{http://www.w3.org/2000/svg}a")
        for rect in link.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert len(boxes) == len(PARTS)
    for i, (x, y, w, h) in enumerate(boxes):
        assert 0 <= x <= x + w <= width
        for x2, y2, *_ in boxes[i + 1 :]:
            assert x2 >= x + w or y2 >= y + h or x2 + w <= x


@pytest.mark.parametrize("place", [0, 1])
def test_words_fit_into_their_boxes(place: int) -> None:
    svg = drawings(NetworkMap(CONFIG).html())[place]
    for link in svg.iter("{http://www.w3.org/2000/svg}a"):
        for rect in link.iter("{http://www.w3.org/2000/svg}rect"):
            for text in link.iter("{http://www.w3.org/2000/svg}text"):
                width = 0.63 if text.get("font-weight") else 0.56  # of a letter, in its height, at most on average
                assert width * float(text.get("font-size")) * len(text.text) <= float(rect.get("width")), text.text


def test_the_parts_of_the_current_chapter_have_a_thick_frame() -> None:
    assert "stroke-width:3" not in NetworkMap(CONFIG).html()
    svg, _ = drawings(NetworkMap(CONFIG, current="06_aggregation", root="").html())
    lit = [
        a.get("href")
        for a in svg.iter("{http://www.w3.org/2000/svg}a")
        if re.search("stroke-width:3", ElementTree.tostring(a).decode())
    ]
    assert lit == ["notebooks/06_aggregation.html"] * 2


def test_a_chapter_without_part_is_refused() -> None:
    with pytest.raises(ValueError, match="current must be one of 02_sampling, .*, got '12_theorem'"):
        NetworkMap(CONFIG, current="12_theorem")


def test_it_has_one_description_for_all_front_ends() -> None:
    shown = NetworkMap(CONFIG)
    assert repr(shown) == shown._repr_mimebundle_()["text/plain"] == ALT
    assert "four rows" in shown._repr_mimebundle_()["text/html"]
