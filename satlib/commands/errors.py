"""Errors that a user can mend, told in one line on stderr, with exit code 2 and no traceback."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import typer

from satlib.images.remarks import ImageRemark
from satlib.upscaling.memory import is_out_of_memory

BAD_INPUT = 2


def note(message: str) -> None:
    """Print one line on stderr."""
    typer.echo("satlib: " + " ".join(message.split()), err=True)


def show_remarks() -> None:
    """From now on, show what a reader did with an image as one line on stderr, each time."""
    usual = warnings.showwarning

    def show(
        message: Warning | str, category: type[Warning], filename: str, lineno: int,
        file: TextIO | None = None, line: str | None = None,
    ) -> None:  # fmt: skip
        if issubclass(category, ImageRemark):
            note(str(message))
        else:
            usual(message, category, filename, lineno, file, line)

    warnings.showwarning = show
    warnings.simplefilter("always", ImageRemark)


@contextmanager
def errors_in_one_line() -> Iterator[None]:
    """Turn ValueError, OSError and running out of memory into one line and exit code 2."""
    try:
        yield
    except (OSError, ValueError, MemoryError, RuntimeError) as error:
        if is_out_of_memory(error):
            note(f"out of memory: {error}" if str(error) else "out of memory; try tiles")
        elif isinstance(error, OSError) and error.strerror:
            note(f"{error.filename}: {error.strerror}" if error.filename else error.strerror)
        elif isinstance(error, (OSError, ValueError)):
            note(str(error))
        else:
            raise
        raise typer.Exit(BAD_INPUT) from None
