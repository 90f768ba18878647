"""Paths on the command line: "~" stands for the home folder in all of them, where the shell has left it, too."""

from pathlib import Path
from typing import TYPE_CHECKING

from typer.core import TyperCommand

from satlib.commands.errors import errors_in_one_line
from satlib.support.paths import as_path

if TYPE_CHECKING:
    from typer._click.core import Context


class Command(TyperCommand):
    """A command whose paths are as `satlib.support.paths.as_path` reads them; a shell leaves `--out=~/run` as it is."""

    def invoke(self, ctx: "Context") -> object:
        """Run the command with its paths read."""
        with errors_in_one_line():
            ctx.params = {name: _read(value, name) for name, value in ctx.params.items()}
        return super().invoke(ctx)


def _read(value: object, name: str) -> object:
    if isinstance(value, Path):
        return as_path(value, name)
    return [_read(item, name) for item in value] if isinstance(value, list) else value
