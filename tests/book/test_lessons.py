"""The code that a chapter shows is its lesson: short cells, the lines of `satlib.plain`, and a program that works."""

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pytest

from satlib import plain
from satlib.support.yaml_files import read_mapping

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.md"))
LINES, WIDTH = 12, 88
PLAIN_LINES = 20
"""Lines of a cell that shows functions of `satlib.plain`."""

VISIBLE = 2 / 3
"""Share of a chapter's lines of code that are seen."""

each_lesson = pytest.mark.parametrize("source", LESSONS, ids=lambda path: path.stem)


def code_cells(source: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in jupytext.read(source).cells if cell.cell_type == "code"]


def tags(cell: nbformat.NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def is_seen(cell: nbformat.NotebookNode) -> bool:
    return not any(tag.startswith(("hide-", "remove-")) for tag in tags(cell))


def lines(cell: nbformat.NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


@each_lesson
def test_cells_that_are_seen_are_short_and_narrow(source: Path) -> None:
    for cell in filter(is_seen, code_cells(source)):
        assert len(lines(cell)) <= (PLAIN_LINES if "plain" in tags(cell) else LINES), cell.source
        assert max(map(len, lines(cell))) <= WIDTH, cell.source


@each_lesson
def test_most_code_is_seen(source: Path) -> None:
    cells = code_cells(source)
    seen = sum(len(lines(cell)) for cell in cells if is_seen(cell))
    assert seen >= VISIBLE * sum(len(lines(cell)) for cell in cells)


@each_lesson
def test_figures_and_sentences_are_one_call(source: Path) -> None:
    for cell in code_cells(source):
        assert "alt=" not in cell.source, cell.source
        assert "Markdown(" not in cell.source, cell.source
        assert "fmt:" not in cell.source, cell.source


@each_lesson
def test_what_is_measured_is_in_a_cell_that_the_page_marks(source: Path) -> None:
    for cell in code_cells(source):
        assert ("figures.measured(" not in cell.source) or "measured" in tags(cell), cell.source


@each_lesson
def test_code_before_the_first_figure_is_one_bar(source: Path) -> None:
    """Cells tagged `start` come first and are folded, one below the other without text between them."""
    cells = jupytext.read(source).cells
    places = [i for i, cell in enumerate(cells) if "start" in tags(cell)]
    assert places == list(range(places[0], places[-1] + 1))
    assert not any(is_seen(cells[i]) for i in places)
    assert places[0] == next(i for i, cell in enumerate(cells) if cell.cell_type == "code")


def functions(text: str) -> dict[str, str]:
    """Return each function of a text, comments and the layout of its code and docstring apart."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            words = ast.get_docstring(node)
            if words is not None:
                node.body[0] = ast.Expr(ast.Constant(" ".join(words.split())))
            found[node.name] = ast.unparse(node)
    return found


@each_lesson
def test_functions_of_a_chapter_are_those_of_plain(source: Path) -> None:
    on_the_page = functions(inspect.getsource(plain))
    for cell in code_cells(source):
        defined = functions(cell.source)
        assert bool(defined) <= ("plain" in tags(cell)), f"a function that is not tagged as plain:\n{cell.source}"
        for name, text in defined.items():
            assert text == on_the_page.get(name), f"{name} is not what satlib/plain.py has"


def program(source: Path) -> str:
    """Return what a reader who copies the cells that are seen, and the bar before them, has; parameters are small."""
    parts = []
    for cell in code_cells(source):
        if (is_seen(cell) or "start" in tags(cell)) and "skip-execution" not in tags(cell):
            parts.append(cell.source)
        if "parameters" in tags(cell):
            values = read_mapping(ROOT / "runs" / "smoke" / f"{source.stem}.yaml")
            parts += [f"{name} = {value!r}" for name, value in values.items()]
    return "\n\n".join(parts)


@pytest.mark.slow
@each_lesson
def test_what_is_seen_is_a_program_that_works(source: Path, tmp_path: Path) -> None:
    written = tmp_path / f"{source.stem}.py"
    written.write_text(program(source), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, str(written)],
        cwd=tmp_path,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
