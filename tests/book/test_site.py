"""The built book in headless Chromium: every page loads whole, from one host, and is readable on every screen.

The tests look at `_build/html` as `make book` leaves it, and skip when it or Chromium is missing. Pages are shared out
among processes; each is one test, which looks at the page once and names all that is wrong with it.
"""

import posixpath
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from processes import PATIENCE
from quick_axe import quick
from renderers import StandstillError, ended_after

from book.browser import CHROMIUM, served

playwright = pytest.importorskip("playwright.sync_api")
axe = pytest.importorskip("axe_playwright_python.sync_playwright")

ROOT = Path(__file__).parents[2]
SITE = ROOT / "_build" / "html"
CHAPTER = "notebooks/05_center_selection.html"
JOURNEY = "book/journey.html"
REDIRECTS = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]["redirects"]
MOVED = [f"{page}.html" for page in REDIRECTS]
# Without what only leads to other pages, and the theme's templates. The largest come first: they take the longest, and
# no process shall be alone with one of them in the end.
FILES = sorted(
    (
        path.relative_to(SITE).as_posix()
        for path in SITE.rglob("*.html")
        if "_static" not in path.parts and path.relative_to(SITE).as_posix() not in ("index.html", *MOVED)
    ),
    key=lambda page: (-(SITE / page).stat().st_size, page),
)
SOURCES = [page for page in FILES if page.startswith("_modules/")]
# The pages of the package's sources are one template around one block of code each: of these, three are looked at.
PAGES = [page for page in FILES if page not in SOURCES[2:] or page == "_modules/index.html"]

WIDE = {"width": 1400, "height": 900}
PHONE = {"width": 375, "height": 800}

HURRY = 5.0
"""Seconds to wait for what may never come, where a page has shown a fault already."""

AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}

MEGABYTE = 1e6
WHOLE_SITE = 40 * MEGABYTE
LIGHT, WITH_PLOTS = 2.5 * MEGABYTE, 8.5 * MEGABYTE  # not compressed; plotly.js alone has 4.8 MB

# Rarely, on a machine's first look at the site, Chromium stands still: nothing is drawn any more, or no answer comes.
# In a new process the same page has no fault, so it is looked at once more there; pytest counts it as rerun.
FRAMELESS = 120.0
STANDSTILL = ["no frame is drawn", "no answer comes"]

