"""What is read off an executed notebook: the run that papermill has recorded, and what its cells said."""

from pathlib import Path

import nbformat
import pytest

from satlib.runner import run_notebook
from satlib.runner.finished import read_run


def test_a_run_is_read_off_its_notebook(tmp_path: Path) -> None:
    parameters = nbformat.v4.new_code_cell("a: int = 1\nb: int = 2", metadata={"tags": ["parameters"]})
    said = nbformat.v4.new_code_cell("from IPython.display import Markdown\nprint('one', a)\nMarkdown(f'**two** {b}')")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    node = nbformat.v4.new_notebook(cells=[parameters, said], metadata={"kernelspec": kernel})
    nbformat.write(node, tmp_path / "source.ipynb")
    run_notebook(tmp_path / "source.ipynb", tmp_path / "run.ipynb", {"b": 5}, cwd=tmp_path)
    found = read_run(tmp_path / "run.ipynb")
    assert found.path == tmp_path / "run.ipynb" and found.notebook.endswith("source.ipynb")
    assert found.parameters == {"b": 5}
    assert found.said.splitlines() == ["one 1", "", "**two** 5"]
    assert found.seconds > 0 and len(found.date) == len("2026-01-31")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no notebook that has run"),
        ('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "papermill"),
        (
            '{"cells": [], "metadata": {"papermill": {"exception": true, "duration": 1.0}, "satlib": {}},'
            ' "nbformat": 4, "nbformat_minor": 5}',
            "has not come to its end",
        ),
    ],
)
def test_what_has_not_run_is_named(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        read_run(path)
