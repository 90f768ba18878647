"""Temporary files beside their targets: one for each target, which the next writer takes over if its writer was killed.

The name follows from the target's, and is short enough wherever the target's is. A writer holds a lock on its file,
which the system lets go when the process ends, however it ends. So a file that nobody holds was left behind, and can
be written over; and where somebody else writes the same target now, a second writer takes a name of its own. On
systems without such locks every writer does.
"""

import hashlib
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = ".satlib-"
"""How the names of all temporary files begin."""

LONGEST_SUFFIX = 32
"""Bytes; a longer one is no format's, and is left out."""


@contextmanager
def temporary_beside(target: Path, suffix: str) -> Iterator[Path]:
    """Give an empty file of this suffix in the folder of ``target``; it is removed in the end if it still exists.

    Raises
    ------
    OSError
        If it cannot be made; the error names ``target``.
    """
    key = hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]
    suffix = suffix if len(os.fsencode(suffix)) <= LONGEST_SUFFIX else ""
    temporary = target.with_name(f"{PREFIX}{key}{suffix}")
    try:
        descriptor = _take(temporary, os.O_CREAT)
        if descriptor is None:
            temporary = target.with_name(f"{PREFIX}{key}-{secrets.token_hex(8)}{suffix}")
            descriptor = _take(temporary, os.O_CREAT | os.O_EXCL)
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(target)) from error
    try:
        yield temporary
    finally:
        _remove(temporary, descriptor)


def sweep(folder: Path) -> None:
    """Remove the temporary files of a folder that nobody writes any more."""
    for path in folder.glob(f"{PREFIX}*"):
        descriptor = _take(path, 0)
        if descriptor is not None:
            _remove(path, descriptor)


def _remove(path: Path, descriptor: int | None) -> None:
    """Remove a file that this process holds, and let it go; a file of the same name that another one holds stays.

    A writer that has renamed its file may find the next one's there.
    """
    if descriptor is None:
        path.unlink(missing_ok=True)
        return
    if _is(path, descriptor):
        path.unlink()
    os.close(descriptor)  # after the file has gone, so that nobody takes it over meanwhile


def _is(path: Path, descriptor: int) -> bool:
    """Tell whether a path leads to an open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(path: Path, create: int) -> int | None:
    """Open a temporary file, emptied, and lock it; ``None`` if somebody holds it or it is no longer there.

    Where the system has no locks, a file that must be new is made, and held by nobody.
    """
    if sys.platform == "win32":
        if create & os.O_EXCL:
            os.close(os.open(path, os.O_RDWR | create, 0o666))
        return None
    import fcntl

    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | create, 0o666)  # less what the umask takes away
    except FileNotFoundError:
        if create:
            raise
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = _is(path, descriptor)
    except OSError:
        held = False
    if not held:  # its writer is at work, or has just renamed it to its target
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    return descriptor
