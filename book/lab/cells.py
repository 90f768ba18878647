"""The cells of a notebook for JupyterLab, from the source of a chapter.

A cell that the page folds away is folded, by its tag. An exercise is a heading, and its solution a heading below, which
is folded with all its cells, code and outputs among them, so that none is seen unasked, run or not. Headings fold so
in JupyterLab without an extension.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat

from book.lab.targets import exercises, title
from book.lab.words import for_lab

FOLDED = {"source_hidden": {"input", "cell"}, "outputs_hidden": {"output", "cell"}}
"""What is folded, by what the tags hide-... and remove-... are about."""

CELL_METADATA = ("tags", "mystnb")

FENCE = re.compile(
    r"^(?P<fence>`{3,})\{(?P<name>(?:exercise|solution)-(?:start|end)|solution)\}(?: (?P<of>[\w-]+))?\n"
    r"(?P<options>(?::[\w-]+:.*\n)*)(?P<body>(?:.*\n)*?)(?P=fence)$",
    re.M,
)
HEADING = re.compile(r"(?:\([\w-]+\)=\n)?#+ ")


def notebook_text(source: Path) -> str:
    """Return the notebook of a source as the text of a .ipynb file: without outputs, the same at every call.

    OSError or ValueError if the source refers to what is not there, or text that is no solution would be folded.
    """
    read = jupytext.read(source)
    numbers = exercises(source.read_text(encoding="utf-8"))
    cells: list[nbformat.NotebookNode] = []
    for cell in read.cells:
        cells += [code_cell(cell, source)] if cell.cell_type == "code" else markdown_cells(cell.source, source, numbers)
    if numbers:
        cells.append(nbformat.v4.new_markdown_cell(what_is_next(source)))
    name(cells)
    metadata = {"kernelspec": read.metadata.kernelspec}
    text: str = nbformat.writes(nbformat.v4.new_notebook(cells=cells, metadata=metadata))
    return text + "\n"


def what_is_next(source: Path) -> str:
    """Return the last cell of a chapter with exercises: a link to the next chapter, after the last one to the first.

    JupyterLab goes to the last cell when all are run, and opens the solution that this is in.
    """
    chapters = sorted(source.parent.glob("*.md"))
    following = chapters[(chapters.index(source) + 1) % len(chapters)]
    return f"## Next\n\n[{title(following)}]({following.stem}.ipynb)"


def code_cell(cell: nbformat.NotebookNode, source: Path) -> nbformat.NotebookNode:
    """Return a cell of code, folded as the page folds it."""
    metadata = {key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata}
    folded = {key: True for key, parts in FOLDED.items() if parts & hidden_parts(metadata.get("tags", []))}
    if folded:
        metadata["jupyter"] = folded
    caption = caption_of(cell) if "source_hidden" in folded else ""
    made: nbformat.NotebookNode = nbformat.v4.new_code_cell(caption + for_lab(cell.source, source), metadata=metadata)
    return made


def caption_of(cell: nbformat.NotebookNode) -> str:
    """Return the first line of a folded cell, the only one that JupyterLab shows, or "".

    A comment that says what the cell is for. There is none before parameters, which papermill reads line by line.
    """
    tags = cell.metadata.get("tags", [])
    if "parameters" in tags:
        return ""
    name = cell.metadata.get("mystnb", {}).get("code_prompt_show", "")
    words = name or ("Measured here" if "measured" in tags else "Figure" if "figures.show(" in cell.source else "")
    return f"# {words}\n" if words else ""


def hidden_parts(tags: list[str]) -> set[str]:
    """Return what tags hide or remove: "input", "output", "cell"."""
    return {part for verb, _, part in (tag.partition("-") for tag in tags) if verb in ("hide", "remove")}


def markdown_cells(text: str, source: Path, numbers: dict[str, int]) -> Iterator[nbformat.NotebookNode]:
    """Return the cells of one text: one, or more where exercises or solutions begin and end."""
    start, after = 0, ""
    for fence in FENCE.finditer(text):
        yield from plain(text[start : fence.start()], source, after)
        yield from directive(fence, source, numbers)
        start, after = fence.end(), fence["name"]
    yield from plain(text[start:], source, after)


def plain(text: str, source: Path, after: str) -> Iterator[nbformat.NotebookNode]:
    """Return the cell of a text, if there is any; ValueError if it would be folded with a solution before it."""
    text = text.strip("\n")
    if after in ("solution", "solution-end") and text and not HEADING.match(text):
        raise ValueError(f"{source.name}: what follows a solution must be an exercise or a heading, got {text[:60]!r}")
    if text:
        yield nbformat.v4.new_markdown_cell(for_lab(text, source))


def directive(fence: re.Match[str], source: Path, numbers: dict[str, int]) -> Iterator[nbformat.NotebookNode]:
    """Return the cells that stand for the start of an exercise, or for a solution or its start; none for an end."""
    if fence["name"] == "exercise-start":
        label = fence["options"].strip().removeprefix(":label: ")
        yield nbformat.v4.new_markdown_cell(f"### Exercise {numbers[label]}")
    elif fence["name"] in ("solution", "solution-start"):
        if fence["of"] not in numbers:
            raise ValueError(f"{source.name}: a solution names its exercise, got {fence['of']!r}")
        folded = {"jp-MarkdownHeadingCollapsed": True}
        yield nbformat.v4.new_markdown_cell(f"#### Solution {numbers[fence['of']]}", metadata=folded)
        yield from plain(fence["body"], source, "")


def name(cells: list[nbformat.NotebookNode]) -> None:
    """Give each cell an id that depends on its text alone, and on how many cells with the same text stand before it."""
    seen: Counter[str] = Counter()
    for cell in cells:
        seen[cell.source] += 1
        cell.id = hashlib.sha256(f"{seen[cell.source]} {cell.source}".encode()).hexdigest()[:8]
