"""The page "Try it" and a chapter's panel in Firefox: from a server and from a file, the same picture as everywhere.

What the page can do is tested in Chromium (`test_try_it.py`); here, that another engine does it as well.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pydata_sphinx_theme
import pytest
import sphinx_book_theme
from live_pages import BOOK, DONE, coffee, colours, own, upscaled, write_panels
from PIL import Image
from quick_axe import quick

from book.browser import CHROMIUM, FLAGS, served
from book.firefox import DOWN, FIREFOX, RIGHT, Firefox, Tab, firefox
from book.try_it import write_try_it

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(FIREFOX is None, reason="no Firefox on the path")]

PICTURE = "(view) => document.querySelector(`[data-view=${view}]`).toDataURL()"
WORDS = "(selector) => document.querySelector(selector).innerText"
MOVE = """(name, value) => {
    const control = document.querySelector(`[data-name=${name}]`);
    control.type === "checkbox" ? (control.checked = value) : (control.value = value);
    control.dispatchEvent(new Event("change"));
}"""
DROP = """(bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "own.png", { type: "image/png" }));
    for (const kind of ["dragover", "drop"])
        document.querySelector("#live-drop").dispatchEvent(new DragEvent(kind, { dataTransfer: data }));
}"""
# A theme's colours at once, the page's own text among them.
THEME = """async (theme, links) => {
    const style = document.createElement("style");
    style.textContent = "* { transition: none !important; }";
    document.head.append(style);
    for (const href of links) await new Promise((loaded) => {
        const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href, onload: loaded });
        document.head.prepend(link);
    });
    document.documentElement.dataset.theme = document.documentElement.dataset.mode = theme;
    return getComputedStyle(document.body).backgroundColor;
}"""
STYLES = (
    Path(sphinx_book_theme.__file__).parent / "theme/sphinx_book_theme/static/styles/sphinx-book-theme.css",
    Path(pydata_sphinx_theme.__file__).parent / "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css",
)
WRONG = """async () => (await axe.run("#live", { resultTypes: ["violations"] })).violations
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`)"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for style in (*STYLES, BOOK / "_static" / "companion.css"):
        shutil.copy(style, folder)
    return write_try_it(folder)


@pytest.fixture(scope="module")
def address(page: Path) -> Iterator[str]:
    with served(page.parents[1]) as address:
        yield f"{address}book/try_it.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    with firefox() as running:
        yield running


@pytest.fixture
def tab(browser: Firefox) -> Iterator[Tab]:
    """A tab; what goes wrong in it lets the test fail."""
    with browser.tab() as tab:
        yield tab
        assert tab.errors == []


def done(tab: Tab) -> Any:
    """Wait until the network has done what was asked for, and return the status."""
    tab.wait_for(DONE)
    return tab.evaluate(WORDS, ".live-status")


def shown(tab: Tab, view: str) -> np.ndarray:
    return colours(tab.evaluate(PICTURE, view))


def in_chromium(address: str) -> np.ndarray:
    """The picture that Chromium makes on the page."""
    with pytest.importorskip("playwright.sync_api").sync_playwright() as driver:
        tab = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page()
        tab.goto(address)
        tab.wait_for_selector(DONE)
        return colours(tab.evaluate(PICTURE, "sat"))


def check_knobs_and_clicks(tab: Tab) -> None:
    """A file, a pixel by mouse and by keys, knobs: nothing is asked for, and satlib makes the same picture."""
    before = len(tab.requests)
    tab.evaluate(DROP, list(own(Image.fromarray(coffee()[:40, :48]))["buffer"]))
    assert done(tab).startswith("48 × 40 pixels became 96 × 80")
    tab.click("[data-view=inside]", 10.5 / 48, 20.5 / 40)
    done(tab)
    assert "row 20, column 10 is marked" in tab.evaluate(WORDS, "figcaption")
    tab.press("[data-view=inside]", DOWN)
    done(tab)
    tab.press("[data-view=inside]", RIGHT)
    done(tab)
    assert "row 21, column 11 is marked" in tab.evaluate(WORDS, "figcaption")
    assert len(tab.evaluate(WORDS, ".live-read tbody").splitlines()) == 5
    tab.evaluate(MOVE, "ratio", 0.1)
    done(tab)
    tab.evaluate(MOVE, "logn", True)
    done(tab)
    tab.evaluate(MOVE, "draw", "clusters")
    wanted = upscaled(coffee()[:40, :48], "sat-tiny-x2", keep_ratio=0.1, size_bias=True)
    assert np.abs(shown(tab, "sat") - wanted).max() <= 1
    assert [url for url in tab.requests[before:] if not url.startswith("blob:")] == []


def test_the_page_shows_what_satlib_and_chromium_compute(tab: Tab, address: str) -> None:
    tab.goto(address)
    assert done(tab).startswith("96 × 96 pixels became 192 × 192 in ")
    assert np.abs(shown(tab, "sat") - upscaled(coffee(), "sat-tiny-x2")).max() <= 1
    if CHROMIUM is not None:
        assert (shown(tab, "sat") == in_chromium(address)).all()


def test_the_page_from_a_server(tab: Tab, address: str) -> None:
    tab.goto(f"{address}#side=48")
    assert done(tab).startswith("48 × 48")
    check_knobs_and_clicks(tab)


def test_the_page_from_a_file(tab: Tab, page: Path, tmp_path: Path) -> None:
    tab.goto(f"{page.as_uri()}#side=48")
    assert done(tab).startswith("48 × 48")
    check_knobs_and_clicks(tab)
    tab.evaluate(MOVE, "network", "sat-tiny-x4")
    assert done(tab).startswith("48 × 40 pixels became 192 × 160")
    Image.new("RGB", (7, 5), "red").save(tmp_path / "red.png")
    tab.choose_file("[data-name=file]", tmp_path / "red.png")
    assert done(tab).startswith("7 × 5 pixels became 28 × 20")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_can_be_read_in_both_themes(tab: Tab, address: str, theme: str) -> None:
    tab.goto(f"{address}#side=48")
    done(tab)
    links = [f"../{name}" for name in ("companion.css", *(style.name for style in STYLES))]
    ground = tab.evaluate(THEME, theme, links)
    assert (min(int(n) for n in ground.strip("rgb()").split(",")) > 200) == (theme == "light"), ground
    tab.evaluate(f"() => {{ {quick(axe.Axe().axe_script)} }}")
    assert tab.evaluate(WRONG) == []


def test_a_chapters_panel(tab: Tab, tmp_path: Path) -> None:
    write_panels(tmp_path)
    with served(tmp_path) as address:
        tab.goto(f"{address}notebooks/06_aggregation.html")
        before = len(tab.requests)
        tab.click(".live-panel button")
        assert done(tab).startswith("64 × 64 pixels became 128 × 128")
        came = [url.rpartition("/")[2] for url in tab.requests[before:] if not url.startswith("blob:")]
        assert came == ["live.js", "sat-tiny-x2.safetensors", "coffee.webp"], "they come when they are wanted"
        assert np.abs(shown(tab, "sat") - upscaled(coffee()[:64, :64], "sat-tiny-x2")).max() <= 1
