"""Sphinx extension: where a chapter holds an explorer for JupyterLab, its page has a panel on which the layer runs.

The panel is the form of the page "Try it" with the knobs that the chapter is about. It is a button at first; the
network, 0.4 MB, comes when a reader presses it. Without JavaScript it is not shown.
"""

import re
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx

LIVE = Path(__file__).parents[1] / "live" / "page"
EXPLORER = re.compile(r"\bexplore\.(centers|density|aggregation|attention)\(")
FRAME = re.compile(r"<(link|script)[^>]*>(</script>)?\n?")
SIDE = 64
"""Pixels of a side at first."""


class View(NamedTuple):
    """What a panel shows at first, and its knobs, by the names of the form."""

    draw: str
    knobs: str
    invites: str


VIEWS = {
    "notebooks/02_sampling": View("sample", "sampler beta ratio", "Draw a sample here"),
    "notebooks/03_density": View("density", "m sampler", "Compute densities here"),
    "notebooks/04_separation": View("separation", "ratio m", "Compute separations here"),
    "notebooks/05_center_selection": View("centers", "ratio m beta sampler", "Choose centres here"),
    "notebooks/06_aggregation": View("clusters", "ratio tau", "Make clusters here"),
    "notebooks/08_saa": View("reading", "ratio logn other", "See what a pixel reads here"),
}
"""By the chapter's name."""


def panel(view: View, static: str) -> str:
    """Return a panel as HTML; ``static`` is the way to the page's files."""
    first = f"draw={view.draw}&side={SIDE}&row={SIDE // 2}&column={SIDE // 2}"
    given = f'data-first="{escape(first)}" data-knobs="{view.knobs}" data-shows="{view.draw}"'
    form = FRAME.sub("", (LIVE / "page.html").read_text()).replace('id="live"', f'id="live" {given}', 1)
    form = form.replace('class="live-status"', 'class="live-status" tabindex="-1"', 1)
    styles = "".join(f'<link rel="stylesheet" href="{static}/{name}.css">\n' for name in ("live", "panel"))
    return (
        f"{styles}"
        f'<section class="live-panel" hidden data-script="{static}/live.js" aria-label="{view.invites}">\n'
        f'<p><button type="button">{view.invites}</button> in this page, on a photograph or a picture of yours, which '
        f"stays here. The network takes 0.4 MB.</p>\n<template>\n{form}</template>\n</section>\n"
    )


def is_explorer(node: nodes.Node) -> bool:
    """Return whether a node is a cell that opens an explorer."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and EXPLORER.search(node.astext()) is not None
    )


def insert(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put a panel below the first explorer of a chapter.

    Raises
    ------
    ValueError
        If the chapter has none any more.
    """
    if page not in VIEWS or app.builder.format != "html":
        return
    cell = next(iter(doctree.findall(is_explorer)), None)
    if cell is None:
        raise ValueError(f"{page} has no explorer, below which its panel would stand")
    static = "../" * page.count("/") + "_static/live"
    cell.parent.insert(cell.parent.index(cell) + 1, nodes.raw("", panel(VIEWS[page], static), format="html"))


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """Let a page with a panel have the script of its button."""
    if page in VIEWS:
        app.add_js_file("live/panel.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handlers."""
    app.connect("doctree-resolved", insert)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
