"""How long work tells how far it is, without knowing who listens: nobody here, a bar in `satlib.progress`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from satlib.tiles import Report


class Progress(Protocol):
    """Opens a context for a piece of work with a name, and gives the function to be told (done, total)."""

    def __call__(self, label: str) -> AbstractContextManager[Report]:
        """Open the context."""
        ...


@contextmanager
def silent(label: str) -> Iterator[Report]:
    """Tell nobody."""
    yield lambda done, total: None
