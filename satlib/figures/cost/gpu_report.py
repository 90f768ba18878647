"""What was measured on a GPU, as Markdown: the tables of the book, or the statement that nothing was."""

from collections.abc import Sequence

from satlib.analysis.statistics import local_slopes
from satlib.results.timings.gpu import COMMAND, Content, Row, conditions, rows, seconds, sweep
from satlib.support.tables import table


def report(content: Content | None) -> str:
    """Return all that was measured, or the plain statement that nothing was."""
    if content is None:
        return f"**Not measured.** No GPU has been measured yet; `{COMMAND}` does it on a machine that has one."
    missing = [
        f"- {section}: {row.get('failed') or row['skipped']}"
        for section, found in content["sections"].items()
        for row in found
        if "failed" in row or "skipped" in row
    ]
    parts = [f"**Measured here**: {conditions(content)}.", *(part(content) for part in PARTS)]
    if missing:
        parts.append("Not measured:\n\n" + "\n".join(missing))
    return "\n\n".join(part for part in parts if part)


def _forward(content: Content) -> str:
    lines = []
    for row in rows(content, "forward"):
        dense = seconds(content, "forward", format=row["format"], way="dense")
        faster = f"{dense / row['seconds']:.1f}" if dense else ""
        limit, agrees = f"{row['limit'] / row['seconds']:.0%}", f"{row['agrees']:.0f} dB"
        lines.append((row["way"], row["format"], _ms(row), _spread(row), faster, limit, _gib(row), agrees))
    for row in rows(content, "peers"):
        lines.append((row["name"], row["format"], _ms(row), _spread(row), "", "", _gib(row), ""))
    head = ("forward pass", "format", "ms", "quartiles", "dense / this", "of the limit", "memory", "above the error")
    return _table(head, lines)


def _training(content: Content) -> str:
    lines = []
    for row in rows(content, "training", way="ours"):
        for dense in rows(content, "training", way="dense", preset=row["preset"], format=row["format"])[:1]:
            faster = (dense["seconds"] / dense["batch"]) / (row["seconds"] / row["batch"])
            cells = (
                _ms(row),
                str(row["batch"]),
                _ms(dense),
                str(dense["batch"]),
                f"{faster:.1f}",
                _gib(row),
                _gib(dense),
            )
            lines.append((f"`{row['preset']}`", row["format"], *cells))
    head = (
        "training step",
        "format",
        "ms",
        "batch",
        "dense, ms",
        "its batch",
        "for each image, times",
        "memory",
        "dense",
    )
    return _table(head, lines)


def _large(content: Content) -> str:
    return "\n\n".join(
        f"A whole image of {row['grid'][1]} × {row['grid'][0]} pixels at x2 in {row['format']} takes "
        f"{row['seconds']:.2f} s and {_gib(row)}; the target is {row['must'] / 2**30:.0f} GiB."
        for row in rows(content, "large")
    )


def _sweep(content: Content) -> str:
    lines = []
    for line in sweep(content):
        times, sizes = (local_slopes(line.tokens, values) for values in (line.seconds, line.n_bytes))
        for number, (p, q) in enumerate(zip(times, sizes, strict=True), 1):
            milliseconds, gib = 1e3 * line.seconds[number], line.n_bytes[number] / 2**30
            cells = (f"{line.tokens[number]:,}", f"{milliseconds:.1f}", f"{p:.2f}", f"{gib:.2f}", f"{q:.2f}")
            lines.append((line.way, *cells))
    return _table(("way", "N", "ms", "exponent of time", "GiB", "exponent of memory"), lines)


def _kernels(content: Content) -> str:
    chosen = {True: " (chosen)", False: ""}
    lines = [(r["what"], r["format"], r["kernel"] + chosen[r["ours"]], _ms(r)) for r in rows(content, "kernels")]
    return _table(("attention", "format", "kernel", "ms"), lines)


def _profile(content: Content) -> str:
    lines = [(row["what"], str(row["calls"]), _ms(row)) for row in rows(content, "profile")]
    return _table(("kernel of the forward pass", "calls", "ms"), lines)


PARTS = (_forward, _training, _large, _sweep, _kernels, _profile)


def _table(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """Return a table, or nothing if it has no line."""
    return table(head, lines) if lines else ""


def _ms(row: Row) -> str:
    return f"{1e3 * row['seconds']:.2f}"


def _spread(row: Row) -> str:
    return " to ".join(f"{1e3 * value:.2f}" for value in row["quartiles"])


def _gib(row: Row) -> str:
    return f"{row['bytes'] / 2**30:.2f}&nbsp;GiB"
