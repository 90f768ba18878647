"""The paper's tables as Markdown, for a page that sets them beside what it finds."""

from satlib.results.paper import Value, table


def published_table(name: str) -> str:
    """Return a table of the paper as Markdown, under a line that says what it is; ``satlib.results.paper.NAMES``."""
    content = table(name)
    rows = [content.columns, ("---",) * len(content.columns), *content.rows]
    body = "\n".join(f"| {' | '.join(_cell(value) for value in row)} |" for row in rows)
    return f"**The paper says** ({content.source}: {content.caption.rstrip('.')})\n\n{body}\n"


def _cell(value: Value) -> str:
    if value is None:
        return ""
    return f"{value:.2f}" if isinstance(value, float) else str(value)
