"""The built book in headless Chromium: every page loads whole, from one host, and is readable on every screen.

The tests look at `_build/html` as `make book` leaves it, and skip when it or Chromium is missing. Pages are shared out
among processes: all tests of a page run in one, which looks at it once.
"""

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from processes import PATIENCE

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
CHAPTER = "notebooks/05_center_selection.html"
# Without index.html, which only leads to the first page, and the theme's templates.
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path != SITE / "index.html" and "_static" not in path.parts
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

WIDE = {"width": 1400, "height": 900}
PHONE = {"width": 375, "height": 800}

MEGABYTE = 1e6
WHOLE_SITE = 40 * MEGABYTE
LIGHT, WITH_PLOTS = 2.5 * MEGABYTE, 8.5 * MEGABYTE  # not compressed; plotly.js alone has 4.8 MB

pytestmark = [
    pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]
each_page = pytest.mark.parametrize(
    "page", [pytest.param(page, marks=pytest.mark.xdist_group(page)) for page in PAGES or ["no page"]]
)

INSPECT = """() => ({
    images: [...document.images].map((i) => ({
        src: i.src, width: i.naturalWidth, alt: i.getAttribute("alt"),
        decorative: i.matches(".logo__image"),  // the book's name stands beside it
    })),
    plots: [...document.querySelectorAll("figure.plot")].map((f) => ({
        points: f.querySelectorAll(".main-svg .point").length,
        marks: f.querySelectorAll(".main-svg :is(.points > .point, .lines > .js-line, :is(.hm, .im) > image)").length,
        label: f.querySelector(".plot-canvas").getAttribute("aria-label"),
    })),
    formulas: document.querySelectorAll(".math").length,
    rendered: document.querySelectorAll(".math > mjx-container").length,
    broken: document.querySelectorAll("mjx-merror, [data-mjx-error]").length,
    width: document.documentElement.scrollWidth,
})"""


# Whether the page has a theme's colours, the text of its figures, too.
THEMED = """(theme) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = "var(--pst-color-text-base)";
    const colour = getComputedStyle(probe).color;
    probe.remove();
    const texts = [...document.querySelectorAll("figure.plot .main-svg :is(.xtick, .ytick) text")];
    return document.documentElement.dataset.theme === theme
        && texts.every((text) => getComputedStyle(text).fill === colour);
}"""
STILL = "* { transition: none !important; }"


