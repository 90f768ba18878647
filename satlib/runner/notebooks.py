"""Notebooks as they are to be run: read from .ipynb or from MyST .md, with their parameters."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode
from papermill.parameterize import parameterize_notebook

from satlib._version import __version__
from satlib.runner.parameters import Parameter, check_values, read_parameters
from satlib.support.paths import as_path

TAG = "parameters"


@dataclass(frozen=True)
class Notebook:
    """A notebook, where it was read from, and the parameters that it declares."""

    path: Path
    node: NotebookNode
    parameters: dict[str, Parameter]

    def check(self, values: Mapping[str, object], source: str = "parameters") -> None:
        """Raise a ValueError if a value belongs to no parameter or has the wrong type."""
        check_values(values, self.parameters, f"{source} for {self.path}")

    def complete(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return the values of all parameters, those of the notebook where ``values`` has none."""
        return {**{p.name: p.default for p in self.parameters.values()}, **values}

    def digest(self, values: Mapping[str, object], inputs: Sequence[Path] = ()) -> str:
        """Return a hash of the notebook's code, the values, and the content of some files; of no prose or output."""
        code = [cell.source for cell in self.node.cells if cell.cell_type == "code"]
        files = [hashlib.sha256(path.read_bytes()).hexdigest() for path in inputs]
        content = json.dumps([code, dict(values), files], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    def with_values(self, values: Mapping[str, object], kernel: str) -> NotebookNode:
        """Return a copy to run: without outputs, with the values in a cell of their own below the parameters."""
        node = deepcopy(self.node)
        for cell in node.cells:
            cell.metadata.setdefault("tags", [])
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        node.metadata.papermill = {"parameters": {}, "environment_variables": {}}
        node.metadata.satlib = {"notebook": self.path.as_posix(), "version": __version__}
        if values:
            plain = {name: _without_tuples(value) for name, value in values.items()}
            node = parameterize_notebook(node, plain, kernel_name=kernel, language="python")
        return node


def _without_tuples(value: object) -> object:
    """Return a value with lists for tuples, which papermill would hand over as text."""
    return [_without_tuples(item) for item in value] if isinstance(value, list | tuple) else value


def read_notebook(path: str | Path) -> Notebook:
    """Read a notebook, .ipynb or .md.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or its parameters cell is not as :func:`~satlib.runner.parameters.read_parameters` wants
        it.
    """
    path = as_path(path, "notebook")
    if path.suffix not in (".ipynb", ".md"):
        raise ValueError(f"a notebook is a .ipynb or a .md file, got {path}")
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a notebook: it is not text in UTF-8, at byte {error.start}") from None
    try:
        if path.suffix == ".md":
            node = jupytext.reads(text, fmt="md:myst")
        else:
            node = nbformat.v4.upgrade(nbformat.reads(text, as_version=4))
        cells = [cell.source for cell in node.cells if TAG in cell.metadata.get("tags", [])]
    except (ValueError, TypeError, AttributeError, KeyError, nbformat.ValidationError) as error:
        raise ValueError(f"{path} is not a notebook: {error}") from None
    if len(cells) > 1:
        raise ValueError(f"{path} has {len(cells)} cells with the tag {TAG}; one is the most")
    try:
        return Notebook(path, node, read_parameters(cells[0]) if cells else {})
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
