"""Executed notebooks: what the book makes of them, and that they hold nothing of the machine that they ran on."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
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
    page = executed.as_page(notebook(markdown("# Title\n"), markdown(text), code("1", output)), "evaluation-x2")
    heading, loss, shown = page["cells"]
    assert heading["source"].startswith("# Run: evaluation-x2\n")
    assert "{doc}`../15_evaluation`" in heading["source"]
    assert "on 2026-01-02 with satlib 0.1.0" in heading["source"]
    assert "took 62 s.\n" in heading["source"]
    assert "- `scale`: `2`" in heading["source"]
    assert loss["source"] == (
        "## Loss\n\n$$\nx\n$$\n\n{eq}`l1-loss`, {doc}`../13_measuring`, {doc}`this <../../book/x>`\n"
    )
    assert shown["outputs"][0]["data"]["text/markdown"] == "See {doc}`../10_cost`."


def code(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": metadata, "source": source, "outputs": [*outputs], "execution_count": 1}


def test_code_before_the_first_picture_is_folded(executed: ModuleType) -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "", "text/plain": "a"}, "metadata": {}}
    printed = {"output_type": "stream", "name": "stdout", "text": "done\n"}
    cells = [
        code("from pathlib import Path"),
        code("scale: int = 2", tags=["parameters"]),
        code("scale = 4", tags=["injected-parameters"]),
        code("x = 1", printed, mystnb={"merge_streams": True}),
        markdown("A picture."),
        code("draw()", picture, tags=["hide-input"]),
        code("y = 2"),
    ]
    shown = executed.as_page(notebook(markdown("# Title"), *cells), "run")["cells"][1:]
    words = [cell["metadata"].get("mystnb", {}).get("code_prompt_show") for cell in shown]
    assert words == ["Imports", "Parameters", "Parameters", "Set-up", None, None, None]
    assert [cell["metadata"].get("tags", []).count("hide-input") for cell in shown] == [1, 1, 1, 1, 0, 1, 0]
    assert shown[1]["metadata"]["tags"] == ["parameters", "hide-input"]
    assert shown[3]["metadata"]["mystnb"]["merge_streams"] is True and shown[3]["outputs"] == [printed]
    assert cells[0]["metadata"] == {}
    without = executed.as_page(notebook(markdown("# Title"), *cells[:5]), "run")["cells"]
    assert [cell["source"] for cell in without[1:]] == [cell["source"] for cell in shown[:5]]
    assert all("mystnb" not in cell["metadata"] for cell in without[1:4])


def test_the_heading_says_where_the_training_was_done_before(executed: ModuleType) -> None:
    for line, before in {"going on from step 1,600 of 1,600": True, "going on from step 600 of 1,600": False}.items():
        printed = {"output_type": "stream", "name": "stdout", "text": [f"{line}\n", "finished\n"]}
        heading = executed.as_page(notebook(markdown("# Title"), code("train()", printed)), "run")["cells"][0]
        assert ("it was done before" in heading["source"]) is before


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
    cells = [cell for cell in content.cells if cell.cell_type == "code"]
    assert all(cell.execution_count is not None for cell in cells)
    assert not [o for cell in cells for o in cell.outputs if o.output_type == "error"]
    text = json.dumps(content)
    assert re.findall(r"[\"' ](?:/(?:home|root|tmp|work|Users|mnt)/|[A-Z]:\\\\)", text) == []
    assert path.stat().st_size < 1e6


def test_there_are_runs() -> None:
    assert {"evaluation-x2", "evaluation-x4", "training-x2"} <= {path.stem for path in FILES}
