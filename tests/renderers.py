"""A watch on Chromium: nothing waits for a page's answer for ever, though Playwright sets no limit to that."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
from processes import descendants


class StandstillError(Exception):
    """Chromium gave no answer, and its pages were ended."""


@contextmanager
def ended_after(seconds: float) -> Iterator[None]:
    """End the processes of all open pages if the block takes longer; what fails of it is a `StandstillError` then."""
    ended = threading.Event()
    timer = threading.Timer(seconds, _end_renderers, [ended])
    timer.start()
    try:
        yield
    except Exception as error:
        if ended.is_set():
            raise StandstillError(f"no answer comes within {seconds:g} s") from error
        raise
    finally:
        timer.cancel()


def _end_renderers(ended: threading.Event) -> None:
    ended.set()
    for process in descendants():
        with suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()
