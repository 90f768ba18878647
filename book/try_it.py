"""The page "Try it" in a plain frame, which takes no build of the book: for tests, and for what measures it."""

from pathlib import Path

from book._ext import live

FRAME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Try it</title>
<link rel="icon" href="data:,"></head><body><main><h1>Try it</h1>%s</main></body></html>"""


def write_try_it(folder: Path) -> Path:
    """Write the page and its files into a folder; return the page."""
    live.write(folder / "_static" / "live")
    page = folder / "book" / "try_it.html"
    page.parent.mkdir()
    page.write_text(FRAME % (live.LIVE / "page" / "page.html").read_text())
    return page
