"""A chapter's panel in headless Chromium: a button that costs nothing, and then the chapter's step on a picture."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
from docutils import nodes
from live_pages import coffee, control, done, extension, opened, shown, upscaled, write_panels

from book.browser import CHROMIUM, served

pytest.importorskip("playwright.sync_api")
panels = extension("live_panels")
ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]
BUTTON = ".live-panel button"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Pages of all panels, each in a plain frame."""
    folder = tmp_path_factory.mktemp("site")
    write_panels(folder)
    with served(folder) as address:
        yield address


@pytest.mark.parametrize("page", panels.VIEWS)
def test_a_chapter_with_a_panel_holds_an_explorer(page: str) -> None:
    cells = jupytext.read(ROOT / f"{page}.md").cells
    assert any(panels.EXPLORER.search(cell.source) for cell in cells if cell.cell_type == "code")


def test_a_panel_stands_below_the_explorer() -> None:
    class Builder:
        format = "html"

    class App:
        builder = Builder()

    def cell(text: str) -> nodes.container:
        return nodes.container("", nodes.literal_block(text, text), nb_element="cell_code")

    tree = nodes.section("", cell("x = 1"), cell("explore.density(network, photo)"), cell("explore.density(a, b)"))
    panels.insert(App(), tree, "notebooks/03_density")
    assert [type(node) for node in tree.children] == [nodes.container, nodes.container, nodes.raw, nodes.container]
    assert 'data-script="../_static/live/live.js"' in tree.children[2].astext()
    panels.insert(App(), tree, "notebooks/01_idea")
    assert len(tree.children) == 4
    with pytest.raises(ValueError, match="03_density has no explorer"):
        panels.insert(App(), nodes.section("", cell("x = 1")), "notebooks/03_density")


@pytest.mark.parametrize(("page", "view"), panels.VIEWS.items())
def test_a_panel_opens_with_the_chapters_drawing_and_knobs(browser: Any, address: str, page: str, view: Any) -> None:
    with opened(browser, f"{address}{page}.html#a-heading", wait=BUTTON) as tab:
        assert tab.requests == [] and tab.locator("#live").count() == 0, "nothing is loaded before it is wanted"
        tab.locator(BUTTON).press("Enter")
        assert tab.evaluate("document.activeElement.className") == "live-status", "a reader by keys goes on there"
        assert done(tab).startswith("64 × 64 pixels became 128 × 128")
        assert control(tab, "draw").input_value() == view.draw
        knobs = tab.locator(".live-knobs [data-name]")
        seen = {knob.get_attribute("data-name") for knob in knobs.all() if knob.is_visible()}
        assert seen == set(view.knobs.split())
        assert tab.locator(".live-read").is_visible() == (view.draw == "reading")
        before = shown(tab, "inside")
        control(tab, "draw").select_option("nothing")
        assert (shown(tab, "inside") != before).any()
        assert tab.url.endswith(f"{page}.html#a-heading"), "the address is the chapter's"


def test_a_panel_computes_what_satlib_computes_and_resets_to_its_own(browser: Any, address: str) -> None:
    with opened(browser, f"{address}notebooks/06_aggregation.html", wait=BUTTON) as tab:
        tab.locator(BUTTON).click()
        done(tab)
        picture = coffee()[:64, :64]
        assert np.abs(shown(tab, "sat") - upscaled(picture, "sat-tiny-x2")).max() <= 1
        control(tab, "ratio").fill("0.1")
        done(tab)
        assert np.abs(shown(tab, "sat") - upscaled(picture, "sat-tiny-x2", keep_ratio=0.1)).max() <= 1
        control(tab, "draw").select_option("density")
        tab.locator('[data-do="reset"]').click()
        assert done(tab).startswith("64 × 64")
        assert control(tab, "draw").input_value() == "clusters"
        assert np.abs(shown(tab, "sat") - upscaled(picture, "sat-tiny-x2")).max() <= 1


def test_without_script_there_is_no_button_that_does_nothing(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}notebooks/03_density.html")
    assert not page.locator(".live-panel").is_visible()
    context.close()


def test_a_browser_without_simd_is_sent_to_the_figures(browser: Any, address: str) -> None:
    script = "WebAssembly.validate = () => false;"
    with opened(browser, f"{address}notebooks/03_density.html", script, BUTTON) as tab:
        tab.locator(BUTTON).click()
        tab.wait_for_selector('#live[data-state="unable"]')
        assert "The figures of this chapter show its work" in tab.locator(".live-status").inner_text()
