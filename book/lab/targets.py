"""What references name: the titles of pages, the labels of all chapters, and the works of the bibliography."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pybtex.database import Entry, Person, parse_file

BIBLIOGRAPHY = Path(__file__).parents[1] / "references.bib"

TITLE = re.compile(r"^# (.+)$", re.M)
EQUATION = re.compile(r"^\$\$ \((?P<label>[\w-]+)\)$", re.M)
SECTION = re.compile(r"^\((?P<label>[\w-]+)\)=\n#+ (?P<title>.+)$", re.M)
EXERCISE = re.compile(r"^`{3,}\{exercise-start\}\n:label: (?P<label>[\w-]+)$", re.M)


@dataclass(frozen=True)
class Target:
    """What a label names: an equation, a section or an exercise, and the chapter that it is in."""

    kind: Literal["equation", "section", "exercise"]
    chapter: Path
    name: str
    """The title of a section, the number of an exercise in its chapter from 1 on; of an equation, nothing."""


@cache
def title(page: Path) -> str:
    """Return the title of a page; OSError if there is no such page, ValueError if it has no title."""
    found = TITLE.search(page.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{page} has no title")
    return found[1]


def exercises(text: str) -> dict[str, int]:
    """Return the numbers of a chapter's exercises, from 1 on, by their labels."""
    return {found["label"]: number for number, found in enumerate(EXERCISE.finditer(text), start=1)}


@cache
def targets(folder: Path) -> dict[str, Target]:
    """Return what is labelled in the chapters of a folder; ValueError if two things have one label."""
    found: list[tuple[str, Target]] = []
    for chapter in sorted(folder.glob("*.md")):
        text = chapter.read_text(encoding="utf-8")
        found += [(match["label"], Target("equation", chapter, "")) for match in EQUATION.finditer(text)]
        found += [(match["label"], Target("section", chapter, match["title"])) for match in SECTION.finditer(text)]
        found += [(label, Target("exercise", chapter, str(n))) for label, n in exercises(text).items()]
    labels = [label for label, _ in found]
    if len(set(labels)) < len(labels):
        raise ValueError(f"labels are used twice in {folder}: {sorted({x for x in labels if labels.count(x) > 1})}")
    return dict(found)


def citation(key: str) -> str:
    """Return a work as "Tran et al., 2026", a link where the bibliography has an address; KeyError for another key."""
    entry: Entry = parse_file(str(BIBLIOGRAPHY)).entries[key]
    names = [" ".join((*person.prelast_names, *person.last_names)) for person in authors(entry)]
    text = f"{' and '.join(names) if len(names) < 3 else names[0] + ' et al.'}, {entry.fields['year']}"
    address = link_of(entry)
    return f"[{text}]({address})" if address else text


def authors(entry: Entry) -> list[Person]:
    """Return the authors of a work."""
    return list(entry.persons["author"])


def link_of(entry: Entry) -> str:
    """Return the address of a work: of its DOI, its own, or that on arXiv; "" if the bibliography has none."""
    fields = entry.fields
    if "doi" in fields:
        return f"https://doi.org/{fields['doi']}"
    note = fields.get("note", "")
    return str(fields.get("url", note.replace("arXiv:", "https://arxiv.org/abs/") if note.startswith("arXiv:") else ""))
