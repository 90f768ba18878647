"""What `satlib run` does, and how it tells what happened: imported when the command runs, not before."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from satlib.commands.errors import note
from satlib.runner.batch import Executor, notebook_of, plan_batch, run_batch
from satlib.runner.execute import NotebookError, execute
from satlib.runner.grid import read_batch
from satlib.runner.jobs import Job
from satlib.runner.notebooks import Notebook, read_notebook
from satlib.runner.parameters import parse_text
from satlib.runner.records import Record
from satlib.runner.signals import terminable
from satlib.support.yaml_files import read_mapping

FAILED = 1
INTERRUPTED = 130
WIDTH = 160
"""Characters of a line of a table that is not printed in a terminal."""

Pairs = Sequence[tuple[str, str]]
"""Names and texts of -p."""


def run_one(notebook: Path, out: Path, file: Path | None, pairs: Pairs, *, kernel: str, cwd: Path | None) -> None:
    """Run one notebook, and say on stdout where it is."""
    with _interruptible(f"the notebook so far is {out}"):
        source = read_notebook(notebook)
        values = _values(source, file, pairs)
        try:
            execute(source, out, values, kernel=kernel, cwd=cwd, progress=sys.stderr.isatty())
        except NotebookError as error:
            note(f"{notebook}: {error}")
            raise typer.Exit(FAILED) from None
    typer.echo(f"{out}: every cell has run")


def run_many(
    batch: Path,
    out: Path,
    file: Path | None,
    pairs: Pairs,
    *,
    kernel: str,
    cwd: Path | None,
    executor: Executor,
    at_once: int | None,
    slurm: Sequence[str],
    dry_run: bool,
) -> None:
    """Run a batch, with a line on stderr for each job that ends and a table on stdout in the end."""
    left = "call it again to go on" + ("; what Slurm has goes on" if executor == "slurm" else "")
    with _interruptible(left):
        values = _values(notebook_of(read_batch(batch), batch), file, pairs)
        jobs = plan_batch(batch, out, parameters=values, kernel=kernel, cwd=cwd)
        if dry_run:
            _print(_plan(jobs))
            return
        before = {job.name for job in jobs if job.is_done()}
        records = run_batch(jobs, executor=executor, at_once=at_once, slurm=slurm, on_end=_tell)
        _print(_outcome(records, before))
        if any(record.state != "done" for record in records):
            raise typer.Exit(FAILED)


def _values(notebook: Notebook, file: Path | None, pairs: Pairs) -> dict[str, object]:
    """Return the parameters that -f and -p give, checked."""
    from_file = {} if file is None else read_mapping(file)
    notebook.check(from_file, str(file))
    known = notebook.parameters
    from_line = {name: parse_text(text, known[name].type) if name in known else text for name, text in pairs}
    notebook.check(from_line, "-p")
    return {**from_file, **from_line}


@contextmanager
def _interruptible(left: str) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into one line and the exit codes 130 and 143."""
    _silence("papermill")  # it says again what the exceptions say
    try:
        with terminable():
            yield
    except KeyboardInterrupt:
        _silence("asyncio")  # of the cell that nobody waits for any more, it says that its kernel has ended
        note(f"interrupted; {left}")
        raise typer.Exit(INTERRUPTED) from None
    except SystemExit:
        _silence("asyncio")
        note(f"terminated; {left}")
        raise


def _silence(name: str) -> None:
    """Keep what a package logs from stderr, unless somebody has asked for it."""
    logging.getLogger(name).addHandler(logging.NullHandler())


def _tell(record: Record) -> None:
    after = "" if record.seconds is None else f" after {record.seconds:.1f} s"
    note(f"{record.name}: {record.state}{after}" + (f": {record.error}" if record.error else ""))


def _plan(jobs: Sequence[Job]) -> Table:
    """Return a table of what would run with which parameters."""
    names = list(dict.fromkeys(name for job in jobs for name in job.parameters))
    table = Table("name", "state", *names)
    for job in jobs:
        table.add_row(job.name, "done" if job.is_done() else "to run", *_cells(job.parameters, names))
    return table


def _outcome(records: Sequence[Record], before: set[str]) -> Table:
    """Return the table of a batch that has ended, with the results that are single values."""
    names = list(dict.fromkeys(k for r in records for k, v in r.results.items() if not isinstance(v, list | dict)))
    table = Table("name", "state", "seconds", *names, "error")
    for record in records:
        state = "done before" if record.name in before else record.state
        seconds = "" if record.seconds is None else f"{record.seconds:.1f}"
        table.add_row(record.name, state, seconds, *_cells(record.results, names), record.error or "")
    return table


def _cells(values: Mapping[str, object], names: Sequence[str]) -> list[str]:
    """Return what a row shows: numbers with 5 digits, nothing where there is no value."""
    shown = {name: f"{value:.5g}" if isinstance(value, float) else str(value) for name, value in values.items()}
    return [shown.get(name, "") for name in names]


def _print(table: Table) -> None:
    """Print a table on stdout."""
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(table, markup=False)
