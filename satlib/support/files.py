"""Files that are whole or not there, locks on folders, and checksums."""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; on success it becomes ``path``, on any exception it is removed.

    The temporary file keeps the suffix, because writers choose their format by it. The content is flushed to the disk
    before the rename, so that a power cut leaves the old file or the new one. A link stays a link: what it points at is
    replaced. What is no file, as a pipe, and a file in a folder that takes no other, get the content at the end.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written, or ``path`` is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    place = behind_links(target)
    if not place.parent.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {place.parent} does not exist")
    if place.exists() and (not place.is_file() or not os.access(place.parent, os.W_OK)):
        with _written_through(place) as temporary:
            yield temporary
        return
    temporary = place.with_name(f".{place.stem}-{secrets.token_hex(8)}{target.suffix}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))  # less what the umask takes away
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if place.exists():
            temporary.chmod(place.stat().st_mode & 0o777)
        temporary.replace(place)
    finally:
        temporary.unlink(missing_ok=True)


def behind_links(path: Path) -> Path:
    """Return what a link points at in the end, there or not yet; another path as it is."""
    try:
        return path if not path.is_symlink() or (path.exists() and not path.is_file()) else path.resolve()
    except RuntimeError as error:
        raise OSError(f"cannot write {path}: its links go round in a circle") from error


@contextmanager
def _written_through(place: Path) -> Iterator[Path]:
    """Give a temporary path elsewhere; on success its content is written into ``place``, which stays what it is."""
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / f"content{place.suffix}"
        temporary.touch()
        yield temporary
        with temporary.open("rb") as source, place.open("wb") as sink:
            shutil.copyfileobj(source, sink)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock on ``path``, an empty file that may stay behind; it is let go when the process ends, however it ends.

    Raises
    ------
    OSError
        If another process holds it.
    """
    try:
        with FileLock(path, timeout=0):
            yield
    except Timeout as error:
        raise OSError(f"{path.parent} is being written by another process") from error


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
