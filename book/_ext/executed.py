"""Sphinx extension: notebooks of notebooks/executed/ as pages, beside the chapters that they are runs of.

They are shown as `satlib run` left them, with three changes, because a name is defined once in a book: the title says
which run it is, the exercises are left out, and the labels of equations and sections stay with the chapter. The files
are not changed.
"""

import json
import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

FOLDER = "notebooks/executed/"
EXERCISES = "## Exercises"
LABEL = re.compile(r"^\([\w-]+\)=\n|(?<=^\$\$) \([\w-]+\)$", re.M)
DOCUMENT = re.compile(r"(\{doc\}`(?:[^`<]*<)?)(?=[\w.])")
DOWNLOAD = re.compile(r"\{download\}`[^`]*`")


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """Change the source of such a page before it is parsed."""
    if page.startswith(FOLDER):
        source[0] = json.dumps(as_page(json.loads(source[0]), Path(page).name))


def as_page(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the notebook that the page of the run ``name`` is made of."""
    cells = [_mended(cell, name) for cell in notebook["cells"]]
    end = next((i for i, cell in enumerate(cells) if cell["source"].startswith(EXERCISES)), len(cells))
    return {**notebook, "cells": [_heading(notebook["metadata"], name), *cells[1:end]]}


def _heading(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    """Say what the run is, in place of the chapter's first cell."""
    run, chapter = metadata["papermill"], Path(metadata["satlib"]["notebook"]).stem
    parameters = "\n".join(f"- `{key}`: `{value}`" for key, value in run["parameters"].items())
    text = (
        f"# Run: {name}\n\nThe chapter {{doc}}`../{chapter}` with other parameters, run by `satlib run` on "
        f"{run['start_time'][:10]} in {run['duration']:.0f} s with satlib {metadata['satlib']['version']}, shown as "
        f"it was then. The notebook: {{download}}`{name}.ipynb`.\n\n{parameters}\n"
    )
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _mended(cell: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a cell without labels, its references turned to where they lead from here."""
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        return {**cell, "source": _text(source, name)}
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if "text/markdown" in data:
            data["text/markdown"] = _text("".join(data["text/markdown"]), name)
    return {**cell, "source": source}


def _text(text: str, name: str) -> str:
    return DOWNLOAD.sub(f"{{download}}`{name}.ipynb`", DOCUMENT.sub(r"\1../", LABEL.sub("", text)))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the handler."""
    app.connect("source-read", adapt)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
