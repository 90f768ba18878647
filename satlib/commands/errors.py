"""Errors that a user can mend, told in one line on stderr, with exit code 2 and no traceback.

Of several files, a bad one is told and left out, and the others are done: exit code 1 then, and a table in the end.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TextIO

import typer

from satlib.images.remarks import ImageRemark
from satlib.support.errors import is_out_of_memory
from satlib.support.tables import table

BAD_INPUT = 2
"""Exit code where nothing could be done."""

SOME_FAILED = 1
"""Exit code where some of several could not be done, and the others are."""

MENDABLE = (OSError, ValueError, MemoryError, RuntimeError)
"""What `reason` is asked about."""


def note(message: str) -> None:
    """Print one line on stderr."""
    typer.echo("satlib: " + " ".join(message.split()), err=True)


def show_remarks() -> None:
    """From now on, show what a reader did with an image as one line on stderr, each time."""
    usual = warnings.showwarning

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, ImageRemark):
            note(str(message))
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    warnings.simplefilter("always", ImageRemark)


def reason(error: Exception) -> str:
    """Return what an error says to somebody who can mend it; one that is no fault of the input is raised again."""
    if is_out_of_memory(error):
        return f"out of memory: {error}" if str(error) else "out of memory; try tiles"
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    if not isinstance(error, (OSError, ValueError)):
        raise error
    return str(error)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Turn ValueError, OSError and running out of memory into one line and exit code 2."""
    try:
        yield
    except MENDABLE as error:
        note(reason(error))
        raise typer.Exit(BAD_INPUT) from None


def tell_failures(failures: Sequence[tuple[str, str]], n_done: int, what: str, *, subject: str = "file") -> None:
    """Print a table of what failed on stderr, names and reasons, and end the command; do nothing if nothing did.

    Raises
    ------
    typer.Exit
        With `SOME_FAILED`, or `BAD_INPUT` if nothing was done.
    """
    if not failures:
        return
    n = len(failures)
    note(f"{n} of {n + n_done} {what} could not be used; the others are done" if n_done else f"no {what} could be used")
    rows = [(name, " ".join(text.split())) for name, text in failures]
    typer.echo(table((subject, "what is wrong"), rows), err=True)
    raise typer.Exit(SOME_FAILED if n_done else BAD_INPUT)
