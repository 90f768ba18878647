"""Running one notebook through papermill, with its parameters checked before anything happens.

The output is there from the beginning and is written again after each cell and every half minute, so that it can be
read while the notebook runs, and stays whatever ends the run: an error in a cell, the kernel's death, or an
interruption, with which the kernel ends, too. Its threads wait passively (`satlib.support.environment`).
"""

from collections.abc import Mapping
from pathlib import Path

import nbformat
import papermill
from jupyter_client.kernelspec import KernelSpecManager
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError

from satlib.runner.kernels import PreparedKernelManager
from satlib.runner.notebooks import Notebook, read_notebook
from satlib.support.files import replacing
from satlib.support.paths import as_path, check_name, check_writable

KERNEL = "python3"
PATIENCE = 600
"""Seconds that a kernel may take to start, or to send what a cell has printed; its death is noticed at once."""


class NotebookError(RuntimeError):
    """A cell failed or the kernel died; the message says which cell, why, and where the notebook so far is."""


def run_notebook(
    notebook: str | Path,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
    *,
    kernel: str = KERNEL,
    cwd: str | Path | None = None,
    progress: bool = False,
) -> NotebookNode:
    """Run a notebook from its first cell to its last and return it with its outputs.

    Parameters
    ----------
    notebook
        A .ipynb, or a .md in MyST. Its parameters stand in a cell with the tag ``parameters``, one a line, as
        ``name: type = literal``.
    out
        The .ipynb to write; its folder is made if it is not there.
    parameters
        Values that differ from those in the notebook.
    kernel
        Name of an installed Jupyter kernel for Python.
    cwd
        The folder that the notebook runs in; by default the current one, not the notebook's.
    progress
        Whether to show a bar on stderr.

    Raises
    ------
    OSError, ValueError
        If something of this is bad; nothing has been run or written then.
    NotebookError
        If the notebook fails.
    """
    source = read_notebook(notebook)
    source.check(parameters or {})
    return execute(source, out, parameters or {}, kernel=kernel, cwd=cwd, progress=progress)


def execute(
    source: Notebook,
    out: str | Path,
    values: Mapping[str, object],
    *,
    kernel: str = KERNEL,
    cwd: str | Path | None = None,
    progress: bool = False,
) -> NotebookNode:
    """Run a notebook that is read already, with values that are checked; else as :func:`run_notebook`.

    Raises
    ------
    NotebookError
        If the notebook fails.
    """
    out, cwd = as_path(out, "output"), None if cwd is None else as_path(cwd, "cwd")
    check_places(source.path, out, kernel, cwd)
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as temporary:
        nbformat.write(source.with_values(values, kernel), temporary)
    path = str(out).replace("{", "{{").replace("}", "}}")  # papermill formats paths
    try:
        result: NotebookNode = papermill.execute_notebook(
            path,
            path,
            kernel_name=kernel,
            language="python",
            cwd=cwd,
            progress_bar=progress,
            kernel_manager_class=PreparedKernelManager,
            start_timeout=PATIENCE,
            iopub_timeout=PATIENCE,
            extra_arguments=["--IPKernelApp.log_level=50"],  # the kernel's own chatter on stderr
        )
    except PapermillExecutionError as error:
        where = f"In [{error.exec_count}]" if error.exec_count else f"cell {error.cell_index + 1}"
        raise NotebookError(_message(where, f"{error.ename}: {error.evalue}", out)) from None
    except RuntimeError as error:
        raise NotebookError(_message(_mark_stop(out), f"{type(error).__name__}: {error}", out)) from error
    except (KeyboardInterrupt, SystemExit):
        _mark_stop(out)
        raise
    return result


def check_places(notebook: Path, out: Path, kernel: str, cwd: str | Path | None) -> None:
    """Check that a notebook can be run there and written there.

    Raises
    ------
    OSError, ValueError
        If ``out`` is no .ipynb, is the notebook itself or cannot be written; ``cwd`` is no folder; or there is no such
        kernel.
    """
    if out.suffix != ".ipynb":
        raise ValueError(f"the output must be a .ipynb file, got {out}")
    check_name(out)
    if out.exists() and out.samefile(notebook):
        raise ValueError(f"the output would overwrite the notebook {notebook}")
    if out.parent.is_dir():
        check_writable(out)
    if cwd is not None and not Path(cwd).is_dir():
        raise NotADirectoryError(f"cannot run in {cwd}: it is not a folder")
    kernels = sorted(KernelSpecManager().find_kernel_specs())
    if kernel not in kernels:
        raise ValueError(f"there is no kernel {kernel!r}; installed are {', '.join(kernels) or 'none'}")


def _message(where: str, what: str, out: Path) -> str:
    text = " ".join(what.split())
    return f"{where}, {text if len(text) <= 300 else text[:297] + '...'}; the notebook so far is {out}"


def _mark_stop(out: Path) -> str:
    """Say in a stopped notebook where it stopped, since papermill calls all its cells completed; return the place."""
    node = nbformat.read(out, as_version=4)
    states = [cell.metadata.get("papermill", {}) for cell in node.cells]
    last = max((i for i, state in enumerate(states) if state.get("start_time")), default=-1)
    node.metadata.papermill.exception = True
    for state in states[last + 1 :]:
        state["status"] = "pending"
    if last >= 0:
        states[last].update(status="failed", exception=True)
    with replacing(out) as temporary:
        nbformat.write(node, temporary)
    # A kernel may die before it sends the cell's number, which counts the code cells that are not empty.
    number = sum(cell.cell_type == "code" and bool(cell.source.strip()) for cell in node.cells[: last + 1])
    return f"In [{number}]" if number else "before the first cell"
