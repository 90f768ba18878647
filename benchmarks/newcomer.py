"""`python -m benchmarks newcomer [--anyway]`: from `git clone` to the first picture changed by a knob; some minutes.

What a person does who is new to the project, with a stop-watch: the last commit is cloned into an empty folder, `make
lab` makes an environment and opens JupyterLab, headless Chromium opens the start page, runs all cells, and moves the
first knob once the first picture is there. Writes satlib/results/timings/newcomer.json: seconds since the first command
at each of these moments. A person's own time, to read and to reach for the mouse, comes on top; so does the way of the
packages through a slower network. Needs git and Chromium.

--anyway   also on a machine that is not idle
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from html import unescape
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.protocol import is_idle, machine, save, say
from book.browser import CHROMIUM, FLAGS
from satlib.figures.chapters.speed_tables import first_minutes

ROOT = Path(__file__).parents[1]
PATIENCE = 1800
"""Seconds for all of it."""

SETTINGS = {"ServerApp": {"open_browser": False, "allow_root": True, "ip": "127.0.0.1", "port": 0}}
"""For a machine without a screen."""

MOMENTS = (
    "the repository is there",
    "JupyterLab answers",
    "the start page can be read",
    "its first picture is there",
    "a knob has changed it",
)
Times = dict[str, float]


def main() -> int:
    """Be a newcomer once, print and write the times; exit code 2 if nothing can be measured here."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks newcomer")
    parser.add_argument("--anyway", action="store_true", help="also on a machine that is not idle")
    if not (parser.parse_args(sys.argv[2:]).anyway or is_idle()):
        return 2
    if CHROMIUM is None:
        sys.stderr.write("Chromium is not on the path\n")
        return 2
    started_on = machine()
    with tempfile.TemporaryDirectory() as folder:
        times = visit(Path(folder))
    say(first_minutes(times))
    save("newcomer", started_on, {"seconds": times})
    return 0


def visit(folder: Path) -> Times:
    """Clone, open, run and turn, in an empty folder; return the seconds since the first command, by moment."""
    start, times = time.monotonic(), Times()

    def now(moment: str) -> None:
        times[moment] = round(time.monotonic() - start, 1)
        say(f"{times[moment]:6.1f} s  {moment}")

    repository = folder / "repository"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(repository)], check=True)
    now(MOMENTS[0])
    with lab(repository, folder) as address:
        now(MOMENTS[1])
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            page = browser.new_page(viewport={"width": 1280, "height": 800})
            page.set_default_timeout(1000 * PATIENCE)
            page.goto(address)
            page.get_by_role("heading", name="Start here").wait_for()
            now(MOMENTS[2])
            turn_a_knob(page, now)
            browser.close()
    return times


def turn_a_knob(page: Page, now: Callable[[str], None]) -> None:
    """Run all cells of the start page by the menu, and move the first explorer's first knob by the keyboard."""
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for()
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    explorer = page.locator(".jp-OutputArea-output .widget-vbox").first
    picture = explorer.locator('canvas[role="img"]')
    picture.wait_for()
    now(MOMENTS[3])
    before = picture.evaluate("(canvas) => canvas.toDataURL()")
    explorer.get_by_role("slider").first.press("ArrowRight")
    page.wait_for_function(
        "([canvas, before]) => canvas.toDataURL() !== before", arg=[picture.element_handle(), before]
    )
    now(MOMENTS[4])


@contextmanager
def lab(repository: Path, folder: Path) -> Iterator[str]:
    """Run `make lab`, without this user's settings, until the block ends; give the address that it would open."""
    config, runtime = folder / "config", folder / "runtime"
    config.mkdir()
    (config / "jupyter_server_config.json").write_text(json.dumps(SETTINGS))
    places = {"JUPYTER_CONFIG_DIR": config, "JUPYTER_RUNTIME_DIR": runtime, "IPYTHONDIR": folder / "ipython"}
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    environment |= {name: str(place) for name, place in places.items()}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["make", "lab"],
            cwd=repository,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield address_of(process, runtime, folder / "log")
    finally:
        with suppress(ProcessLookupError):  # it has ended by itself
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def address_of(process: "subprocess.Popen[bytes]", runtime: Path, log: Path) -> str:
    """Wait for JupyterLab; return its address, of the page that it starts at."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        for file in runtime.glob("jpserver-*-open.html"):
            text = file.read_text()
            if 'href="' in text:
                return unescape(text.split('href="')[1].split('"')[0])
        time.sleep(0.1)
    raise RuntimeError(f"make lab gave no address: {log.read_text()[-2000:]}")
