"""Images out of zip and tar files that nobody vouches for: nothing outside the folder, and no more than expected.

Only images in the wanted folders are written, under their plain names. An archive is refused as a whole if any of its
paths is absolute or climbs with "..", if a wanted file is a link, or if its content is out of proportion.
"""

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, NamedTuple, Protocol

from satlib.images.formats import FORMATS

CHUNK = 1 << 18


@dataclass(frozen=True)
class Limits:
    """How far an archive may expand."""

    files: int = 100_000
    """Entries of the archive."""
    total: int = 1 << 36
    """Bytes of its content."""
    ratio: int = 10
    """Bytes of its content for each byte of the archive; images hardly compress twice."""
    floor: int = 1 << 20
    """Bytes that any archive may hold, however small it is."""

    def content(self, archive: int) -> int:
        """Return the most bytes that an archive of ``archive`` bytes may hold."""
        return min(self.total, max(self.floor, self.ratio * archive))


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Member(NamedTuple):
    """An entry of an archive, open for reading while the iteration stands at it."""

    name: str
    regular: bool
    folder: bool
    content: _Readable | None


def extract_images(
    archive: Path, target: Path, folders: Sequence[tuple[str, str]], *, limits: Limits | None = None
) -> int:
    """Write the wanted images of a zip, tar or tar.gz file.

    Parameters
    ----------
    archive
        The file; its content tells the format.
    target
        An existing folder.
    folders
        Pairs: the end of a folder's path in the archive, and the folder below ``target`` that its images go to.
    limits
        How far the archive may expand.

    Returns
    -------
    int
        The number of images.

    Raises
    ------
    ValueError
        If the archive is none, is damaged, or is refused; what was written until then stays.
    OSError
        If a file cannot be written.
    """
    limits = limits or Limits()
    budget = limits.content(archive.stat().st_size)
    count = 0
    with _damage_named(archive):
        for number, member in enumerate(_members(archive, budget), start=1):
            if number > limits.files:
                raise _RefusedError(f"it has more than {limits.files} entries")
            place = _place(_safe_path(member.name), folders)
            if place is None or member.folder:
                continue
            if not member.regular or member.content is None:
                raise _RefusedError(f"{member.name!r} is a link or a device")
            budget -= _write(member, target / place, budget)
            count += 1
    return count


class _RefusedError(ValueError):
    """The archive is not what it should be."""


@contextmanager
def _damage_named(archive: Path) -> Iterator[None]:
    """Turn what the readers raise at damaged or unacceptable archives into one ValueError that names the file."""
    try:
        yield
    except _RefusedError as error:
        raise ValueError(f"{archive} is refused: {error}") from error
    except (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(f"{archive} is damaged: {error}") from error


class _Bounded(io.BufferedIOBase):
    """A stream that refuses to give more than ``budget`` bytes in all."""

    def __init__(self, stream: _Readable, budget: int) -> None:
        self._stream = stream
        self._left = budget

    def read(self, size: int | None = -1, /) -> bytes:
        most = self._left + 1
        data = self._stream.read(most if size is None or size < 0 else min(size, most))
        self._left -= len(data)
        if self._left < 0:
            raise _RefusedError("it expands out of proportion")
        return data


def _members(archive: Path, budget: int) -> Iterator[_Member]:
    """Go through an archive; reading it never gives more than about ``budget`` bytes."""
    with archive.open("rb") as file:
        magic = file.read(512)
        file.seek(0)
        if magic.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_members(file)
        elif magic.startswith(b"\x1f\x8b"):
            with gzip.open(file) as plain:
                yield from _tar_members(_Bounded(plain, budget + 2**20))
        elif magic[257:262] == b"ustar":
            yield from _tar_members(_Bounded(file, budget + 2**20))
        else:
            raise _RefusedError(f"it is no zip, tar or tar.gz file; it begins with {magic[:16]!r}")


def _zip_members(file: IO[bytes]) -> Iterator[_Member]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.flag_bits & 1:
                raise _RefusedError(f"{info.filename!r} is encrypted")
            kind = stat.S_IFMT(info.external_attr >> 16)
            regular = kind in (0, stat.S_IFREG)
            with archive.open(info) as content:
                yield _Member(info.orig_filename, regular, info.is_dir(), content)


def _tar_members(file: _Bounded) -> Iterator[_Member]:
    with tarfile.open(fileobj=file, mode="r|") as archive:
        for info in archive:
            yield _Member(info.name, info.isreg(), info.isdir(), archive.extractfile(info) if info.isreg() else None)


def _safe_path(name: str) -> PurePosixPath:
    """Return the path of an entry, refusing one that could lead out of a folder on any system."""
    path, windows = PurePosixPath(name), PureWindowsPath(name)
    if "\\" in name or "\0" in name or path.is_absolute() or windows.drive or ".." in path.parts:
        raise _RefusedError(f"it has an entry {name!r}, which leads out of the folder")
    return path


def _place(path: PurePosixPath, folders: Sequence[tuple[str, str]]) -> PurePosixPath | None:
    """Return where below the target an image goes, or None for what is not wanted."""
    if path.suffix.lower() not in FORMATS or path.name.startswith(".") or "__MACOSX" in path.parts:
        return None
    for end, folder in folders:
        parts = PurePosixPath(end).parts
        if path.parent.parts[-len(parts) :] == parts:
            return PurePosixPath(folder) / path.name
    return None


def _write(member: _Member, path: Path, budget: int) -> int:
    """Write a member to a new file and return its bytes, at most ``budget``."""
    assert member.content is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    try:
        file = path.open("xb")
    except FileExistsError as error:
        raise _RefusedError(f"it has {path.name!r} twice") from error
    with file:
        while chunk := member.content.read(CHUNK):
            written += len(chunk)
            if written > budget:
                raise _RefusedError("it expands out of proportion")
            try:
                file.write(chunk)
            except OSError as error:
                raise OSError(f"{path} cannot be written: {error.strerror}") from error
    return written
