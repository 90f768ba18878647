"""References and boxes of a chapter in the words of JupyterLab and its extension jupyterlab-myst.

What the extension shows as it should stays: formulas with labels and references to them, theorems, boxes. What it does
not know is written as Markdown: references to other chapters and to their equations, exercises and sections, citations,
names of Python objects. A box gets one of the kinds that the extension draws in a color of its own, so that the paper,
its code and what is measured look different there, too.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

from book.lab.targets import citation, targets, title

KINDS = {"paper": "note", "code": "warning", "measured": "tip"}
"""The kinds of boxes of the extension, blue, orange and green, for the book's own."""

BOX = re.compile(rf"^(:::+\{{admonition\}} .*\n:class: )({'|'.join(KINDS)})$", re.M)
ITSELF = re.compile(r"\s+This page as a notebook:\s+\{download\}`[\w.]+`\.")
"""A sentence of the page that offers the notebook, which says nothing in the notebook."""
NAMES = "doc|ref|eq|cite|download|py:[a-z]+"
ROLE = re.compile(rf"\{{{{?(?P<role>{NAMES})\}}}}?`(?:(?P<text>[^`<]+?)\s*<(?P<named>[^`>]+)>|(?P<target>[^`]+))`")


def for_lab(text: str, chapter: Path) -> str:
    """Return the text of a cell of a chapter with its references and boxes as JupyterLab shows them.

    In the code of a cell the brackets of a role may be doubled, as an f-string has them. OSError or ValueError if a
    reference names what is not there.
    """

    def written(role: re.Match[str]) -> str:
        target, shown = role["named"] or role["target"], role["text"] or ""
        kind = role["role"].partition(":")[0]
        return ROLES[kind](role, target, " ".join(shown.split()), chapter)

    return BOX.sub(lambda box: box[1] + KINDS[box[2]], ROLE.sub(written, ITSELF.sub("", text)))


def document(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return a link to a page: to the notebook, if it is one."""
    page = chapter.parent / f"{target}.md"
    return f"[{text or title(page)}]({address(page, chapter)})"


def address(page: Path, chapter: Path) -> str:
    """Return the address of a page as seen from a chapter, that of the notebook for another chapter."""
    same = page.parent.resolve() == chapter.parent.resolve()
    return f"{page.stem}.ipynb" if same else os.path.relpath(page, chapter.parent)


def reference(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return a link to a section or an exercise: to its place in this notebook, or to another notebook."""
    found = targets(chapter.parent).get(target)
    if found is None or not text:
        raise ValueError(f"{chapter.name}: a reference needs a text and a label that is there, got {role[0]}")
    if found.chapter != chapter:
        return f"[{text}]({address(found.chapter, chapter)})"
    return f"[{text}](#{f'exercise-{found.name}' if found.kind == 'exercise' else target})"


def equation(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return a reference to an equation: the extension's own in this notebook, or a link to another notebook."""
    found = targets(chapter.parent).get(target)
    if found is None:
        raise ValueError(f"{chapter.name}: there is no equation {target}")
    if found.chapter == chapter:
        return role[0]
    return f"[the equation in “{title(found.chapter)}”]({address(found.chapter, chapter)})"


def cited(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return the works that are cited, in round brackets."""
    return f"({'; '.join(citation(key.strip()) for key in target.split(','))})"


def download(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return a link to a file."""
    return f"[{text or target}]({target})"


def python_name(role: re.Match[str], target: str, text: str, chapter: Path) -> str:
    """Return the name of an object of Python as code; of one with a tilde, the last part."""
    return f"`{text or (target.rpartition('.')[2] if target.startswith('~') else target)}`"


ROLES: dict[str, Callable[[re.Match[str], str, str, Path], str]] = {
    "doc": document,
    "ref": reference,
    "eq": equation,
    "cite": cited,
    "download": download,
    "py": python_name,
}
