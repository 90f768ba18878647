"""Sphinx extension: leave out of the site what the themes bring and no page asks for.

Source maps of their scripts and styles, FontAwesome as a script beside the style sheet that the pages load, its font of
brands, of which no page draws one, its fonts in the older format, which browsers of the last ten years do not ask for,
translations that Sphinx itself has read, and commands of chemistry and physics: about 5 MB of 41. The indents and empty
lines that templates leave in every page: half a MB. And marks on words of code whose colour is that of all code: 2 MB.
"""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx

UNUSED = (
    "scripts/*.map",
    "styles/*.map",
    "locales",
    "vendor/fontawesome/*/js",
    "vendor/fontawesome/*/webfonts/fa-brands-*",
    "vendor/fontawesome/*/webfonts/*.ttf",
    "vendor/mathjax/input/tex/extensions/all-packages.js",
    "vendor/mathjax/input/tex/extensions/mhchem.js",
    "vendor/mathjax/input/tex/extensions/mathtools.js",
    "vendor/mathjax/input/tex/extensions/physics.js",
)
"""Below ``_static``."""

SPACE = re.compile(r"(<(pre|script|style|textarea)\b.*?</\2>)|\n\s+", re.S)
"""An element whose white space counts, or else empty lines and an indent."""

PLAIN = re.compile(r'<span class="[nw]">([^<]*)</span>')
"""A name or white space in highlighted code; their colours are that of the code around them."""


def remove_unused(app: Sphinx, error: Exception | None) -> None:
    """Remove them from a site that is built."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    for pattern in UNUSED:
        for path in static.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def squeeze(page: str) -> str:
    """Return a page without empty lines, indents and marks that show nothing; white space that counts stays."""
    return PLAIN.sub(r"\1", SPACE.sub(lambda found: found[1] or "\n", page))


def squeeze_pages(app: Sphinx, error: Exception | None) -> None:
    """Rewrite all pages of a site that is built."""
    if error is None and app.builder.format == "html":
        for path in Path(app.outdir).rglob("*.html"):
            path.write_text(squeeze(path.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect both to the end of the build; pages are squeezed when all other extensions have written them."""
    app.connect("build-finished", remove_unused)
    app.connect("build-finished", squeeze_pages, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
