"""Every notebook runs from its first cell to its last with the small parameters of runs/smoke, through papermill.

Of a notebook that fails, its name and its cell are told; the tests of `satlib run` hold it to that.
"""

from pathlib import Path

import pytest

from satlib.runner import NotebookError, run_notebook
from satlib.support.yaml_files import read_mapping

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.md"))
FIRST, *OTHERS = NOTEBOOKS


@pytest.mark.parametrize(
    "source", [FIRST, *(pytest.param(path, marks=pytest.mark.slow) for path in OTHERS)], ids=lambda path: path.stem
)
def test_notebook_runs(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # for what a notebook writes to a temporary folder
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    values = read_mapping(ROOT / "runs" / "smoke" / f"{source.stem}.yaml")
    problem = ""
    try:
        run_notebook(source, tmp_path / f"{source.stem}.ipynb", values, cwd=ROOT)
    except NotebookError as error:
        problem = f"{source.name}: {error}"
    if problem:
        pytest.fail(problem, pytrace=False)