@dataclass
class Visit:
    """What one look at a page brought up."""

    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    weight: int = 0
    violations: list[str] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The site on a port of this machine, as `make serve` serves it."""
    handler = functools.partial(QuietHandler, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def new_tab(browser: Any, **options: Any) -> Any:
    """Open a tab whose waiting takes as long as the machine needs."""
    tab = browser.new_page(**options)
    tab.set_default_timeout(1000 * PATIENCE)
    return tab


def settle(tab: Any) -> None:
    """Scroll through a page, so that what loads lazily is loaded, and wait until figures and formulas are there."""
    tab.evaluate(
        """async () => {
            for (let y = 0; y < document.documentElement.scrollHeight; y += 600) {
                window.scrollTo(0, y);
                await new Promise((done) => setTimeout(done, 20));
            }
            for (const figure of document.querySelectorAll("figure.plot")) {
                figure.scrollIntoView({ block: "center" });
                while (!figure.dataset.drawing) await new Promise((done) => setTimeout(done, 20));
            }
            if (window.MathJax) await window.MathJax.startup.promise;
        }"""
    )
    tab.wait_for_function(
        "document.querySelectorAll('figure.plot').length === document.querySelectorAll('[data-drawn]').length"
    )
    tab.wait_for_load_state("networkidle")


def look(browser: Any, url: str) -> Visit:
    """Open a page with an empty cache and note what happens."""
    visit, own, finished = Visit(), urlsplit(url).netloc, []
    tab = new_tab(browser, viewport=WIDE)
    tab.on("request", lambda r: visit.foreign.append(r.url) if urlsplit(r.url).netloc not in (own, "") else None)
    tab.on("requestfailed", lambda r: visit.failed.append(r.url))
    tab.on("response", lambda r: visit.failed.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    tab.on("requestfinished", lambda r: finished.append(r))
    tab.on("console", lambda m: visit.errors.append(m.text) if m.type == "error" else None)
    tab.on("pageerror", lambda e: visit.errors.append(str(e)))
    tab.goto(url)
    settle(tab)
    visit.found = tab.evaluate(INSPECT)
    visit.weight = sum(request.sizes()["responseBodySize"] for request in finished)
    tab.add_style_tag(content=STILL)  # colours must be there when axe looks
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.wait_for_function(THEMED, arg=scheme)
        visit.violations += [f"{scheme}: {broken}" for broken in accessibility(tab)]
    tab.close()
    return visit


def accessibility(tab: Any) -> list[str]:
    """What axe finds wrong with a page for readers who cannot see it well, or not at all: WCAG A and AA, and more."""
    found = axe.Axe().run(tab, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found for node in rule["nodes"]
    ]  # fmt: skip


class Visits(dict[str, Visit]):
    """One look at each page on a wide screen, made when it is asked for."""

    def __init__(self, browser: Any, address: str) -> None:
        super().__init__()
        self.browser, self.address = browser, address

    def __missing__(self, page: str) -> Visit:
        self[page] = look(self.browser, self.address + page)
        note_weight(self[page].weight, page)
        return self[page]


@pytest.fixture(scope="module")
def visits(browser: Any, address: str) -> Visits:
    return Visits(browser, address)


def note_weight(size: int, what: str) -> None:
    """Add a line to the list of what is heavy, beside the site."""
    with (SITE.parent / "weights.txt").open("a") as file:
        file.write(f"{size / MEGABYTE:6.2f} MB  {what}\n")


@each_page
def test_a_page_asks_only_its_own_host_and_gets_everything(page: str, visits: dict[str, Visit]) -> None:
    assert visits[page].foreign == []
    assert visits[page].failed == []


@each_page
def test_a_page_logs_no_error(page: str, visits: dict[str, Visit]) -> None:
    assert visits[page].errors == []


@each_page
def test_pictures_are_loaded_and_described(page: str, visits: dict[str, Visit]) -> None:
    images = visits[page].found["images"]
    assert [i["src"] for i in images if i["width"] == 0] == []
    assert [i["src"] for i in images if not i["decorative"] and not (i["alt"] or "").strip()] == []


@each_page
def test_figures_are_drawn_and_described(page: str, visits: dict[str, Visit]) -> None:
    for plot in visits[page].found["plots"]:
        assert plot["marks"] > 0
        assert len(plot["label"]) > 20


@each_page
def test_formulas_are_rendered(page: str, visits: dict[str, Visit]) -> None:
    found = visits[page].found
    assert found["rendered"] == found["formulas"]
    assert found["broken"] == 0


@each_page
def test_pages_stay_light(page: str, visits: dict[str, Visit]) -> None:
    assert visits[page].weight < (WITH_PLOTS if visits[page].found["plots"] else LIGHT)


def test_the_site_stays_light() -> None:
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    note_weight(size, "all files of the site")
    assert size < WHOLE_SITE


@each_page
def test_a_page_is_accessible_in_light_and_dark(page: str, visits: dict[str, Visit]) -> None:
    assert visits[page].violations == []


def test_the_search_finds_a_page(browser: Any, address: str) -> None:
    tab = new_tab(browser, viewport=WIDE)
    tab.goto(address + "search.html?q=separation")
    result = tab.locator("#search-results li a").first
    result.wait_for()
    assert "separation" in tab.locator("#search-results").inner_text().lower()
    result.click()
    tab.wait_for_url(lambda url: "search.html" not in url)
    assert "separation" in tab.locator("article").inner_text().lower()
    tab.close()


def test_a_page_has_a_picture_for_links_to_it() -> None:
    page = (SITE / CHAPTER).read_text()
    assert 'property="og:image" content=' in page
    assert (SITE / "_static" / "opengraph.png").stat().st_size > 10_000


def test_a_chapter_can_be_downloaded_as_notebook_and_source() -> None:
    page = (SITE / CHAPTER).read_text()
    for file in ("_sources/notebooks/05_center_selection.md", "_sources/notebooks/05_center_selection.ipynb"):
        assert f"../{file}" in page
        assert (SITE / file).is_file()


def test_printed_pages_have_no_knobs(chapter: Any) -> None:
    knob = chapter.locator("figure.plot .plot-slider").first
    assert knob.is_visible()
    chapter.emulate_media(media="print")
    assert not knob.is_visible()
    assert chapter.locator("article p").first.is_visible()


@each_page
def test_a_phone_need_not_scroll_sideways(page: str, browser: Any, address: str) -> None:
    tab = new_tab(browser, viewport=PHONE)
    tab.goto(address + page)
    settle(tab)
    assert tab.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    tab.close()


def test_the_address_of_the_site_leads_to_the_first_page(browser: Any, address: str) -> None:
    tab = new_tab(browser)
    tab.goto(address, wait_until="commit")
    tab.wait_for_url("**/book/intro.html")
    assert "SAT" in tab.title()
    tab.close()


@pytest.mark.xdist_group(CHAPTER)
def test_the_chapter_has_what_it_promises(visits: dict[str, Visit]) -> None:
    found = visits[CHAPTER].found
    assert [plot["points"] > 100 for plot in found["plots"]][:2] == [True, True]
    assert len(found["images"]) >= 6
    assert found["formulas"] > 20


@pytest.fixture
def chapter(browser: Any, address: str) -> Iterator[Any]:
    tab = new_tab(browser, viewport=WIDE, color_scheme="light")
    tab.goto(address + CHAPTER)
    settle(tab)
    yield tab
    tab.close()


def test_sliders_work_with_the_keyboard(chapter: Any) -> None:
    with_slider = [figure for figure in chapter.locator("figure.plot").all() if figure.get_by_role("slider").count()]
    assert len(with_slider) >= 4
    for number, figure in enumerate(with_slider):
        knob = figure.get_by_role("slider")
        knob.focus()
        notes = [figure.locator(".plot-title").inner_text()]
        for _ in range(2):
            points = figure.locator(".point").count()
            chapter.keyboard.press("ArrowRight")
            notes.append(figure.locator(".plot-title").inner_text())
            assert knob.get_attribute("aria-valuetext") == figure.locator("output").inner_text()
            if number < 2:  # another number of tokens is drawn; the later ones draw lines, or equally many
                chapter.wait_for_function(
                    "([figure, before]) => figure.querySelectorAll('.point').length !== before",
                    arg=[figure.element_handle(), points],
                )
        assert len(set(notes)) == 3


def test_the_theme_switch_changes_page_and_figures(chapter: Any) -> None:
    def colours() -> tuple[str, str, str]:
        return tuple(chapter.evaluate(
            """() => [
                document.documentElement.dataset.theme,
                getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector(".legendtext")).fill,
            ]"""
        ))  # fmt: skip

    chapter.add_style_tag(content=STILL)
    seen = [colours()]
    for _ in range(2):  # auto -> one -> the other
        chapter.locator("button.theme-switch-button:visible").first.click()
        chapter.wait_for_function(THEMED, arg=colours()[0])
        seen.append(colours())
    assert {theme for theme, *_ in seen} == {"light", "dark"}
    assert len({background for _, background, _ in seen}) == 2
    assert len({text for *_, text in seen}) == 2


def test_the_chapter_works_when_opened_as_a_file(browser: Any) -> None:
    visit = look(browser, (SITE / CHAPTER).as_uri())
    assert [plot["points"] > 100 for plot in visit.found["plots"]][:2] == [True, True]
    assert visit.found["rendered"] == visit.found["formulas"]


class Links(HTMLParser):
    """The anchors of a page and the targets of its links."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.anchors, self.targets = {""}, []
        self.feed(page.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name == "href" and tag == "a" and value:
                self.targets.append(value)


def test_no_internal_link_is_dead() -> None:
    pages = {(SITE / page).resolve(): Links(SITE / page) for page in PAGES}
    dead = []
    for page, links in pages.items():
        for target in links.targets:
            url = urlsplit(target)
            if url.scheme or url.netloc:
                continue
            file = (page.parent / unquote(url.path)).resolve() if url.path else page
            if not file.is_file() or (file in pages and unquote(url.fragment) not in pages[file].anchors):
                dead.append(f"{page.name}: {target}")
    assert dead == []
