"""Files that are whole or not there, locks on folders, and checksums."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from satlib.support.paths import behind_links, check_writable
from satlib.support.temporary import temporary_beside


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it becomes ``path``, on any exception it is removed.

    The temporary file keeps the suffix, because writers choose their format by it. The content is flushed to the disk
    before the rename, so that a power cut leaves the old file or the new one. What a process that was killed has left
    of the same file is written over by the next one (:mod:`satlib.support.temporary`). A link stays a link: what it
    points at is replaced. What is no file, as a pipe, and a file in a folder that takes no other, get the content at
    the end.

    Raises
    ------
    OSError
        As :func:`satlib.support.paths.check_writable`; also if writing fails, as on a full disk: the error names
        ``path`` then, whatever the writer was given.
    """
    target = check_writable(path)
    place = behind_links(target)
    if place.exists() and (not place.is_file() or not os.access(place.parent, os.W_OK)):
        with _written_through(place) as temporary, errors_of(target, place, temporary):
            yield temporary
        return
    with temporary_beside(place, target.suffix) as temporary, errors_of(target, place, temporary):
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if place.exists():
            temporary.chmod(place.stat().st_mode & 0o777)
        temporary.replace(place)


@contextmanager
def errors_of(target: Path, *others: Path) -> Iterator[None]:
    """Let an error of the system inside that names no file, or one of ``others``, name ``target``.

    A write to a full disk fails without the name of a file, for it is the open file that is written.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None and error.filename in (None, *others, *map(str, others)):
            raise type(error)(error.errno, error.strerror, str(target)) from error
        raise


@contextmanager
def _written_through(place: Path) -> Iterator[Path]:
    """Give a temporary path elsewhere; on success its content is written into ``place``, which stays what it is."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / f"content{place.suffix}"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, place.open("wb") as sink:
            shutil.copyfileobj(source, sink)


class HeldError(OSError):
    """Another process holds a lock."""


@contextmanager
def locked(path: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a lock on ``path``, an empty file that may stay behind; it is let go when the process ends, however it ends.

    Raises
    ------
    HeldError
        If another process holds it, and still does after so many seconds.
    """
    try:
        with FileLock(path, timeout=patience):
            yield
    except Timeout as error:
        raise HeldError(f"{path.parent} is being written by another process") from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
