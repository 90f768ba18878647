"""Explorers in a real JupyterLab, looked at with headless Chromium: they appear, and knobs and clicks change pictures.

The server runs on a free port of this machine with folders of its own, and ends with the tests, as its kernels do.
"""

import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from processes import PATIENCE, is_alive, start

playwright = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
CELLS = (
    "import os\nfrom satlib import explore, samples\n"
    "photo = samples.load('coffee').resize((32, 24))\nprint('kernel', os.getpid())",
    "centers = explore.centers(None, photo)\ncenters.seconds = 10.0  # as if the last change had been heavy\ncenters",
    "density = explore.density(None, photo)\ndensity",
)

DRAWN = """(image) => {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL();
}"""

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on the path")


@dataclass
class Server:
    """A JupyterLab."""

    token: str
    process: subprocess.Popen[bytes]
    runtime: Path
    log: Path
    address: str = ""
    kernels: list[int] = field(default_factory=list)

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Send a request to its API."""
        request = urllib.request.Request(
            self.address + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.read()

    def wait(self) -> None:
        """Wait until it has chosen a port and answers."""
        end = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < end, self.log.read_text()
            time.sleep(0.1)

    def answers(self) -> bool:
        """Return whether it answers at the address that it has written down."""
        try:
            (file,) = self.runtime.glob("jpserver-*.json")
            self.address = json.loads(file.read_text())["url"]
            self.ask("api/status")
        except (ValueError, OSError):  # there is no file yet, or half of it, or nobody at the address
            return False
        return True

    def has_a_connected_kernel(self) -> bool:
        """Return whether there is a kernel and somebody is connected to it."""
        try:
            kernels = json.loads(self.ask("api/kernels"))
        except urllib.error.HTTPError:  # it answers 500 as long as it is starting one
            return False
        return [kernel["connections"] for kernel in kernels] == [1]


def write_notebook(path: Path) -> None:
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(text) for text in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(notebook, path)


def environment(folder: Path) -> dict[str, str]:
    """Return this environment with every folder that Jupyter writes to in ``folder``."""
    places = {
        name: str(folder / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR", "HOME",
        )
    }  # fmt: skip
    news = folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True)
    (news / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    return os.environ | places | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lab")
    (folder / "root").mkdir()
    write_notebook(folder / "root" / "explorers.ipynb")
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder / 'root'}",
    ]  # fmt: skip
    log = folder / "log"
    with log.open("wb") as output:
        process = start(command, env=environment(folder), cwd=folder, stdout=output, stderr=output)
    lab = Server(token, process, folder / "jupyter_runtime_dir", log)
    try:
        lab.wait()
        yield lab
    finally:
        process.terminate()
        process.wait(PATIENCE)


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


def wait_for_kernel(server: Server, page: Any) -> None:
    """Wait until the notebook's kernel waits for cells.

    JupyterLab shows an idle kernel as soon as the notebook is there, before it has asked the server for one, and drops
    cells that are run then: they stay as they are, for ever. So the server has to tell of a kernel that JupyterLab is
    connected to, and then JupyterLab, which has seen it start, has to tell that it is idle.
    """
    end = time.monotonic() + PATIENCE
    while not server.has_a_connected_kernel():
        assert time.monotonic() < end, "no kernel was started"
        page.wait_for_timeout(50)
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()


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
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        opened = Notebook(page, errors)
        opened.explorer(2).locator("img").nth(1).wait_for()
        text = page.locator(".jp-OutputArea-output", has_text="kernel").first.inner_text()
        server.kernels.append(int(text.split()[1]))
        yield opened
        browser.close()


def test_a_slider_moved_by_keyboard_changes_the_picture(notebook: Notebook) -> None:
    explorer = notebook.explorer(1)
    image, knob = explorer.locator("img"), explorer.get_by_role("slider").first
    assert image.get_attribute("alt") == "The image three times: alone, with the sampled tokens, with the centres."
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
    photo = explorer.locator("img").first
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
