"""The paper's tables as Markdown, for a page that sets them beside what it finds."""

from satlib.results import paper
from satlib.support.tables import table


def published_table(name: str) -> str:
    """Return a table of the paper as Markdown, under a line that says what it is; ``satlib.results.paper.NAMES``."""
    content = paper.table(name)
    body = table(content.columns, [[_cell(value) for value in row] for row in content.rows])
    return f"**The paper says** ({content.source}: {content.caption.rstrip('.')})\n\n{body}\n"


def _cell(value: paper.Value) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)
