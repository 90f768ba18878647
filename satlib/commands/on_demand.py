"""Commands that are loaded when they are run, or asked for help, so that the list of all of them needs no torch."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand

from satlib.commands.paths import Command

if TYPE_CHECKING:
    from typer._click.core import Context


class OnDemand(TyperCommand):
    """Stands for ``app`` of the module of its name in :mod:`satlib.commands`."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: "Context | None" = None, **extra: object
    ) -> "Context":
        """Load the command and give it the words that follow its name."""
        module = import_module(f"satlib.commands.{self.name}")
        return typer.main.get_command(module.app).make_context(info_name, args, parent, **extra)


def alone(function: Callable[..., None], command: type[Command] = Command) -> typer.Typer:
    """Return the ``app`` of a module with one command."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(cls=command)(function)
    return app


def nothing() -> None:
    """Do nothing: what a command does that is not loaded yet."""
