"""The search field and the list of states above the tables of the paper's items, in headless Chromium."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from quick_axe import quick

from book.browser import CHROMIUM

pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "book" / "_static"
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><title>Items</title><style>
:root {{ --pst-color-background: {paper}; --pst-color-text-base: {ink}; --pst-color-text-muted: {ink}; }}
body {{ background: {paper}; color: {ink}; }}
{style}</style></head><body><main class="bd-content"><h1>Items</h1>
<div class="filter"><p>Each row has a state.</p></div>
<table><thead><tr><th>item</th><th>state</th></tr></thead><tbody>
<tr><td>Table A</td><td><strong>recomputed</strong>: as printed</td></tr>
<tr><td>Table B</td><td><strong>out of reach here</strong>: no weights</td></tr></tbody></table>
<table><thead><tr><th>item</th><th>state</th></tr></thead><tbody>
<tr><td>Figure D</td><td><strong>recomputed</strong> on small networks</td></tr></tbody></table>
<table><thead><tr><th>other</th><th>rows</th></tr></thead><tbody><tr><td>left</td><td>alone</td></tr></tbody></table>
</main>{script}</body></html>"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]


@pytest.fixture(params=["light", "dark"])
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    tab = browser.new_page()
    paper, ink = ("#fff", "#222") if request.param == "light" else ("#121212", "#ced6dd")
    style, script = (STATIC / name for name in ("companion.css", "filter.js"))
    text = f"<script>{script.read_text()}</script>"
    tab.set_content(PAGE.format(theme=request.param, paper=paper, ink=ink, style=style.read_text(), script=text))
    yield tab
    tab.close()


def rows(tab: Any) -> list[str]:
    """Return the first cells of the rows that can be seen."""
    return [row.locator("td").first.inner_text() for row in tab.locator("tbody tr").all() if row.is_visible()]


def test_words_and_a_state_choose_rows_of_all_tables_but_others(page: Any) -> None:
    assert rows(page) == ["Table A", "Table B", "Figure D", "left"]
    assert page.locator("output").inner_text() == "3 of 3 rows"
    page.get_by_label("Find").fill("TABLE  weights")
    assert rows(page) == ["Table B", "left"]
    assert page.locator("output").inner_text() == "1 of 3 rows"
    page.get_by_label("Find").fill("")
    page.get_by_label("State").select_option("recomputed")
    assert rows(page) == ["Table A", "Figure D", "left"]
    page.get_by_label("Find").fill("figure")
    assert rows(page) == ["Figure D", "left"]


def test_the_keyboard_is_enough(page: Any) -> None:
    page.keyboard.press("Tab")
    page.keyboard.type("figure")
    page.keyboard.press("Enter")  # sends nothing: the page stays
    assert rows(page) == ["Figure D", "left"]
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert page.get_by_label("State").input_value() == "recomputed"
    assert rows(page) == ["Table A", "Figure D", "left"]


def test_states_are_counted_and_nothing_is_wrong_for_readers_who_do_not_see(page: Any) -> None:
    assert page.locator("option").all_inner_texts() == ["all (3)", "recomputed (2)", "out of reach here (1)"]
    page.evaluate(quick(axe.Axe().axe_script))
    found = page.evaluate("async () => (await axe.run()).violations")
    assert [(rule["id"], node["target"]) for rule in found for node in rule["nodes"]] == []


def test_without_the_script_there_are_tables(browser: Any) -> None:
    tab = browser.new_page()
    tab.set_content(PAGE.format(theme="light", paper="#fff", ink="#222", style="", script=""))
    assert rows(tab) == ["Table A", "Table B", "Figure D", "left"]
    assert tab.locator("form").count() == 0
    tab.close()


def test_the_paper_s_items_have_a_state_in_each_row() -> None:
    text = (ROOT / "book" / "paper_items.md").read_text(encoding="utf-8")
    assert ":::{container} filter\n" in text
    tables = re.findall(r"^\| item .*\| state \|\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    assert len(tables) == 3
    states = [row.rstrip("|\n ").rsplit(" | ", 1)[1] for table in tables for row in table.splitlines()]
    assert [state for state in states if not state.startswith("**")] == []
