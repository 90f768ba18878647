"""Every notebook is a pair: the MyST source NAME.md, and NAME.ipynb as `make notebooks` writes it."""

import re
from pathlib import Path

import jupytext
import nbformat
import pytest

from book.lab.cells import notebook_text
from book.lab.words import for_lab

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SOURCES = sorted(NOTEBOOKS.glob("*.md"))

each_pair = pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)


def read_pair(source: Path) -> tuple[nbformat.NotebookNode, nbformat.NotebookNode]:
    """Return the notebook that the source stands for, and the generated one."""
    generated = source.with_suffix(".ipynb")
    assert generated.is_file(), f"{generated.name} is missing: run `make notebooks`"
    return jupytext.read(source), nbformat.read(generated, as_version=4)


def test_every_generated_notebook_has_a_source() -> None:
    assert {p.stem for p in NOTEBOOKS.glob("*.ipynb")} - {p.stem for p in SOURCES} == set()


@each_pair
def test_generated_notebook_is_what_its_source_gives(source: Path) -> None:
    generated = source.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert generated == notebook_text(source), f"{source.name} changed: run `make notebooks`"


@each_pair
def test_generated_notebook_has_the_code_of_its_source_below_captions(source: Path) -> None:
    written, generated = (
        [cell for cell in notebook.cells if cell.cell_type == "code"] for notebook in read_pair(source)
    )
    assert len(written) == len(generated)
    for before, after in zip(written, generated, strict=True):
        caption = after.source.removesuffix(for_lab(before.source, source))
        assert re.fullmatch(r"(# [\w -]+\n)?", caption)
        assert {key: after.metadata.get(key) for key in before.metadata} == before.metadata


@each_pair
def test_cells_are_folded_where_the_page_folds_them_and_nowhere_else(source: Path) -> None:
    for cell in read_pair(source)[1].cells:
        tags = set(cell.metadata.get("tags", []))
        folded = cell.metadata.get("jupyter", {})
        no_input = bool(tags & {"hide-input", "hide-cell", "remove-input", "remove-cell"})
        no_output = bool(tags & {"hide-output", "hide-cell", "remove-output", "remove-cell"})
        expected = {"source_hidden": no_input, "outputs_hidden": no_output}
        assert folded == {key: True for key, hidden in expected.items() if hidden}


@each_pair
def test_every_solution_is_folded_below_its_exercise(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    cells = read_pair(source)[1].cells
    headings = [cell for cell in cells if re.match(r"#+ (Exercise|Solution) \d+$", cell.source)]
    solutions = [cell for cell in headings if "Solution" in cell.source]
    assert len(headings) - len(solutions) == text.count("{exercise-start}")
    assert len(solutions) == text.count("{solution-start}") + text.count("{solution}")
    assert all(cell.metadata["jp-MarkdownHeadingCollapsed"] for cell in solutions)
    folding = [cell for cell in cells if "jp-MarkdownHeadingCollapsed" in cell.metadata]
    assert folding == solutions


@each_pair
def test_generated_notebook_is_valid_and_has_no_outputs(source: Path) -> None:
    _, generated = read_pair(source)
    nbformat.validate(generated)
    code = [cell for cell in generated.cells if cell.cell_type == "code"]
    assert [cell.source for cell in code if cell.outputs or cell.execution_count is not None] == []


@each_pair
def test_notebook_runs_on_the_python3_kernel_with_one_parameters_cell_at_most(source: Path) -> None:
    for notebook in read_pair(source):
        assert notebook.metadata.kernelspec.name == "python3"
        tagged = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
        assert len(tagged) <= 1


@each_pair
def test_code_cells_stay_under_15_lines(source: Path) -> None:
    """Except those that show functions of `satlib.plain`: tests/book/test_lessons.py counts their lines."""
    code = [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    cells = [cell.source for cell in code if "plain" not in cell.metadata.get("tags", [])]
    assert [text for text in cells if len(text.splitlines()) >= 15] == []


@each_pair
def test_code_cells_make_tables_by_the_library(source: Path) -> None:
    """`satlib.support.tables.table` writes the rule below the head of a table; prose may have it typed."""
    cells = [cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code"]
    assert [text for text in cells if re.search(r"\|\s*:?-+:?\s*\|", text)] == []


@each_pair
def test_notebook_depends_on_no_path_of_its_own(source: Path) -> None:
    code = "\n".join(cell.source for cell in jupytext.read(source).cells if cell.cell_type == "code")
    assert [word for word in ("sys.path", "os.chdir", "../", "%cd") if word in code] == []
