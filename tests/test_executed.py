"""Executed notebooks: what the book makes of them, and that they hold nothing of the machine that they ran on."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "notebooks" / "executed").glob("*.ipynb"))


@pytest.fixture(scope="module")
def executed() -> ModuleType:
    spec = importlib.util.spec_from_file_location("executed", ROOT / "book" / "_ext" / "executed.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    run = {"parameters": {"scale": 2}, "start_time": "2026-01-02T03:04:05", "duration": 61.7}
    metadata = {"papermill": run, "satlib": {"notebook": "notebooks/15_evaluation.md", "version": "0.1.0"}}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.splitlines(keepends=True)}


def test_labels_stay_with_the_chapter_and_references_lead_there(executed: ModuleType) -> None:
    text = "(a-label)=\n## Loss\n\n$$\nx\n$$ (l1-loss)\n\n{eq}`l1-loss`, {doc}`13_measuring`, {doc}`this <../book/x>`\n"
    output = {"output_type": "display_data", "data": {"text/markdown": ["See {doc}`10_cost`."]}, "metadata": {}}
    code = {"cell_type": "code", "metadata": {}, "source": "1", "outputs": [output], "execution_count": 1}
    page = executed.as_page(notebook(markdown("# Title\n"), markdown(text), code), "evaluation-x2")
    heading, loss, shown = page["cells"]
    assert heading["source"].startswith("# Run: evaluation-x2\n")
    assert "{doc}`../15_evaluation`" in heading["source"]
    assert "on 2026-01-02 in 62 s" in heading["source"]
    assert "- `scale`: `2`" in heading["source"]
    assert loss["source"] == (
        "## Loss\n\n$$\nx\n$$\n\n{eq}`l1-loss`, {doc}`../13_measuring`, {doc}`this <../../book/x>`\n"
    )
    assert shown["outputs"][0]["data"]["text/markdown"] == "See {doc}`../10_cost`."


def test_exercises_are_left_out(executed: ModuleType) -> None:
    cells = [
        markdown(text) for text in ("# Title", "## Summary", "## Exercises", "```{exercise-start}\n:label: a\n```")
    ]
    page = executed.as_page(notebook(*cells), "run")
    assert [cell["source"] for cell in page["cells"][1:]] == ["## Summary"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_run_is_whole_and_names_no_place(path: Path) -> None:
    content = nbformat.read(path, as_version=4)
    assert content.metadata.papermill.exception is None
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert all(cell.execution_count is not None for cell in code)
    assert not [o for cell in code for o in cell.outputs if o.output_type == "error"]
    text = json.dumps(content)
    assert re.findall(r"[\"' ](?:/(?:home|root|tmp|work|Users|mnt)/|[A-Z]:\\\\)", text) == []
    assert path.stat().st_size < 1e6


def test_there_are_runs() -> None:
    assert {"evaluation-x2", "evaluation-x4", "training-x2"} <= {path.stem for path in FILES}
