"""Explorers in a real JupyterLab, in headless Chromium: they appear, and knobs and clicks change pictures."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab_server import Server, run_all_cells, serve, wait_for_kernel
from processes import PATIENCE, is_alive

from book.browser import CHROMIUM, FLAGS

playwright = pytest.importorskip("playwright.sync_api")

CELLS = (
    "import os\nfrom satlib import explore, samples\n"
    "photo = samples.load('coffee').resize((32, 24))\nprint('kernel', os.getpid())",
    "centers = explore.centers(None, photo)\ncenters.seconds = 10.0  # as if the last change had been heavy\ncenters",
    "density = explore.density(None, photo)\ndensity",
)

DRAWN = """(image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth ?? image.width, image.naturalHeight ?? image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
}"""

pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")]


def write_notebook(path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    write_notebook(folder / "root" / "explorers.ipynb")
    with serve(folder) as lab:
        yield lab


@dataclass
class Notebook:
    """The notebook in a browser after all its cells have run."""

    page: Any
    errors: list[str]

    def explorer(self, number: int) -> Any:
        """Return the explorer that the cell of this number shows."""
        return self.page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output .widget-vbox").first

    def change_of(self, image: Any, before: str) -> str:
        """Wait until a picture is another than before, and return it."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            now = image.evaluate(DRAWN)
            if now != before and len(now) > 1000:
                return str(now)
            self.page.wait_for_timeout(50)
        raise AssertionError("the picture does not change")


@pytest.fixture(scope="module")
def notebook(server: Server) -> Iterator[Notebook]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        page.set_default_timeout(1000 * PATIENCE)
        errors: list[str] = []
        page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)))
        page.goto(f"{server.address}lab/tree/explorers.ipynb?token={server.token}")
        wait_for_kernel(server, page)
        run_all_cells(page)
        opened = Notebook(page, errors)
        opened.explorer(2).locator("img").wait_for()
        text = page.locator(".jp-OutputArea-output", has_text="kernel").first.inner_text()
        server.kernels.append(int(text.split()[1]))
        yield opened
        browser.close()


def test_a_slider_moved_by_keyboard_changes_the_picture(notebook: Notebook) -> None:
    explorer = notebook.explorer(1)
    image, knob = explorer.locator("img"), explorer.get_by_role("slider").first
    assert image.get_attribute("alt") == "Separation against density of the sampled tokens, the centres marked."
    pictures, lines = [notebook.change_of(image, "")], [explorer.get_by_role("status").inner_text()]
    assert "768 tokens, 92 sampled" in lines[0]
    for _ in range(2):  # the first waits, as heavy work does; the second is computed at once
        knob.focus()
        notebook.page.keyboard.press("ArrowRight")
        pictures.append(notebook.change_of(image, pictures[-1]))
        lines.append(explorer.get_by_role("status").inner_text())
    assert len(set(pictures)) == 3
    assert len(set(lines)) == 3


def test_a_click_chooses_the_pixel(notebook: Notebook) -> None:
    explorer = notebook.explorer(2)
    photo = explorer.locator('canvas[role="img"]')
    assert photo.get_attribute("aria-label").startswith("The image with dots on the sampled tokens, large and bright")
    assert photo.evaluate("(canvas) => [canvas.width, canvas.height]") == [768, 576]
    before = notebook.change_of(photo, "")
    box = photo.bounding_box()
    photo.click(position={"x": box["width"] * 4.5 / 32, "y": box["height"] * 20.5 / 24})
    notebook.change_of(photo, before)
    row, column = (field.input_value() for field in explorer.get_by_role("spinbutton").all()[:2])
    assert (row, column) == ("20", "4")
    assert "pixel 20, 4 " in explorer.get_by_role("status").inner_text()


def test_the_console_has_no_error(notebook: Notebook) -> None:
    assert notebook.errors == []


def test_server_and_kernel_end_when_asked(server: Server, notebook: Notebook) -> None:
    assert [kernel["name"] for kernel in json.loads(server.ask("api/kernels"))] == ["python3"]
    assert [is_alive(process) for process in server.kernels] == [True]
    server.ask("api/shutdown", "POST")
    assert server.process.wait(PATIENCE) == 0
    assert [is_alive(process) for process in server.kernels] == [False]
