"""Sphinx extension: a strip at the top of chapters 2 to 9 that says where on one token's journey the reader is.

It has the nine steps of book/journey.md. Each leads to its chapter; those of the chapter itself, to what happens to the
token there. The strip stays at the top of the window while the page scrolls, and is not printed.
"""

from dataclasses import dataclass
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

JOURNEY = "book/journey"


@dataclass(frozen=True)
class Step:
    """A step of the journey."""

    word: str
    """What the strip calls it."""

    place: str
    """Where it stands on the page of the journey."""

    chapters: tuple[str, ...]
    """The chapters about it, as they are called in the folder of notebooks; the first one is where it leads."""


STEPS = (
    Step("patch", "it-is-a-patch", ("01_idea",)),
    Step("sample", "it-is-not-sampled", ("02_sampling",)),
    Step("density", "its-neighbour-is-dense", ("03_density",)),
    Step("centres", "so-it-is-no-centre", ("04_separation", "05_center_selection")),
    Step("cluster", "it-joins-a-cluster", ("06_aggregation",)),
    Step("mean", "it-disappears", ("06_aggregation",)),
    Step("query", "as-a-query-it-lives-on", ("08_saa",)),
    Step("windows", "it-looks-around", ("07_windows",)),
    Step("output", "it-becomes-four-pixels", ("09_network",)),
)
WITHOUT = ("01_idea",)
"""Chapters that tell all of the journey, and so have no place on it."""


def strip(page: str, address: dict[str, str]) -> str:
    """Return the strip of a page, or "" if the page is not on the way.

    ``address`` has the address of each page that the strip may lead to, as seen from this one.
    """
    name = page.rsplit("/", 1)[-1]
    here = [number for number, step in enumerate(STEPS, 1) if name in step.chapters]
    if not here or name in WITHOUT:
        return ""
    items = []
    for number, step in enumerate(STEPS, 1):
        now = number in here
        goal = f"{address[JOURNEY]}#{step.place}" if now else address[f"notebooks/{step.chapters[0]}"]
        mark = ' aria-current="step"' if now else ""
        items.append(f'<li><a href="{escape(goal)}"{mark}><b>{number}</b> <span>{step.word}</span></a></li>')
    title = f'<li><a class="journey-title" href="{escape(address[JOURNEY])}">Journey:</a></li>'
    return f'<nav class="journey-strip" aria-label="One token\'s journey"><ol>{title}{"".join(items)}</ol></nav>'


def add(app: Sphinx, page: str, template: str, context: dict[str, object], doctree: nodes.document | None) -> None:
    """Put the strip before the text of a page."""
    body, pathto = context.get("body"), context.get("pathto")
    if not isinstance(body, str) or not callable(pathto) or not page.startswith("notebooks/"):
        return
    goals = {JOURNEY, *(f"notebooks/{step.chapters[0]}" for step in STEPS)}
    if goals <= app.env.found_docs:
        context["body"] = strip(page, {goal: str(pathto(goal)) for goal in goals}) + body


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handler."""
    app.connect("html-page-context", add, priority=820)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
