"""Sphinx extension: sections that moved to another page are found by the address that they had.

``moved_sections`` names, for a page, the page that got some of its sections. A browser tells a server nothing of the
part of an address behind "#", so a script of the old page looks at it, and leads on to what the other page alone has.
"""

import json
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

NUMBERED = re.compile(r"id\d+")
"""Anchors that docutils counts; they say nothing, and change."""


def anchors(page: nodes.document) -> set[str]:
    """Return the anchors of a page."""
    found: set[str] = set()
    for element in page.findall(nodes.Element):
        found.update(element.get("ids", ()))
    return {anchor for anchor in found if not NUMBERED.fullmatch(anchor)}


def script(places: list[str], address: str) -> str:
    """Return a script that goes to ``address`` if the page was asked for one of these places."""
    listed = json.dumps(places).replace("<", "\\u003c")
    return (
        f"<script>if ({listed}.includes(decodeURIComponent(location.hash.slice(1)))) "
        f"location.replace({json.dumps(address)} + location.hash);</script>"
    )


def add_script(app: Sphinx, page: str, template: str, context: dict[str, str], doctree: nodes.document | None) -> None:
    """Put the script into the head of a page that sections have left."""
    to = app.config.moved_sections.get(page)
    if to is None or doctree is None:
        return
    if to not in app.env.found_docs:
        raise ValueError(f"moved_sections of {page} must name a page of the book, got {to!r}")
    places = sorted(anchors(app.env.get_doctree(to)) - anchors(doctree))
    uri = app.builder.get_target_uri
    context["metatags"] += script(places, relative_uri(uri(page), uri(to)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_config_value("moved_sections", {}, "html", types=(dict,))
    app.connect("html-page-context", add_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
