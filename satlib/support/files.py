"""Writing files so that a failed or interrupted run leaves nothing half-written."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it becomes ``path``, on any exception it is removed.

    The temporary file keeps the suffix, because writers choose their format by it. The content is flushed to the disk
    before the rename, so that a power cut leaves the old file or the new one.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or ``path`` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {target.parent} does not exist")
    handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(_mode(target))
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _mode(target: Path) -> int:
    """Return the permissions that a file written in the plain way would have."""
    if target.exists():
        return target.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


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


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
