"""Sphinx extension: mends what the tools leave for readers who hear a page.

- The marks that fold a section of the table of contents get a name.
- Entries of the bibliography lose roles that are deprecated, and a list role that their brackets contradict.
- An empty heading in the corner of a table is no heading.

tests/book/test_site.py looks at every page with axe.
"""

import re
from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx

ROLES = re.compile(r' role="(?:doc-biblioentry|doc-backlink)"|(?<=<div) role="list"(?= class="citation-list")')
CORNER = re.compile(r'<th class="head[^"]*">\s*(?:<p>\s*</p>)?\s*</th>')


def mend(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    """Change what the templates of a page are given."""
    body = context.get("body")
    if isinstance(body, str):
        context["body"] = CORNER.sub("<td></td>", ROLES.sub("", body))
    make = context.get("generate_toctree_html")
    if callable(make):
        context["generate_toctree_html"] = _named(make)


def _named(make: Callable[..., object]) -> Callable[..., str]:
    """Return what makes the table of contents, with a name for each mark that folds."""

    def made(*args: object, **options: object) -> str:
        return str(make(*args, **options)).replace("<summary>", '<summary aria-label="Pages of this section">')

    return made


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handler, after the theme's own (priorities up to 501)."""
    app.connect("html-page-context", mend, priority=810)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
