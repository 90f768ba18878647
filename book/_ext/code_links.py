"""Sphinx extension: names in a page's code lead to the API pages.

sphinx-codeautolink does the work: it parses the code, finds what each name is, and makes a link of it if that is
documented here. It supposes that every section has a title, and that every title is a section's. Exercises, theorems
and proofs put what they say into sections without a title, and admonitions have titles, so it gets an analyser here
that passes over both. The API pages say which sections of the book use an object. The words that unfold this list are
ours: those of sphinx-codeautolink have a link in them, and no reader could say what a click on it does.
"""

import re

import sphinx_codeautolink.extension
from docutils import nodes
from sphinx.application import Sphinx
from sphinx_codeautolink.extension.block import CodeBlockAnalyser

SUMMARY = re.compile(r"<summary>Expand for references to .*?</summary>", re.S)


class Analyser(CodeBlockAnalyser):
    """Finds the code of a page, and the headings above it."""

    def visit_section(self, node: nodes.section) -> None:
        """Remember where a section is."""
        if _has_title(node):
            super().visit_section(node)

    def visit_title(self, node: nodes.title) -> None:
        """Remember what a section is called."""
        if isinstance(node.parent, nodes.section):
            super().visit_title(node)

    def depart_section(self, node: nodes.section) -> None:
        """Forget it."""
        if _has_title(node):
            super().depart_section(node)


def reword(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    """Say what the list is that sphinx-codeautolink folds under an object of the API."""
    body = context.get("body")
    if isinstance(body, str):
        context["body"] = SUMMARY.sub("<summary>Where the book uses it</summary>", body)


def _has_title(section: nodes.section) -> bool:
    return any(isinstance(child, nodes.title) for child in section.children)


def setup(app: Sphinx) -> dict[str, bool]:
    """Set sphinx-codeautolink up, with our analyser."""
    vars(sphinx_codeautolink.extension)["CodeBlockAnalyser"] = Analyser
    app.setup_extension("sphinx_codeautolink")
    app.connect("html-page-context", reword)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
