"""The strip of one token's journey: its steps are those of the journey's page, and each chapter has its own."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from bs4 import BeautifulSoup

ROOT = Path(__file__).parents[2]
JOURNEY = (ROOT / "book" / "journey.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def strips() -> ModuleType:
    spec = importlib.util.spec_from_file_location("journey_strip", ROOT / "book" / "_ext" / "journey_strip.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["journey_strip"] = module  # dataclasses look for it
    spec.loader.exec_module(module)
    return module


def made(strips: ModuleType, page: str) -> BeautifulSoup:
    names = [strips.JOURNEY, *(f"notebooks/{step.chapters[0]}" for step in strips.STEPS)]
    return BeautifulSoup(strips.strip(page, {name: f"{name}.html" for name in names}), "html.parser")


def test_the_steps_are_the_sections_of_the_journey_which_name_their_chapters(strips: ModuleType) -> None:
    sections = [section.split("\n", 1) for section in re.split(r"^## \d · ", JOURNEY, flags=re.MULTILINE)[1:]]
    assert [re.sub(r"\W+", "-", title.lower()) for title, _ in sections] == [step.place for step in strips.STEPS]
    for (title, text), step in zip(sections, strips.STEPS, strict=True):
        named = re.findall(r"<\.\./notebooks/(\w+)>", text)
        assert set(step.chapters) <= set(named), title


def test_each_chapter_from_2_to_9_has_its_steps(strips: ModuleType) -> None:
    found = {}
    for path in sorted((ROOT / "notebooks").glob("0[1-9]_*.md")):
        links = made(strips, f"notebooks/{path.stem}").select("li a:not(.journey-title)")
        found[path.stem[:2]] = [n for n, link in enumerate(links, 1) if link.get("aria-current") == "step"]
        assert len(links) == (0 if path.stem == "01_idea" else 9)
    assert found == {
        "01": [],
        "02": [2],
        "03": [3],
        "04": [4],
        "05": [4],
        "06": [5, 6],
        "07": [8],
        "08": [7],
        "09": [9],
    }


def test_a_step_leads_to_its_chapter_and_the_chapters_own_to_the_token(strips: ModuleType) -> None:
    links = made(strips, "notebooks/05_center_selection").select("li a:not(.journey-title)")
    assert links[3]["href"] == "book/journey.html#so-it-is-no-centre"
    assert links[1]["href"] == "notebooks/02_sampling.html"
    assert [link.get_text() for link in links][3] == "4 centres"


def test_other_pages_have_none(strips: ModuleType) -> None:
    assert strips.strip("notebooks/10_cost", {}) == ""
