"""Markdown tables, written in one way for pages and for terminals."""

from collections.abc import Iterable, Sequence

_PADS = {"l": str.ljust, "r": str.rjust}
_RULES = {"l": "-{}-", "r": "-{}:"}


def table(head: Sequence[object], rows: Iterable[Sequence[object]], *, align: str = "l") -> str:
    """Return a Markdown table whose columns are padded to equal width, so that it reads well as plain text, too.

    Parameters
    ----------
    head, rows
        The cells, as ``str`` gives them. Pipes are escaped, and a line break becomes a space.
    align
        "l" or "r" for each column: text to the left, numbers to the right. The last letter stands for all that follow.

    Raises
    ------
    ValueError
        If a row has more or fewer cells than the head, or ``align`` is something else.
    """
    lines = [[str(value).replace("|", "\\|").replace("\n", " ") for value in row] for row in (head, *rows)]
    n_columns = len(lines[0])
    for line in lines:
        if len(line) != n_columns:
            raise ValueError(f"a row of {n_columns} cells is needed, as in the head, got {len(line)}: {line}")
    if not 1 <= len(align) <= n_columns or set(align) - set(_PADS):
        raise ValueError(f"align must be 1 to {n_columns} letters, each l or r, got {align!r}")
    sides = align.ljust(n_columns, align[-1])
    widths = [max(1, *map(len, column)) for column in zip(*lines, strict=True)]
    padded = [[_PADS[s](cell, w) for s, cell, w in zip(sides, line, widths, strict=True)] for line in lines]
    rule = "|".join(_RULES[side].format("-" * width) for side, width in zip(sides, widths, strict=True))
    first, *others = (f"| {' | '.join(line)} |" for line in padded)
    return "\n".join((first, f"|{rule}|", *others))
