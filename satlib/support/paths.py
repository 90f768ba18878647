"""Paths as users give them, and whether something can be written there: known before the work that would be lost."""

import errno
import os
import shutil
from os import PathLike
from pathlib import Path

SPARE = 2**20
"""Bytes that are left free on a disk when it is asked for room: folders and small files need some, too."""


def as_path(value: object, name: str = "path") -> Path:
    """Return a path that a user has given; "~" and "~user" at its beginning stand for a home, as in a shell.

    Raises
    ------
    ValueError
        If it is no path, holds a zero byte, or there is no such user; the message names the value.
    """
    text = os.fspath(value) if isinstance(value, (str, PathLike)) else None
    if not isinstance(text, str) or "\0" in text:
        raise ValueError(f"{name} must be a path, got {shown(value)}")
    if not text.startswith("~") or os.path.lexists(text):  # a file may be called so
        return Path(text)
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f"{name} {text!r}: there is no such user; ./{text} is a file of that name") from None


def shown(value: object) -> str:
    """Return what a message calls a value of the wrong kind: itself if it is short, else its type."""
    if value is None or isinstance(value, (str, bytes, int, float)):
        text = repr(value)
        return text if len(text) <= 100 else f"{text[:97]}..."
    return type(value).__name__


def check_writable(path: object) -> Path:
    """Return a path to which a file can be written, as far as that can be known before.

    Raises
    ------
    ValueError
        If it is no path.
    OSError
        If it is a folder, its folder does not exist or may not be written, or the name is too long.
    """
    target = as_path(path)
    check_name(target)
    if target.is_dir():
        raise IsADirectoryError(f"cannot write {target}: it is a folder")
    folder = behind_links(target).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot write {target}: the folder {folder} does not exist")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise PermissionError(f"cannot write {target}: permission denied")
    return target


def behind_links(path: Path) -> Path:
    """Return what a link points at in the end, there or not yet; another path as it is.

    Raises
    ------
    OSError
        If the links go round in a circle.
    """
    if not path.is_symlink() or (path.exists() and not path.is_file()):
        return path
    try:
        path.stat()
    except OSError as error:
        if error.errno == errno.ELOOP:  # of which `resolve` says nothing from Python 3.13 on
            raise OSError(f"cannot write {path}: its links go round in a circle") from error
    return path.resolve()


def check_folder(path: object) -> Path:
    """Return a path at which there is a folder that can be written, or one can be made.

    Raises
    ------
    ValueError
        If it is no path.
    OSError
        If there is a file, or the folder that it would be made in may not be written; or a name is too long.
    """
    folder = as_path(path)
    check_name(folder)
    there = next(place for place in (folder, *folder.parents, Path()) if os.path.lexists(place))
    if not there.is_dir():
        raise NotADirectoryError(f"cannot write into {folder}: {there} is not a folder")
    if not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write into {folder}: permission denied")
    return folder


def check_name(path: Path) -> None:
    """Raise OSError if the last part of a path is longer than its disk takes, in bytes.

    A folder that is not there yet counts as the one above it.
    """
    there = next(place for place in (path.parent, *path.parent.parents, Path()) if place.is_dir())
    longest = os.pathconf(there, "PC_NAME_MAX") if hasattr(os, "pathconf") else 255
    length = len(os.fsencode(path.name))
    if length > longest:
        raise OSError(f"cannot write {path}: the name has {length} bytes, and {longest} is the most")


def check_room(folder: Path, needed: int, what: str) -> None:
    """Raise OSError if the disk of a folder has not so many bytes left, for ``what``."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.is_dir())
    free = shutil.disk_usage(there).free
    if free < needed + SPARE:
        sizes = f"{needed / 1e6:,.1f} MB and {SPARE / 1e6:,.0f} MB to spare are needed, {free / 1e6:,.1f} MB are left"
        raise OSError(f"{folder}: the disk has no room for {what}: {sizes}")
