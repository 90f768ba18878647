"""One process at a time: a lock on a file that is let go when the process ends, however it ends."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    @contextmanager
    def locked(path: Path) -> Iterator[None]:
        """Do nothing: there is no such lock on Windows."""
        yield

else:
    import fcntl

    @contextmanager
    def locked(path: Path) -> Iterator[None]:
        """Hold a lock on ``path``, an empty file that stays behind, while the context lasts.

        Raises
        ------
        OSError
            If another process holds it.
        """
        with path.open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise OSError(f"{path.parent} is being written by another process") from error
            yield
