"""A JupyterLab that tests look at with headless Chromium.

The server runs on a free port of this machine with folders of its own, and ends with the tests, as its kernels do.
"""

import json
import os
import secrets
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import PATIENCE, start

ROOT = Path(__file__).parents[1]


SETTINGS: dict[str, dict[str, object]] = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "notebook-extension/tracker": {"windowingMode": "none"},  # all cells are drawn, not only those that can be seen
}
"""What a user may choose in JupyterLab."""


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


def environment(folder: Path) -> dict[str, str]:
    """Return this environment with every folder that Jupyter writes to in ``folder``."""
    places = {
        name: str(folder / name.lower())
        for name in (
            "JUPYTER_CONFIG_DIR",
            "JUPYTER_DATA_DIR",
            "JUPYTER_RUNTIME_DIR",
            "JUPYTERLAB_SETTINGS_DIR",
            "JUPYTERLAB_WORKSPACES_DIR",
            "IPYTHONDIR",
            "HOME",
        )
    }
    for name, settings in SETTINGS.items():
        file = folder / "jupyterlab_settings_dir" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(settings))
    return os.environ | places | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@contextmanager
def serve(folder: Path, *, options: Sequence[str] = ()) -> Iterator[Server]:
    """Run a JupyterLab that shows ``folder``/root and writes into ``folder``."""
    token = secrets.token_hex(16)
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ServerApp.ip=127.0.0.1",
        "--ServerApp.port=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={folder / 'root'}",
        "--LabApp.expose_app_in_browser=True",
        *options,
    ]
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


RAN = """() => {
    const cells = jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model);
    const done = (cell) => cell.executionCount !== null && cell.executionState === "idle";
    return document.querySelector('[data-mime-type*="error"]') !== null
        || cells.every((cell) => cell.type !== "code" || done(cell));
}"""
"""Whether every cell of the notebook in front has run, folded ones as well, or one has failed."""


def run_all_cells(page: Any) -> None:
    """Run all cells of the notebook in front, by the menu."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
