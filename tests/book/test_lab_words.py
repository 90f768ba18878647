"""What book/lab makes of a chapter: each kind of reference, the boxes, exercises and folded cells."""

import re
from pathlib import Path

import nbformat
import pytest

from book.lab.cells import notebook_text
from book.lab.words import for_lab

HEADER = (
    "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\nkernelspec:\n"
    "  display_name: Python 3\n  language: python\n  name: python3\n---\n\n"
)
OTHER = "# The other\n\n$$\na\n$$ (there)\n\n```{exercise-start}\n:label: far\n```\nDo.\n```{exercise-end}\n```\n"
CHAPTER = """# One

$$
x
$$ (here)

(place)=
## Section

```{exercise-start}
:label: near
```
Do it.
```{exercise-end}
```

```{solution-start} near
:class: dropdown
```
Done so.

```{code-cell} ipython3
:tags: [measured, hide-input]

print("secret")
```
```{solution-end}
```
"""


@pytest.fixture
def chapter(tmp_path: Path) -> Path:
    (tmp_path / "02_other.md").write_text(HEADER + OTHER)
    path = tmp_path / "01_one.md"
    path.write_text(HEADER + CHAPTER)
    return path


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("{doc}`02_other`", "[The other](02_other.ipynb)"),
        ("{doc}`that\none <02_other>`", "[that one](02_other.ipynb)"),
        ("{{doc}}`02_other`", "[The other](02_other.ipynb)"),
        ("{eq}`here`", "{eq}`here`"),
        ("{eq}`there`", "[the equation in “The other”](02_other.ipynb)"),
        ("{ref}`it <place>`", "[it](#place)"),
        ("{ref}`it <near>`", "[it](#exercise-1)"),
        ("{ref}`it <far>`", "[it](02_other.ipynb)"),
        ("{cite}`rodriguez2014clustering`", "([Rodriguez and Laio, 2014](https://doi.org/10.1126/science.1242072))"),
        ("{py:func}`satlib.dta.aggregate`", "`satlib.dta.aggregate`"),
        ("{py:class}`~satlib.SATConfig`", "`SATConfig`"),
        ("{download}`a.csv`", "[a.csv](a.csv)"),
        (":::{admonition} So\n:class: code\n", ":::{admonition} So\n:class: warning\n"),
        ("No cost. This page as a\nnotebook: none", "No cost. This page as a\nnotebook: none"),
        ("No cost. This page as a notebook:\n{download}`a.ipynb`.", "No cost."),
    ],
)
def test_words(chapter: Path, written: str, shown: str) -> None:
    assert for_lab(written, chapter) == shown


@pytest.mark.parametrize("written", ["{eq}`nowhere`", "{ref}`it <nowhere>`", "{ref}`place`"])
def test_a_reference_to_nothing_is_named(chapter: Path, written: str) -> None:
    with pytest.raises(ValueError, match=re.escape(re.search(r"\w+(?=>?`$)", written)[0])):
        for_lab(written, chapter)


def test_a_solution_is_folded_with_its_code(chapter: Path) -> None:
    cells = nbformat.reads(notebook_text(chapter), as_version=4).cells
    assert [cell.source for cell in cells[1:]] == [
        "### Exercise 1",
        "Do it.",
        "#### Solution 1",
        "Done so.",
        '# Measured here\nprint("secret")',
        "## Next\n\n[The other](02_other.ipynb)",
    ]
    folding = [i for i, cell in enumerate(cells) if cell.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert folding == [3]
    assert cells[-2].metadata == {"tags": ["measured", "hide-input"], "jupyter": {"source_hidden": True}}


@pytest.mark.parametrize(
    ("tag", "folded"),
    [
        ("hide-input", {"source_hidden": True}),
        ("remove-output", {"outputs_hidden": True}),
        ("hide-cell", {"source_hidden": True, "outputs_hidden": True}),
        ("measured", {}),
    ],
)
def test_a_tag_folds(chapter: Path, tag: str, folded: dict[str, bool]) -> None:
    chapter.write_text(HEADER + f"# One\n\n```{{code-cell}} ipython3\n:tags: [{tag}]\n\n1\n```\n")
    (_, cell) = nbformat.reads(notebook_text(chapter), as_version=4).cells
    assert cell.metadata.get("jupyter", {}) == folded


def test_text_that_would_be_folded_with_a_solution_is_refused(chapter: Path) -> None:
    chapter.write_text(chapter.read_text() + "\nAnd so on.\n")
    with pytest.raises(ValueError, match="01_one.md: what follows a solution .* 'And so on.'"):
        notebook_text(chapter)
