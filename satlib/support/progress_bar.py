"""Progress bars of rich on stderr; nothing else of satlib shows progress, and rich is imported here alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress

from satlib.support.progress import Report


@contextmanager
def bar(label: str) -> Iterator[Report]:
    """Show a bar in a terminal or a notebook and give the function that moves it: (done, total)."""
    console = Console(stderr=True)
    interactive = console.is_terminal or console.is_jupyter
    with Progress(console=console, transient=True, disable=not interactive) as progress:
        task = progress.add_task(label, total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield report
