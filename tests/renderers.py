"""A watch on Chromium: nothing waits for a page's answer for ever, though Playwright sets no limit to that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from processes import descendants


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End the processes of all open pages if the block takes longer; what waits for one is told "Target crashed"."""
    timer = threading.Timer(seconds, _end_renderers)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end_renderers() -> None:
    for process in descendants():
        with suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()
