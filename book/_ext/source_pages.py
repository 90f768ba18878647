"""Sphinx extension: the pages of the package's sources, which sphinx.ext.viewcode makes, without its faults.

A link from a function's source back to the API leads nowhere where the API shows the function under another name: such
links go. The list of modules has lists where only entries may be, and names a module that has no page: it becomes one
list of those that have one.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx

BACK = re.compile(r'<a class="viewcode-back" href="(?:\.\./)*([^"#]*\.html#[^"]+)">.*?</a>\s*', re.S)
ENTRY = re.compile(r'<li><a href="[^"]+">([\w.]+)</a></li>')
FOLDER = "_modules/"


def without_dead_links(body: str, targets: set[str]) -> str:
    """Return the HTML of a source page whose links back lead to one of the targets each, such as "a/b.html#name"."""
    return BACK.sub(lambda link: link[0] if link[1] in targets else "", body)


def as_one_list(body: str, modules: set[str]) -> str:
    """Return the HTML of the list of modules, one list of those that have a page."""
    heading, _, _ = body.partition("<ul>")
    entries = [entry[0] for entry in ENTRY.finditer(body) if entry[1] in modules]
    return heading + "<ul>\n" + "\n".join(entries) + "\n</ul>\n"


def mend(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    """Mend one page on its way to its file."""
    body = context.get("body")
    if not page.startswith(FOLDER) or not isinstance(body, str):
        return
    if page == FOLDER + "index":
        modules = {name for name, code in vars(app.env)["_viewcode_modules"].items() if code}
        context["body"] = as_one_list(body, modules)
    else:
        objects = app.env.get_domain("py").get_objects()
        targets = {f"{document}.html#{anchor}" for _, _, _, document, anchor, _ in objects}
        context["body"] = without_dead_links(body, targets)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handler."""
    app.connect("html-page-context", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
