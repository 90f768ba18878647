"""Small notebooks for the tests of satlib.runner, written as MyST sources or as .ipynb."""

from pathlib import Path

import jupytext
import nbformat
from processes import wait_for

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


def source(parameters: str | None, *cells: str) -> str:
    """Return a MyST source: some prose, a parameters cell unless it is None, and further cells."""
    tagged = "" if parameters is None else f"```{{code-cell}} ipython3\n:tags: [parameters]\n\n{parameters}\n```\n\n"
    return (
        HEADER
        + "# Title\n\n"
        + tagged
        + "\n\n".join(f"```{{code-cell}} ipython3\n{cell}\n```" for cell in cells)
        + "\n"
    )


def write(path: Path, parameters: str | None, *cells: str) -> Path:
    """Write a notebook, .md or .ipynb."""
    text = source(parameters, *cells)
    if path.suffix == ".ipynb":
        nbformat.write(jupytext.reads(text, fmt="md:myst"), path)
    else:
        path.write_text(text)
    return path


def texts(path: Path) -> list[str]:
    """Return what the cells of an executed notebook have printed, in order."""
    cells = nbformat.read(path, as_version=4).cells
    return [output.text for cell in cells for output in cell.get("outputs", []) if output.output_type == "stream"]


def wait_for_number(path: Path) -> int:
    """Return the number in a file as soon as it is there."""
    wait_for(lambda: path.is_file() and path.read_text(), f"{path} was never written")
    return int(path.read_text())
