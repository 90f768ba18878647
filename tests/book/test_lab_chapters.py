"""Every chapter in a real JupyterLab, in headless Chromium: it reads well, and what is to be folded is folded."""

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab_server import RAN, ROOT, Server, run_all_cells, serve, wait_for_kernel
from processes import PATIENCE

from book.browser import CHROMIUM

pytest.importorskip("playwright.sync_api")

CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.md"))
SHORT = ("00_start", "03_density")
"""What is opened always, and what is run; the others are opened only where slow tests are wanted."""

RAW = re.compile(
    r":::|```|\$\$|\{(?:doc|ref|eq|cite|numref|download|py:\w+|prf:\w+|admonition|exercise|solution)[\w-]*\}"
)
UNKNOWN = re.compile(r".*Unknown Directive.*")

RENDERED = """() => {
    const cells = [...document.querySelectorAll(".jp-Notebook .jp-MarkdownCell:not(.lm-mod-hidden)")];
    return cells.length > 0 && cells.every((cell) => cell.querySelector(".myst")?.innerText.trim());
}"""
DEAD = """() => [...document.querySelectorAll(
    '.jp-Notebook .myst [title="Cross Reference Not Found"], .jp-Notebook .myst a.link[href^="#"]'
)].map((element) => element.outerHTML.slice(0, 200))"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "root" / "notebooks", ignore=shutil.ignore_patterns("executed"))
    with serve(folder) as lab:
        yield lab


@pytest.fixture
def page(server: Server, browser: Any) -> Iterator[Any]:
    """A new page; the kernels of its notebooks end with it."""
    context = browser.new_context(viewport={"width": 1280, "height": 1600})
    opened = context.new_page()
    opened.set_default_timeout(1000 * PATIENCE)
    yield opened
    context.close()
    for session in json.loads(server.ask("api/sessions")):
        server.ask(f"api/sessions/{session['id']}", "DELETE")


def show(page: Any, server: Server, chapter: str) -> nbformat.NotebookNode:
    """Open a chapter in a workspace of its own, wait until it is drawn, and return it as it is in the file."""
    page.goto(f"{server.address}lab/workspaces/{chapter}/tree/notebooks/{chapter}.ipynb?token={server.token}")
    page.wait_for_function(RENDERED)
    return nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4)


def seen(page: Any, place: str) -> list[str]:
    """Return the text of the elements that can be seen."""
    return [element.inner_text() for element in page.locator(place).all() if element.is_visible()]


def hidden_by_solutions(cells: list[nbformat.NotebookNode]) -> list[bool]:
    """Return for each cell whether it is below the heading of a solution."""
    hidden, below = [], False
    for cell in cells:
        if cell.source.startswith("#") and cell.cell_type == "markdown":
            below = False
        hidden.append(below)
        below = below or "jp-MarkdownHeadingCollapsed" in cell.metadata
    return hidden


def check_what_is_seen(page: Any, cells: list[nbformat.NotebookNode]) -> None:
    """Check that the cells of solutions are hidden, code and outputs, and all others are there."""
    drawn = page.locator(".jp-Notebook .jp-Cell").all()
    assert [not cell.is_visible() for cell in drawn] == hidden_by_solutions(cells)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_chapter_opens_without_raw_text_and_folded_as_the_page(page: Any, server: Server, chapter: str) -> None:
    cells = show(page, server, chapter).cells
    texts = seen(page, ".jp-Notebook .jp-MarkdownCell .myst")
    assert [found for text in texts for found in RAW.findall(text) + UNKNOWN.findall(text)] == []
    assert page.evaluate(DEAD) == []
    check_what_is_seen(page, cells)
    code = page.locator(".jp-Notebook .jp-CodeCell").all()
    folded = [cell.locator(".jp-InputPlaceholder").count() == 1 for cell in code]
    metadata = [cell.metadata for cell in cells if cell.cell_type == "code"]
    assert folded == ["source_hidden" in m.get("jupyter", {}) for m in metadata]


@pytest.mark.parametrize("chapter", SHORT)
def test_chapter_runs_and_hides_solutions_then_too(page: Any, server: Server, chapter: str) -> None:
    cells = show(page, server, chapter).cells
    wait_for_kernel(server, page)
    run_all_cells(page)
    page.wait_for_function(RAN)
    assert page.locator('.jp-OutputArea-output[data-mime-type*="error"]').count() == 0
    assert page.locator('.jp-OutputArea-output[data-mime-type*="stderr"]').count() == 0
    texts = seen(page, ".jp-Notebook .jp-OutputArea-output")
    assert texts and [found for text in texts for found in RAW.findall(text) + UNKNOWN.findall(text)] == []
    check_what_is_seen(page, cells)


def test_a_solution_opens_when_asked(page: Any, server: Server) -> None:
    show(page, server, "05_center_selection")
    page.locator(".jp-showHiddenCellsButton").first.click()
    page.locator(".myst", has_text="Call the densest token 1.").wait_for()


def test_the_start_page_leads_to_every_chapter_and_a_link_opens_it(page: Any, server: Server) -> None:
    notebook = show(page, server, "00_start")
    links = re.findall(r"\]\((\w+)\.ipynb\)", "\n".join(cell.source for cell in notebook.cells))
    assert sorted({"00_start", *links}) == CHAPTERS
    page.locator(".myst a", has_text="The idea, in five minutes").first.click()
    page.locator(".lm-DockPanel .lm-TabBar-tabLabel", has_text="01_idea.ipynb").wait_for()


def test_make_lab_opens_the_start_page_and_links_to_pages_of_the_book_lead_there(browser: Any, tmp_path: Path) -> None:
    (recipe,) = re.findall(r"^lab:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.M)
    _, _, options = recipe.replace("\\\n", " ").partition("jupyter lab ")
    for name in ("notebooks", "book"):  # a copy: JupyterLab saves what it has opened
        shutil.copytree(ROOT / name, tmp_path / "root" / name, ignore=shutil.ignore_patterns("executed", "__pycache__"))
    with serve(tmp_path, options=shlex.split(options)) as lab:
        page = browser.new_context(viewport={"width": 1280, "height": 1600}).new_page()
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(f"{lab.address}?token={lab.token}")
        page.locator(".lm-DockPanel .lm-TabBar-tabLabel", has_text="00_start.ipynb").wait_for()
        page.goto(f"{lab.address}lab/tree/notebooks/20_attribution.ipynb?token={lab.token}")
        page.locator(".myst a", has_text="Command line").last.click()
        page.locator(".lm-DockPanel .lm-TabBar-tabLabel", has_text="command_line.md").wait_for()
        page.context.close()
