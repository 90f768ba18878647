"""Progress: how a function that takes long says how far it is.

A function that people call takes ``progress`` and opens it with a name for each piece of its work; what it calls takes
the opened ``report``. ``satlib.upscale`` takes True for a bar. Lines that a person should read, as those of a training,
go to ``say``. By default nobody listens; `progress_bar` shows bars.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Report = Callable[[int, int], None]
"""Called with how much is done and how much there is in all."""


Say = Callable[[str], None]
"""Called with a line of text."""


class Progress(Protocol):
    """Opens a context for a piece of work with a name, and gives the function to be told (done, total)."""

    def __call__(self, label: str) -> AbstractContextManager[Report]:
        """Open the context."""
        ...


@contextmanager
def silent(label: str) -> Iterator[Report]:
    """Show nothing."""
    yield lambda done, total: None


def named(progress: Progress, name: str) -> Progress:
    """Return ``progress`` for a piece of work that gets this name, whatever it calls itself."""

    def opened(label: str) -> AbstractContextManager[Report]:
        return progress(name)

    return opened


def say_nothing(line: str) -> None:
    """Print nothing."""
