"""Sphinx extension: notebooks of notebooks/executed/ as pages, beside the chapters that they are runs of.

They are shown as `satlib run` left them, with four changes. A name is defined once in a book, so the title says which
run it is, the exercises are left out, and the labels of equations and sections stay with the chapter. And the code
before the first picture is folded, as in the chapters. The files are not changed.
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
FINISHED = re.compile(r"going on from step ([\d,]+) of \1$", re.M)
"""What a notebook prints that was given a run whose training is done."""
BEFORE = " The training is not in this time: it was done before, and the notebook went on from its last checkpoint."
IMPORTS = re.compile(r"(?:import|from) ")
PICTURES = {"image/png", "image/svg+xml", "application/vnd.plotly.v1+json"}
DOWNLOAD = re.compile(r"\{download\}`[^`]*`")


def adapt(app: Sphinx, page: str, source: list[str]) -> None:
    """Change the source of such a page before it is parsed."""
    if page.startswith(FOLDER):
        source[0] = json.dumps(as_page(json.loads(source[0]), Path(page).name))


def as_page(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the notebook that the page of the run ``name`` is made of."""
    cells = [_mended(cell, name) for cell in notebook["cells"]]
    end = next((i for i, cell in enumerate(cells) if cell["source"].startswith(EXERCISES)), len(cells))
    first = next((i for i, cell in enumerate(cells) if PICTURES & _kinds(cell)), 0)
    folded = [_folded(cell) if cell["cell_type"] == "code" else cell for cell in cells[1:first]]
    finished = any(FINISHED.search(_printed(cell)) for cell in cells)
    heading = _heading(notebook["metadata"], name, finished)
    return {**notebook, "cells": [heading, *folded, *cells[max(first, 1) : end]]}


def _kinds(cell: dict[str, Any]) -> set[str]:
    """Return the kinds of data among a cell's outputs."""
    return {kind for output in cell.get("outputs", []) for kind in output.get("data", {})}


def _printed(cell: dict[str, Any]) -> str:
    """Return what a cell printed."""
    return "".join("".join(output.get("text", "")) for output in cell.get("outputs", []))


def _folded(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a code cell whose input is folded, under a word that says what it is."""
    tags = cell["metadata"].get("tags", [])
    word = "Imports" if IMPORTS.match(cell["source"]) else "Parameters" if "parameters" in " ".join(tags) else "Set-up"
    prompts = {"code_prompt_show": word, "code_prompt_hide": word}
    shown = {**cell["metadata"].get("mystnb", {}), **prompts}
    return {**cell, "metadata": {**cell["metadata"], "tags": [*tags, *({"hide-input"} - {*tags})], "mystnb": shown}}


def _heading(metadata: dict[str, Any], name: str, finished: bool) -> dict[str, Any]:
    """Say what the run is, in place of the chapter's first cell; ``finished``: its training was done before."""
    run, chapter = metadata["papermill"], Path(metadata["satlib"]["notebook"]).stem
    parameters = "\n".join(f"- `{key}`: `{value}`" for key, value in run["parameters"].items())
    text = (
        f"# Run: {name}\n\nThe chapter {{doc}}`../{chapter}` with other parameters, run by `satlib run` on "
        f"{run['start_time'][:10]} with satlib {metadata['satlib']['version']}, shown as it was then. The notebook, "
        f"{{download}}`{name}.ipynb`, took {run['duration']:.0f} s.{BEFORE if finished else ''}\n\n{parameters}\n"
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
