"""Executed notebooks: that they hold nothing of the machine that they ran on, and that the page of runs has them."""

import ast
import json
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
import yaml

from satlib.runner import run_notebook
from satlib.runner.finished import read_run

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "notebooks" / "executed").glob("*.ipynb"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_run_is_whole_and_names_no_place(path: Path) -> None:
    content = nbformat.read(path, as_version=4)
    assert content.metadata.papermill.exception is None
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    assert all(cell.execution_count is not None for cell in cells)
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    text = json.dumps(content)
    assert re.findall(r"[\"' ](?:/(?:home|root|tmp|work|Users|mnt)/|[A-Z]:\\\\)", text) == []
    assert path.stat().st_size < 1e6


def test_there_are_runs() -> None:
    assert {"evaluation-x2", "evaluation-x4", "training-x2"} <= {path.stem for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_run_is_of_a_chapter(path: Path) -> None:
    assert (ROOT / read_run(path).notebook).is_file()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_run_imports_of_satlib_is_there(path: Path) -> None:
    """A reader who downloads it can run it again; after a move in the library it is to be run anew."""
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    found = [node for source in cells for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    names = [(node.module, alias.name) for node in found for alias in node.names if node.module.startswith("satlib")]
    assert len(names) >= 5
    for module, name in names:
        assert hasattr(import_module(module), name) or find_spec(f"{module}.{name}"), f"{module}.{name}"


def test_addresses_of_runs_that_were_pages_lead_to_the_page_of_runs() -> None:
    redirects = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]["redirects"]
    for name in ("evaluation-x2", "evaluation-x4", "training-x2"):
        assert redirects[f"notebooks/executed/{name}"] == "../../book/runs.html"


@pytest.mark.slow
def test_the_page_of_runs_has_a_row_with_numbers_for_each(tmp_path: Path) -> None:
    run_notebook(ROOT / "book" / "runs.md", tmp_path / "runs.ipynb", cwd=ROOT / "book")
    rows = [line for line in read_run(tmp_path / "runs.ipynb").said.splitlines() if "{download}" in line]
    assert len(rows) == len(FILES)
    for path, row in zip(FILES, rows, strict=True):
        assert f"`{path.stem}.ipynb <../notebooks/executed/{path.name}>`" in row
        assert read_run(path).date in row
        numbers = re.findall(r"(?<= )(\d\d\.\d\d) dB", row)
        assert len(numbers) >= 3
        assert all(number in read_run(path).said for number in numbers)