pytestmark = [
    pytest.mark.flaky(reruns=1, only_rerun=STANDSTILL),
    pytest.mark.skipif(not PAGES, reason="the book is not built: run `make book`"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path"),
]

INSPECT = """() => ({
    images: [...document.images].map((i) => ({
        src: i.src, width: i.naturalWidth, alt: i.getAttribute("alt"),
        decorative: i.matches(".logo__image"),  // the book's name stands beside it
    })),
    plots: [...document.querySelectorAll("figure.plot")].map((f) => ({
        drawn: Boolean(f.dataset.drawn),
        points: f.querySelectorAll(".main-svg .point").length,
        marks: f.querySelectorAll(".main-svg :is(.points > .point, .lines > .js-line, :is(.hm, .im) > image)").length,
        label: f.querySelector(".plot-canvas").getAttribute("aria-label"),
    })),
    formulas: document.querySelectorAll(".math").length,
    rendered: document.querySelectorAll(".math > mjx-container").length,
    broken: document.querySelectorAll("mjx-merror, [data-mjx-error]").length,
    started: !window.MathJax || Boolean(window.MathJax.startup),
    width: document.documentElement.scrollWidth,
    cut: [...document.querySelectorAll("div.cell_output:has(img)")].filter((e) => e.scrollWidth > e.clientWidth + 1)
        .map((e) => e.querySelector("img").alt.slice(0, 60)),
    formulas_cut: [...document.querySelectorAll(".bd-article .math > mjx-container")].filter((e) => {
        const [whole, seen] = [e.querySelector("mjx-math"), e].map((part) => part.getBoundingClientRect().width);
        return whole > Math.min(seen, e.parentElement.getBoundingClientRect().width) + 1;
    }).map((e) => e.parentElement.id || e.parentElement.innerText.replace(/\\s+/g, "")),
    words_cut: [...document.querySelectorAll("figure.plot")].flatMap((f) => {
        const edge = f.querySelector(".plot-canvas").getBoundingClientRect().right + 1;
        return [...f.querySelectorAll(".main-svg text")].filter((e) => e.getBoundingClientRect().right > edge);
    }).map((e) => e.textContent),
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
FORGET = "if (location.origin !== 'null') { localStorage.clear(); sessionStorage.clear(); }"
# Scrolls through a page, so that what loads lazily is loaded, and waits until figures and formulas are there, but no
# longer than some milliseconds. A frame after each step, the browser has seen what is in the window.
SETTLE = """async ([patience, frameless]) => {
    const end = performance.now() + patience;
    const figures = [...document.querySelectorAll("figure.plot")];
    const pause = (time) => new Promise((done) => setTimeout(done, time));
    const none = async () => { await pause(frameless); throw new Error("no frame is drawn"); };
    const frame = () => Promise.race([new Promise(requestAnimationFrame), none()]);
    const failed = (figure) => figure.lastElementChild?.textContent === "This figure could not be drawn.";
    const become = async (condition) => { while (!condition() && performance.now() < end) await pause(10); };
    for (let y = 0; y < document.documentElement.scrollHeight; y += window.innerHeight) {
        window.scrollTo(0, y);
        await frame();
    }
    for (const figure of figures) {
        figure.scrollIntoView({ block: "center" });
        await become(() => figure.dataset.drawing);
    }
    await Promise.race([window.MathJax?.startup?.promise, pause(patience)]);
    await become(() => figures.every((figure) => figure.dataset.drawn || failed(figure)));
}"""


@dataclass
class Visit:
    """What one look at a page brought up."""

    foreign: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    finished: list[Any] = field(default_factory=list)
    found: dict[str, Any] = field(default_factory=dict)
    weight: int = 0
    violations: list[str] = field(default_factory=list)
    found_on_phone: dict[str, Any] = field(default_factory=dict)

    def patience(self) -> float:
        """Return how many seconds to wait for what is sure to come where a page has no fault."""
        return HURRY if self.foreign or self.failed or self.errors else PATIENCE


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served(SITE) as address:
        yield address


def new_tab(browser: Any, **options: Any) -> Any:
    """Open a tab whose waiting takes as long as the machine needs."""
    tab = browser.new_page(**options)
    tab.set_default_timeout(1000 * PATIENCE)
    return tab


class Window:
    """A tab for one page after the other, each opened as if nobody had been on the site before.

    Only the browser's process goes on, with what it has compiled of the scripts that all pages share: pages take about
    a fifth less time than each in a process of its own.
    """

    def __init__(self, browser: Any) -> None:
        self.browser, self.tab = browser, None

    @contextmanager
    def cleared(self, patience: float = PATIENCE) -> Iterator[Any]:
        """Yield the tab, with nothing in it and nothing kept; where it comes to grief, the next page gets another."""
        with ended_after(patience):
            yield from self._cleared()

    def _cleared(self) -> Iterator[Any]:
        tab, self.tab = self.tab, None
        if tab is None:
            tab = new_tab(self.browser)
            tab.add_init_script(FORGET)
        try:
            tab.goto("about:blank")
            tab.context.clear_cookies()
            session = tab.context.new_cdp_session(tab)
            session.send("Network.clearBrowserCache")
            session.detach()
            yield tab
        except BaseException:
            tab.close()
            raise
        self.tab = tab


@pytest.fixture(scope="module")
def window(browser: Any) -> Window:
    return Window(browser)


def load(
    tab: Any,
    url: str,
    screen: dict[str, int],
    patience: Callable[[], float] = lambda: PATIENCE,
    frameless: float = FRAMELESS,
) -> None:
    """Open a page on a screen, in light, and wait until all that it has to show is there, or does not come."""
    tab.goto("about:blank")  # what is in the tab need not be laid out for another screen
    tab.emulate_media(color_scheme="light", media="null")
    tab.set_viewport_size(screen)
    tab.goto(url)
    tab.evaluate(SETTLE, [1000 * patience(), 1000 * frameless])
    tab.wait_for_load_state("networkidle")


def look(window: Window, url: str) -> Visit:
    """Look at a page on a wide screen, with an empty cache, in light and dark, and load it again on a phone."""
    with window.cleared() as tab, noting(tab, url) as visit:
        load(tab, url, WIDE, visit.patience)
        visit.found = tab.evaluate(INSPECT)
        visit.weight = sum(request.sizes()["responseBodySize"] for request in visit.finished)
        tab.add_style_tag(content=STILL)  # colours must be there when axe looks
        tab.evaluate(quick(axe.Axe().axe_script))
        for scheme in ("light", "dark"):
            tab.emulate_media(color_scheme=scheme)
            try:
                tab.wait_for_function(THEMED, arg=scheme, timeout=1000 * visit.patience())
            except playwright.TimeoutError:
                visit.violations.append(f"{scheme}: the page keeps other colours")
            visit.violations += [f"{scheme}: {broken}" for broken in accessibility(tab)]
        load(tab, url, PHONE, visit.patience)
        visit.found_on_phone = tab.evaluate(INSPECT)
    return visit


@contextmanager
def noting(tab: Any, url: str) -> Iterator[Visit]:
    """Note what happens in a tab while it is on a page."""
    visit, own = Visit(), urlsplit(url).netloc
    notes = {
        "request": lambda r: visit.foreign.append(r.url) if urlsplit(r.url).netloc not in (own, "") else None,
        "requestfailed": lambda r: visit.failed.append(r.url),
        "response": lambda r: visit.failed.append(f"{r.status} {r.url}") if r.status >= 400 else None,
        "requestfinished": lambda r: visit.finished.append(r),
        "console": lambda m: visit.errors.append(m.text) if m.type == "error" else None,
        "pageerror": lambda e: visit.errors.append(str(e)),
    }
    for event, note in notes.items():
        tab.on(event, note)
    try:
        yield visit
    finally:
        for event, note in notes.items():
            tab.remove_listener(event, note)


def accessibility(tab: Any, place: str = "html") -> list[str]:
    """What axe finds wrong with a place for readers who cannot see it well, or not at all: WCAG A and AA, and more."""
    found = tab.evaluate("async (given) => (await axe.run(...given)).violations", [place, AXE_OPTIONS])
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary'].splitlines()[-1].strip()}"
        for rule in found
        for node in rule["nodes"]
    ]


def faults(visit: Visit) -> Iterator[str]:
    """All that is wrong with a page, in words."""
    found, on_phone = visit.found, visit.found_on_phone
    yield from (f"asks another host: {url}" for url in visit.foreign)
    yield from (f"does not get what it asks for: {what}" for what in visit.failed)
    yield from (f"logs an error: {text}" for text in visit.errors)
    for image in found["images"]:
        if image["width"] == 0:
            yield f"picture is not loaded: {image['src']}"
        if not image["decorative"] and not (image["alt"] or "").strip():
            yield f"picture is not described: {image['src']}"
    for number, plot in enumerate(found["plots"], 1):
        if not plot["drawn"] or plot["marks"] == 0:
            yield f"figure {number} is not drawn"
        if len(plot["label"] or "") <= 20:
            yield f"figure {number} is not described: {plot['label']}"
    if not (found["started"] and on_phone["started"]):
        yield "formulas: MathJax has not started"
    if found["rendered"] != found["formulas"]:
        yield f"formulas: {found['rendered']} of {found['formulas']} are rendered"
    if found["broken"] > 0:
        yield f"formulas: {found['broken']} are broken"
    limit = WITH_PLOTS if found["plots"] else LIGHT
    if visit.weight >= limit:
        yield f"weighs {visit.weight / MEGABYTE:.2f} MB, and may weigh {limit / MEGABYTE}"
    yield from (f"is not accessible in {broken}" for broken in visit.violations)
    for number, plot in enumerate(on_phone["plots"], 1):
        if not plot["drawn"]:
            yield f"figure {number} is not drawn on a phone"
    yield from (f"a picture is cut on a phone: {alt}" for alt in on_phone["cut"])
    yield from (f"a formula is cut on a phone: {formula}" for formula in on_phone["formulas_cut"])
    yield from (f"words of a figure are cut on a phone: {words}" for words in on_phone["words_cut"])
    if on_phone["width"] > PHONE["width"]:
        yield f"scrolls sideways on a phone: it is {on_phone['width']} pixels wide"


def note_weight(size: int, what: str) -> None:
    """Add a line to the list of what is heavy, beside the site."""
    with (SITE.parent / "weights.txt").open("a") as file:
        file.write(f"{size / MEGABYTE:6.2f} MB  {what}\n")


def test_the_site_stays_light() -> None:
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    note_weight(size, "all files of the site")
    assert size < WHOLE_SITE


# Folded cells that show nothing else and follow one another: there are none, since book/_ext/one_bar.py merges them.
NEIGHBOURS = """() => [...document.querySelectorAll("div.cell + div.cell")]
    .filter((cell) => [cell, cell.previousElementSibling].every((each) =>
        each.matches(":has(> details.above-input:only-child)")))
    .map((cell) => cell.innerText.slice(0, 80))"""


def test_the_code_before_the_first_figure_is_one_bar_that_is_copied_whole(chapter: Any) -> None:
    assert chapter.evaluate(NEIGHBOURS) == []
    bar = chapter.locator("details.above-input").first
    assert bar.locator("pre").count() == 1
    chapter.context.grant_permissions(["clipboard-read", "clipboard-write"])
    bar.locator("summary").click()
    bar.locator("pre").hover()
    bar.locator("button.copybtn").click()
    copied = chapter.evaluate("navigator.clipboard.readText()")
    assert copied.strip() == bar.locator("pre").inner_text().strip()
    assert "import torch" in copied
    assert "keep_ratio" in copied


def test_a_name_in_code_leads_to_the_api_and_from_there_to_its_source_and_back(chapter: Any) -> None:
    chapter.locator("div.cell_input a.sphinx-codeautolink-a", has_text="aggregate").first.evaluate("a => a.click()")
    chapter.wait_for_url("**/book/api/aggregation.html#satlib.dta.aggregate")
    entry = chapter.locator("dl:has(> dt[id='satlib.dta.aggregate'])")
    entry.locator("details summary").click()
    assert entry.locator("details a[href*='05_center_selection']").first.is_visible()
    entry.locator("dt a:has(.viewcode-link)").first.click()
    chapter.wait_for_url("**/_modules/satlib/dta/aggregation.html#aggregate")
    assert "def aggregate(" in chapter.locator(".viewcode-block#aggregate").inner_text()
    assert chapter.locator("#aggregate a.viewcode-back").get_attribute("href").endswith("#satlib.dta.aggregate")


FRONT = "book/intro.html"
PREVIEWED = {  # links of a page, and what their previews have to say
    "equation": ("a[href*='#equation-']", "Equation ("),
    "reference": ("a[href*='references.html#']", "20"),
    "chapter": ("a[href$='03_density.html']", "How dense is"),
    "function": ("a[href$='#satlib.dta.aggregate']", "Aggregate N tokens into K"),
}
CHAPTERS = [page for page in FILES if page.startswith("notebooks/") and page.count("/") == 1]


@pytest.mark.parametrize(("target", "words"), PREVIEWED.values(), ids=PREVIEWED)
def test_a_link_shows_what_it_leads_to_under_the_mouse(target: str, words: str, window: Window, address: str) -> None:
    with window.cleared() as tab:
        for page in CHAPTERS:
            load(tab, address + page, WIDE)
            if tab.locator(f".bd-article p {target}").count():
                break
        link, box = tab.locator(f".bd-article p {target}").first, tab.locator("#preview")
        link.scroll_into_view_if_needed()
        link.hover()
        tab.wait_for_function(
            "words => document.querySelector('#preview:popover-open')?.innerText.includes(words)", arg=words
        )
        assert link.get_attribute("aria-describedby") == "preview"
        assert "\\" not in box.inner_text()  # formulas are typeset
        tab.keyboard.press("Escape")
        assert not box.is_visible()
        assert link.get_attribute("aria-describedby") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_link_shows_what_it_leads_to_where_the_keyboard_is(chapter: Any, scheme: str) -> None:
    chapter.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    box, link = chapter.locator("#preview"), chapter.locator(".bd-article p a[href='03_density.html']").first
    chapter.keyboard.press("Tab")  # from here on the focus is seen
    link.focus()
    box.wait_for()
    assert "How dense is" in box.inner_text()
    assert box.locator("img").evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    assert box.evaluate("box => getComputedStyle(box).animationName") == "none"
    chapter.add_style_tag(content=STILL)
    chapter.evaluate(quick(axe.Axe().axe_script))
    assert accessibility(chapter) == []
    place = box.bounding_box()
    assert 0 <= place["x"] <= place["x"] + place["width"] <= WIDE["width"]
    link.evaluate("link => link.blur()")
    assert not box.is_visible()


LESSONS = [page for page in PAGES if page.startswith("notebooks/") and "tag_start" in (SITE / page).read_text()]
"""Chapters whose code is the lesson."""

FITS = """() => {
    const seen = (place) => [...document.querySelectorAll("article " + place)].filter((e) => e.checkVisibility());
    const cut = (e) => e.scrollWidth > e.clientWidth + 1;
    const pictures = seen(".cell_output :is(img, figure, .divider)");
    return {
        code: seen("div.cell_input pre").filter(cut).map((e) => e.innerText.slice(0, 80)),
        formulas: seen("div.math").filter(cut).map((e) => e.innerText.slice(0, 80)),
        top: pictures.length ? pictures[0].getBoundingClientRect().top + scrollY : Infinity,
    };
}"""


@pytest.mark.parametrize("page", LESSONS or ["no page"])
def test_a_lesson_begins_with_a_picture_and_no_line_of_it_is_cut(page: str, window: Window, address: str) -> None:
    with window.cleared() as tab:
        load(tab, address + page, {"width": 1280, "height": 800})
        found = tab.evaluate(FITS)
        assert found["code"] == found["formulas"] == []
        assert found["top"] < 700, "the first picture is on the first screen"
        load(tab, address + page, PHONE)
        assert tab.evaluate(FITS)["formulas"] == []


PANELS = [page for page in PAGES if 'class="live-panel"' in (SITE / page).read_text()]
"""Chapters with a panel on which the network runs."""


def test_the_chapters_of_aggregation_and_attention_have_a_panel() -> None:
    assert sorted(page.split("/")[1][:2] for page in PANELS) == ["02", "03", "04", "05", "06", "08"]


@pytest.mark.parametrize("page", PANELS or ["no page"])
def test_a_chapters_panel_runs_and_fits_on_a_phone(page: str, window: Window, address: str) -> None:
    with window.cleared() as tab, noting(tab, address + page) as visit:
        load(tab, address + page, PHONE)
        assert not [request.url for request in visit.finished if "/live.js" in request.url]
        tab.locator(".live-panel button").click()
        tab.wait_for_selector('#live[data-state="done"]')
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        tab.add_style_tag(content=STILL)
        tab.evaluate(quick(axe.Axe().axe_script))
        assert accessibility(tab, ".live-panel") == []
    assert visit.foreign == visit.failed == visit.errors == []


def test_lines_between_images_follow_keys_and_the_mouse(window: Window, address: str) -> None:
    with window.cleared() as tab:
        load(tab, address + FRONT, WIDE)
        left, right = tab.locator(".divider [role=slider]").all()
        left.focus()
        before = float(left.get_attribute("aria-valuenow"))
        tab.keyboard.press("ArrowRight")
        assert float(left.get_attribute("aria-valuenow")) == before + 1
        tab.keyboard.press("End")  # it stops before the next line
        assert float(left.get_attribute("aria-valuenow")) < float(right.get_attribute("aria-valuenow"))
        tab.locator(".divider").scroll_into_view_if_needed()
        box = tab.locator(".divider").bounding_box()
        tab.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 20)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 20)
        tab.mouse.up()
        assert right.get_attribute("aria-valuenow") == "80"
        clip = tab.locator(".divider img").nth(2).evaluate("image => getComputedStyle(image).clipPath")
        assert clip == "inset(0px 0px 0px 80%)"


@pytest.mark.parametrize("screen", [WIDE, PHONE], ids=["wide", "phone"])
def test_each_step_of_the_journey_has_code_and_words_beside_a_picture(
    screen: dict[str, int], window: Window, address: str
) -> None:
    with window.cleared() as tab:
        load(tab, address + JOURNEY, screen)
        sections = tab.locator("article section section").all()
        assert len(sections) == 9
        for section in sections:
            assert section.locator("div.cell_input pre").is_visible()
            words, picture = (section.locator(f".tag_journey {what}") for what in ("strong", "img"))
            assert picture.bounding_box()["width"] > 280
            beside = words.bounding_box()["x"] + words.bounding_box()["width"] <= picture.bounding_box()["x"]
            assert beside == (screen is WIDE)


@pytest.mark.parametrize(("screen", "seen"), [(WIDE, 0), (PHONE, 1)])
def test_a_part_of_the_map_leads_to_its_chapter_code_and_api(
    window: Window, address: str, screen: dict[str, int], seen: int
) -> None:
    with window.cleared() as tab:
        load(tab, address + FRONT, screen)
        drawing = tab.locator(".network-map svg").nth(seen)
        assert [svg.is_visible() for svg in tab.locator(".network-map svg").all()] == [seen == 0, seen == 1]
        targets = [drawing.get_by_role("link", name=name).get_attribute("href") for name in ("density, ρ: chapter",)]
        targets += [
            drawing.get_by_role("link", name=f"{what} of density").get_attribute("href") for what in ("code", "API")
        ]
        assert targets == [
            "../notebooks/03_density.html",
            "../_modules/satlib/dta/aggregation.html#density",
            "../book/api/aggregation.html#satlib.dta.density",
        ]
        drawing.get_by_role("link", name="density, ρ: chapter").click()
        tab.wait_for_url("**/notebooks/03_density.html")


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
    assert re.search('<meta (?=[^>]*property="og:image")[^>]*content="[^"]+"', page)
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


def test_the_address_of_the_site_leads_to_the_first_page(browser: Any, address: str) -> None:
    tab = new_tab(browser)
    tab.goto(address, wait_until="commit")
    tab.wait_for_url("**/book/intro.html")
    assert "SAT" in tab.title()
    tab.close()


@pytest.mark.parametrize("page", MOVED)
def test_an_old_address_leads_to_where_the_page_is_now(page: str, browser: Any, address: str) -> None:
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page), REDIRECTS[page.removesuffix(".html")]))
    assert target in FILES
    tab = new_tab(browser)
    tab.goto(f"{address}{page}#place", wait_until="commit")
    tab.wait_for_url(f"{address}{target}#place")
    tab.close()
    assert Links(SITE / page).targets == [REDIRECTS[page.removesuffix(".html")]]  # for browsers without scripts


def test_an_old_address_leads_to_where_a_section_is_now(browser: Any, address: str) -> None:
    tab = new_tab(browser)
    for page, old, new in (
        ("12_theorem", "#theorem-ledger", "21_proofs"),
        ("12_theorem", "#equation-repaired-bound", "21_proofs"),
        ("12_theorem", "#theorem-photographs", "21_proofs"),
        ("12_theorem", "#trained-networks", "21_proofs"),
        ("12_theorem", "#theorem-cliff", "12_theorem"),
        ("05_center_selection", "#the-verdict", "24_edges"),
        ("10_cost", "#cost-fewer", "25_counted_alike"),
        ("22_does_it_attend", "#trained-without-it", "23_with_and_without"),
        ("22_does_it_attend", "#the-swap-test", "22_does_it_attend"),
    ):
        tab.goto(f"{address}notebooks/{page}.html{old}", wait_until="commit")
        tab.wait_for_url(f"{address}notebooks/{new}.html{old}")
    tab.close()


def test_the_chapter_has_what_it_promises(chapter: Any) -> None:
    found = chapter.evaluate(INSPECT)
    assert [plot["points"] > 100 for plot in found["plots"]][:2] == [True, True]
    assert len(found["images"]) >= 6
    assert found["formulas"] > 20


@pytest.fixture
def chapter(window: Window, address: str) -> Iterator[Any]:
    with window.cleared() as tab:
        load(tab, address + CHAPTER, WIDE)
        assert all(plot["drawn"] for plot in tab.evaluate(INSPECT)["plots"])
        yield tab


@pytest.mark.parametrize(("page", "least", "other_numbers"), [(CHAPTER, 3, 2), ("notebooks/24_edges.html", 3, 0)])
def test_sliders_work_with_the_keyboard(
    window: Window, address: str, page: str, least: int, other_numbers: int
) -> None:
    """The first ``other_numbers`` sliders draw another number of tokens, the others lines, or equally many."""
    with window.cleared() as tab:
        load(tab, address + page, WIDE)
        with_slider = [figure for figure in tab.locator("figure.plot").all() if figure.get_by_role("slider").count()]
        assert len(with_slider) >= least
        for number, figure in enumerate(with_slider):
            knob = figure.get_by_role("slider")
            knob.focus()
            notes = [figure.locator(".plot-title").inner_text()]
            for _ in range(2):
                points = figure.locator(".point").count()
                tab.keyboard.press("ArrowRight")
                notes.append(figure.locator(".plot-title").inner_text())
                assert knob.get_attribute("aria-valuetext") == figure.locator("output").inner_text()
                if number < other_numbers:
                    tab.wait_for_function(
                        "([figure, before]) => figure.querySelectorAll('.point').length !== before",
                        arg=[figure.element_handle(), points],
                    )
            assert len(set(notes)) == 3


def test_the_theme_switch_changes_page_and_figures(chapter: Any) -> None:
    def colors() -> tuple[str, str, str]:
        return tuple(
            chapter.evaluate(
                """() => [
                document.documentElement.dataset.theme,
                getComputedStyle(document.body).backgroundColor,
                getComputedStyle(document.querySelector(".legendtext")).fill,
            ]"""
            )
        )

    chapter.add_style_tag(content=STILL)
    seen = [colors()]
    for _ in range(2):  # auto -> one -> the other
        chapter.locator("button.theme-switch-button:visible").first.click()
        chapter.wait_for_function(THEMED, arg=colors()[0])
        seen.append(colors())
    assert {theme for theme, *_ in seen} == {"light", "dark"}
    assert len({background for _, background, _ in seen}) == 2
    assert len({text for *_, text in seen}) == 2


def test_words_of_code_without_a_mark_have_the_colour_of_code(chapter: Any) -> None:
    chapter.add_style_tag(content=STILL)
    for theme in ("light", "dark"):
        chapter.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        colors = chapter.evaluate(
            """() => [".highlight pre", ".highlight .p"].map(
                (place) => getComputedStyle(document.querySelector(place)).color)"""
        )
        assert colors[0] == colors[1]


def test_the_chapter_works_when_opened_as_a_file(window: Window) -> None:
    with window.cleared() as tab:
        load(tab, (SITE / CHAPTER).as_uri(), WIDE)
        found = tab.evaluate(INSPECT)
    assert all(plot["drawn"] for plot in found["plots"])
    assert [plot["points"] > 100 for plot in found["plots"]][:2] == [True, True]
    assert found["rendered"] == found["formulas"]


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
    pages = {(SITE / page).resolve(): Links(SITE / page) for page in FILES}
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


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><title>A page</title><link rel="icon" href="data:,">
<style>:root { --pst-color-text-base: black; } body { margin: 0; }</style>
<script>
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => { document.documentElement.dataset.theme = dark.matches ? "dark" : "light"; };
dark.addEventListener("change", follow);
follow();
</script>
</head>
<body><main><h1>A page</h1>%s</main></body>
</html>"""
FIGURE = "<figure class='plot' data-drawing='true' %s><div class='plot-canvas' aria-label='%s'></div><p>%s</p></figure>"
FAULTS = {
    "asks another host: https://elsewhere.invalid/": '<script src="https://elsewhere.invalid/"></script>',
    "does not get what it asks for: 404 ": '<script src="missing.js"></script>',
    "logs an error: planted": '<script>console.error("planted");</script>',
    "logs an error: thrown": '<script>throw new Error("thrown");</script>',
    "picture is not loaded: ": '<img src="data:," alt="nothing">',
    "picture is not described: ": "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"/>'>",
    "figure 1 is not drawn": FIGURE % ("", "A curve that rises and falls", "This figure could not be drawn."),
    "figure 1 is not drawn on a phone": "",
    "figure 2 is not described: a curve": FIGURE % ("data-drawn=true", "a curve", ""),
    "formulas: MathJax has not started": "<script>window.MathJax = {};</script>",
    "formulas: 0 of 1 are rendered": '<span class="math">x</span>',
    "formulas: 1 are broken": "<mjx-merror>x</mjx-merror>",
    "weighs 9.": '<link rel="stylesheet" href="heavy.css">',
    "is not accessible in light: color-contrast: ": '<p style="color: #ccc">faint</p>',
    "is not accessible in dark: color-contrast: ['b']": "<style>[data-theme=dark] b {color: #ccc}</style><b>faint</b>",
    "is not accessible in light: link-name: ": '<a href="#"></a>',
    "a picture is cut on a phone: a long strip": (
        "<div class='cell_output' style='overflow-x: auto; max-width: 100%'><img width='400' alt='a long strip' "
        'src=\'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="400" height="9"/>\'></div>'
    ),
    "scrolls sideways on a phone: it is 376 pixels wide": '<div style="width: 376px">wide</div>',
}
COLORS = (
    "color: hsl(200 50% 60%)",
    "color: rgb(0 0 0 / 0.3)",
    "color: oklch(0.7 0.1 200)",
    "color: color(display-p3 0 1 0)",
    "opacity: 0.4",
    "color: #ccc; text-shadow: 0 0 2px black",
    "mix-blend-mode: screen; color: gray",
    "color: #767676",
    "background: linear-gradient(white, black)",
    "background: rgb(255 0 0 / 0.5)",
    "-webkit-text-stroke: 2px silver",
)


def test_a_page_without_fault_has_none(window: Window, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE % "<p>All is well.</p>")
    with served(tmp_path) as address:
        assert list(faults(look(window, address + "page.html"))) == []


def test_a_page_that_stands_still_is_ended_and_the_next_one_is_looked_at(window: Window, tmp_path: Path) -> None:
    (tmp_path / "still.html").write_text(PAGE % "<script>onload = () => setTimeout(() => { for (;;); })</script>")
    (tmp_path / "page.html").write_text(PAGE % "<p>All is well.</p>")
    with served(tmp_path) as address:
        with pytest.raises(StandstillError, match=STANDSTILL[1]), window.cleared(patience=3.0) as tab:
            load(tab, address + "still.html", WIDE)
        assert list(faults(look(window, address + "page.html"))) == []


def test_a_page_that_is_drawn_no_more_is_told(window: Window, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE % "<script>window.requestAnimationFrame = () => {};</script>")
    with served(tmp_path) as address, pytest.raises(playwright.Error, match=STANDSTILL[0]), window.cleared() as tab:
        load(tab, address + "page.html", WIDE, frameless=0.5)


def test_every_fault_of_a_page_is_named(window: Window, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE % "\n".join(FAULTS.values()))
    (tmp_path / "heavy.css").write_text(" " * int(9 * MEGABYTE))
    with served(tmp_path) as address:
        found = list(faults(look(window, address + "page.html")))
    assert [fault for fault in FAULTS if not any(line.startswith(fault) for line in found)] == []
    assert "light: color-contrast: ['b']" not in "\n".join(found)


def test_the_quick_axe_finds_what_axe_finds(browser: Any) -> None:
    plain, found = axe.Axe().axe_script, []
    tab = new_tab(browser, viewport=WIDE)
    tab.set_content(PAGE % "".join(f'<div style="{style}"><p>text</p></div>' for style in COLORS))
    for script in (plain, quick(plain)):
        tab.evaluate(script)
        found.append([tab.evaluate("(options) => axe.run(options)", AXE_OPTIONS) for _ in range(2)])
    tab.close()
    for results in sum(found, []):
        del results["timestamp"]
    assert len(found[0][0]["violations"]) > 0
    assert len(found[0][0]["incomplete"]) > 0
    assert found[1] == found[0]


@pytest.mark.parametrize("page", PAGES or ["no page"])
def test_a_page_is_whole_from_one_host_and_readable_on_every_screen(page: str, window: Window, address: str) -> None:
    visit = look(window, address + page)
    note_weight(visit.weight, page)
    wrong = list(dict.fromkeys(faults(visit)))  # what is wrong on a wide screen and on a phone is said once
    if wrong:
        pytest.fail("\n".join([f"{page}:", *wrong]), pytrace=False)
