"""`satlib run`: one notebook with parameters, or a batch of them on this machine or on Slurm.

What it takes is here; what it does is in :mod:`satlib.commands.run_notebooks`, which needs packages of the extra `run`.
"""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from satlib.commands.errors import errors_in_one_line
from satlib.commands.on_demand import alone
from satlib.commands.paths import Command

if TYPE_CHECKING:
    from typer._click.core import Context

PAIR = ("-p", "--parameter")


def _joined(words: Sequence[str]) -> Iterator[str]:
    rest = iter(words)
    for word in rest:
        yield word
        if word in PAIR and (name := next(rest, None)) is not None:
            value = None if "=" in name else next(rest, None)
            yield name if value is None else f"{name}={value}"


class RunCommand(Command):
    """The command whose option -p takes two words and may be repeated, which typer cannot say."""

    def parse_args(self, ctx: "Context", args: list[str]) -> list[str]:
        """Read `-p name value` as `-p name=value`."""
        return super().parse_args(ctx, list(_joined(args)))


class Where(StrEnum):
    """What runs a batch."""

    LOCAL = "local"
    SLURM = "slurm"


def run(
    notebook: Annotated[Path | None, typer.Argument(metavar="NOTEBOOK", help="A .ipynb, or a .md in MyST.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT", help="The .ipynb to write; with --batch, a folder.")
    ] = None,
    file: Annotated[Path | None, typer.Option("-f", "--file", metavar="YAML", help="Parameters: name: value.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(*PAIR, metavar="NAME VALUE", help="One; goes before those of the file.")
    ] = None,
    kernel: Annotated[str, typer.Option(help="The Jupyter kernel to run in.")] = "python3",
    cwd: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder to run in; by default this one.")] = None,
    batch: Annotated[Path | None, typer.Option(metavar="YAML", help="Run the jobs of this file instead.")] = None,
    executor: Annotated[Where, typer.Option(help="What runs a batch.")] = Where.LOCAL,
    jobs: Annotated[
        int | None, typer.Option(help="Jobs of a batch at a time; by default 1 here, all on Slurm.")
    ] = None,
    slurm: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="For Slurm: time=60 (minutes), partition=gpu ...")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list the jobs of a batch.")] = False,
) -> None:
    """Run a notebook by papermill, its parameters checked before anything runs; or a batch of runs.

    Exit code: 0 if all went well, 1 if a notebook failed (its output is kept), 2 for bad input, 130 or 143 if
    interrupted. A batch leaves out what is done already.
    """
    with errors_in_one_line():
        try:
            from satlib.commands.run_notebooks import run_many, run_one
        except ModuleNotFoundError as error:
            raise ValueError(f"{error.name} is missing; install satlib with it: pip install 'satlib[run]'") from None
        pairs = [_pair(text) for text in parameter or []]
        if batch is not None:
            if notebook is not None:
                raise ValueError(f"the notebook of a batch stands in its file; got {notebook}, too")
            folder = out or Path("out", batch.stem)
            run_many(
                batch,
                folder,
                file,
                pairs,
                kernel=kernel,
                cwd=cwd,
                executor=executor.value,
                at_once=jobs,
                slurm=slurm or (),
                dry_run=dry_run,
            )
        else:
            if notebook is None or out is None:
                raise ValueError("what to run and where to write it is missing: satlib run NOTEBOOK -o OUT.ipynb")
            if executor is not Where.LOCAL or jobs is not None or slurm or dry_run:
                raise ValueError("--executor, --jobs, --slurm and --dry-run go with --batch")
            run_one(notebook, out, file, pairs, kernel=kernel, cwd=cwd)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"-p takes a name and a value, got {text} alone")
    return name, value


app = alone(run, RunCommand)
