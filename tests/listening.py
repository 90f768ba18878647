"""A listener of progress for tests: it keeps what it is told."""

from collections.abc import Iterator
from contextlib import contextmanager

from satlib.support.progress import Progress, Report


def listener(told: list[tuple[int, int]]) -> Progress:
    """Return a progress that adds each (done, total) to a list."""

    @contextmanager
    def opened(label: str) -> Iterator[Report]:
        assert label
        yield lambda done, total: told.append((done, total))

    return opened
