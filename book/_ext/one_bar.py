"""Sphinx extension: folded cells without results that stand one below the other become one folded bar.

A chapter starts from several cells (imports, parameters, settings), and JupyterLab needs them as they are: papermill
writes parameters below a cell of their own. On the page they are one program, so they are one block of code, with one
button that copies all of it. The transform runs before `doctree-read`, so that whatever looks at code sees the one
block.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from docutils import nodes
from myst_nb.core.config import NbParserConfig
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

UNNAMED = NbParserConfig().code_prompt_show
"""What a bar says whose cell says nothing of its own."""

START = "Set-up"


class OneBar(SphinxTransform):
    """Put the code of a run of folded cells into the first of them, and leave out the others."""

    default_priority = 870

    def apply(self, **kwargs: object) -> None:
        """Run over one document."""
        for parent in {id(cell.parent): cell.parent for cell in self.document.findall(is_folded)}.values():
            for run in runs(parent.children):
                merge(run)


def is_folded(node: nodes.Node) -> bool:
    """Return whether a node is a cell whose code is folded, and which has nothing else to show."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and node.get("hide_mode") == "input"
        and [isinstance(child, nodes.Element) and child.get("nb_element") for child in node.children]
        == ["cell_code_source"]
    )


def runs(siblings: Iterable[nodes.Node]) -> Iterator[list[nodes.container]]:
    """Yield the folded cells that follow one another directly, two at least."""
    for folded, group in groupby(list(siblings), is_folded):
        cells = [cell for cell in group if isinstance(cell, nodes.container)]
        if folded and len(cells) > 1:
            yield cells


def merge(cells: list[nodes.container]) -> None:
    """Make one cell of some, in their parent: an empty line between their codes, and a bar that names them all."""
    first, *others = cells
    blocks = [next(cell.findall(nodes.literal_block)) for cell in cells]
    text = "\n\n".join(block.astext().rstrip("\n") for block in blocks)
    blocks[0].rawsource = text
    blocks[0].children = []
    blocks[0] += nodes.Text(text)
    first["prompt_show"] = first["prompt_hide"] = name([cell["prompt_show"] for cell in cells])
    first["classes"] = list(dict.fromkeys(each for cell in cells for each in cell["classes"]))
    for cell in others:
        cell.parent.remove(cell)


def name(prompts: list[str]) -> str:
    """Return what the bar says: "Imports, parameters, set-up"."""
    own = [prompt for prompt in dict.fromkeys(prompts) if prompt != UNNAMED] or [START]
    return ", ".join([own[0], *(word[0].lower() + word[1:] for word in own[1:])])


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the transform."""
    app.add_transform(OneBar)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
