"""Notebooks that have run: when, with which parameters, how long it took, and what their cells said."""

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import nbformat

from satlib.support.paths import as_path


@dataclass(frozen=True)
class FinishedRun:
    """One run of a notebook by :func:`satlib.runner.execute.run_notebook`."""

    path: Path
    """The executed notebook."""
    notebook: str
    """What was run."""
    version: str
    """Of satlib."""
    date: str
    """Of its beginning, YYYY-MM-DD, in UTC."""
    seconds: float
    parameters: Mapping[str, object]
    """Those that were given."""
    said: str
    """Text and Markdown of all outputs, in order, a line break between two."""


def read_run(path: str | PathLike[str]) -> FinishedRun:
    """Return what an executed notebook tells of its run.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is no notebook that has run by this package to its end.
    """
    source = as_path(path)
    text = source.read_text(encoding="utf-8")
    try:
        node = nbformat.reads(text, as_version=4)
        run, ours = node.metadata.papermill, node.metadata.satlib
        if run.exception is not None or run.duration is None:
            raise ValueError("it has not come to its end")
        outputs = [output for cell in node.cells for output in cell.get("outputs", [])]
        said = [output.get("text") or output.get("data", {}).get("text/markdown", "") for output in outputs]
        return FinishedRun(
            path=source,
            notebook=ours.notebook,
            version=ours.version,
            date=run.start_time[:10],
            seconds=run.duration,
            parameters=dict(run.parameters),
            said="\n".join(filter(None, said)),
        )
    except (ValueError, AttributeError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise ValueError(f"{source} is no notebook that has run: {error}") from None
