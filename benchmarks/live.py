"""`python -m benchmarks live [--anyway]`: the page "Try it" in headless Chromium and Firefox; about two minutes.

Writes satlib/results/timings/live.json: what the page carries without a theme, how long it takes to start, runs at some
sizes, and the time from a dropped picture to its result on the screen. Milliseconds of the clock, by the browser's own:
so the machine must be idle. A browser that is not there is left out.

--anyway   also on a machine that is not idle
"""

import argparse
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import torch
from playwright.sync_api import sync_playwright

from benchmarks.protocol import is_idle, machine, save, say
from book.browser import CHROMIUM, FLAGS, served
from book.firefox import FIREFOX, firefox
from book.try_it import write_try_it
from satlib import samples
from satlib.support.tables import table

SIDES = (48, 64, 96, 128)
DROPPED = 96
REPETITIONS = 7
TARGETS = {"start": 400, "drop": 1000, "64": 130, "96": 400, "128": 1000, "bytes": 450_000}
"""Milliseconds at most, and bytes."""

# When the page asks for its first run, all that it starts with is there: script, network, picture.
NOTE_START = """() => {
    const post = Worker.prototype.postMessage;
    Worker.prototype.postMessage = function (message, ...more) {
        if (message.task === "run") window.began ??= performance.now();
        return post.call(this, message, ...more);
    };
}"""
DONE = """const live = document.getElementById("live");
    const done = () => new Promise((resolve) => {
        const look = () => live.dataset.state === "done" && (watching.disconnect(), resolve());
        const watching = new MutationObserver(look);
        watching.observe(live, { attributes: true });
        look();
    });"""
START = f"async () => {{ {DONE} await done(); return window.began; }}"
# A picture is on the screen when the frame after the one that draws it begins.
DROP = f"""async (bytes) => {{
    {DONE}
    const frame = () => new Promise(requestAnimationFrame);
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(bytes)], "own.png", {{ type: "image/png" }}));
    const start = performance.now();
    document.getElementById("live-drop").dispatchEvent(new DragEvent("drop", {{ dataTransfer }}));
    await done();
    await frame();
    await frame();
    return performance.now() - start;
}}"""
WHOLE = f"""async () => {{
    {DONE}
    live.querySelector("[data-do=whole]").click();
    await done();
    const [, ms, memory] = live.querySelector("[data-text=measured]").textContent.match(/; (\\d+) ms, (\\d+) MiB/);
    return [Number(ms), Number(memory)];
}}"""
SIZES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)"""

Call = Callable[..., Any]
"""A page: a JavaScript function and its arguments give its value."""
Found = dict[str, Any]
"""What one browser takes, as it is written."""


@contextmanager
def in_chromium(address: str) -> Iterator[tuple[Call, str]]:
    """Open the page in a new Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page()
        tab.set_default_timeout(0)
        tab.add_init_script(f"({NOTE_START})()")
        tab.goto(address)
        yield lambda function, *given: tab.evaluate(f"(given) => ({function})(...given)", given), browser.version
        browser.close()


@contextmanager
def in_firefox(address: str) -> Iterator[tuple[Call, str]]:
    """Open the page in a new Firefox."""
    with firefox() as browser, browser.tab() as tab:
        tab.call_first(NOTE_START)
        tab.goto(address)
        yield tab.evaluate, str(tab.evaluate("() => navigator.userAgent")).rpartition("/")[2]


BROWSERS = {"Chromium": (CHROMIUM, in_chromium), "Firefox": (FIREFOX, in_firefox)}


def picture(side: int) -> list[int]:
    """Return the bytes of a PNG file: a square cut of a photograph."""
    file = io.BytesIO()
    samples.load("coffee").convert("RGB").crop((0, 0, side, side)).save(file, "PNG")
    return list(file.getvalue())


def measure(name: str, address: str, repetitions: int) -> Found:
    """Return what one browser takes: a new one for each start and first drop, then runs in the last of them."""
    opened, starts, drops, rows = BROWSERS[name][1], [], [], []
    for number in range(repetitions):
        with opened(address) as (page, version):
            starts.append(page(START))
            n_bytes = page(SIZES)
            drops.append(page(DROP, picture(DROPPED)))
            for side in SIDES if number == repetitions - 1 else ():
                page(DROP, picture(side))
                runs = [page(WHOLE) for _ in range(repetitions)]
                rows.append({"side": side, "ms": [ms for ms, _ in runs], "mebibytes": max(held for _, held in runs)})
    rounded = {"start": [round(ms) for ms in starts], "drop": [round(ms) for ms in drops]}
    return {"name": name, "version": version, "bytes": n_bytes, **rounded, "rows": rows}


def shown(found: Found) -> str:
    """Return a table of one browser's least and median times, and the targets."""
    times = {"start": found["start"], "drop": found["drop"], **{str(row["side"]): row["ms"] for row in found["rows"]}}
    lines = [(what, min(ms), f"{median(ms):.0f}", TARGETS.get(what, "")) for what, ms in times.items()]
    lines.append(("bytes", found["bytes"], "", TARGETS["bytes"]))
    return table((f"{found['name']} {found['version']}", "least, ms", "median, ms", "at most"), lines, align="lr")


def main() -> int:
    """Measure, print and write; exit code 2 if nothing can be measured here."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks live")
    parser.add_argument("--anyway", action="store_true", help="also on a machine that is not idle")
    if not (parser.parse_args(sys.argv[2:]).anyway or is_idle()):
        return 2
    names = [name for name, (program, _) in BROWSERS.items() if program is not None]
    if not names:
        sys.stderr.write("neither Chromium nor Firefox is on the path\n")
        return 2
    torch.set_num_threads(1)
    started_on, browsers = machine(), []
    with tempfile.TemporaryDirectory() as folder:
        write_try_it(Path(folder))
        with served(Path(folder)) as address:
            for name in names:
                browsers.append(measure(name, f"{address}book/try_it.html", REPETITIONS))
                say(shown(browsers[-1]))
    save("live", started_on, {"dropped": DROPPED, "browsers": browsers})
    return 0
