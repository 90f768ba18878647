"""Progress: how a function that takes long says how far it is. Nobody listens here; `progress_bar` shows a bar."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Report = Callable[[int, int], None]
"""Called with how much is done and how much there is in all."""


class Progress(Protocol):
    """Opens a context for a piece of work with a name, and gives the function to be told (done, total)."""

    def __call__(self, label: str) -> AbstractContextManager[Report]:
        """Open the context."""
        ...


@contextmanager
def silent(label: str) -> Iterator[Report]:
    """Show nothing."""
    yield lambda done, total: None
