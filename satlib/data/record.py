"""What a folder is known to hold: the size and checksum of each file, written last and checked on request.

A folder of a data set has a record once it is complete, and only then. Hidden files are no part of it, nor are folders
inside it that have a record of their own.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from satlib.support.files import hash_file, replacing
from satlib.support.progress import Progress, silent

RECORD = "record.json"


class LeftOut(NamedTuple):
    """A photograph that could not be used."""

    name: str
    """Path below the folder of photographs, with forward slashes."""
    size: int
    """Bytes of the file."""
    changed: int
    """When the file was last changed, in nanoseconds."""
    reason: str


def write_record(folder: Path, about: Mapping[str, Any], *, known: Mapping[str, Any] | None = None) -> None:
    """Write the record of a folder, with every file in it.

    Parameters
    ----------
    about
        What the folder is: JSON values.
    known
        Entries of an earlier record for files that are unchanged; the others are hashed.
    """
    entries = {}
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        entries[name] = (known or {}).get(name) or {"bytes": path.stat().st_size, "sha256": hash_file(path)}
    with replacing(folder / RECORD) as temporary:
        temporary.write_text(json.dumps({"about": dict(about), "files": entries}, indent=1) + "\n")


def read_record(folder: Path) -> dict[str, Any] | None:
    """Return the record of a folder, {"about": ..., "files": {name: {"bytes", "sha256"}}}, or None without one.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    path = folder / RECORD
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text())
        entries = {str(name): (int(e["bytes"]), str(e["sha256"])) for name, e in record["files"].items()}
        files = {name: {"bytes": size, "sha256": sha256} for name, (size, sha256) in entries.items()}
        return {"about": dict(record["about"]), "files": files}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is damaged") from error


def check_record(folder: Path, record: Mapping[str, Any], *, deep: bool, progress: Progress = silent) -> list[str]:
    """Return what a folder lacks of its record, one line for each file; empty if nothing.

    Parameters
    ----------
    deep
        Whether checksums are compared, beside names and sizes.
    progress
        Told the files that are checked and their number.
    """
    problems = []
    with progress(folder.name) as report:
        for done, (name, entry) in enumerate(record["files"].items(), start=1):
            path = folder / name
            if not path.is_file():
                problems.append(f"{name} is missing")
            elif path.stat().st_size != entry["bytes"]:
                problems.append(f"{name} has {path.stat().st_size} bytes, not {entry['bytes']}")
            elif deep and hash_file(path) != entry["sha256"]:
                problems.append(f"{name} is damaged: its checksum differs")
            report(done, len(record["files"]))
    return problems


def strangers(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Return the files of a folder that are not in its record."""
    names = (path.relative_to(folder).as_posix() for path in _files(folder))
    return [name for name in names if name not in record["files"]]


def left_out(record: dict[str, Any]) -> list[LeftOut]:
    """Return the photographs that the record of a store lists as left out."""
    return [LeftOut(**values) for values in record["about"].get("left_out", [])]


def _files(folder: Path) -> list[Path]:
    """Return every file below a folder but records, hidden ones, and those of folders with their own record."""
    files: list[Path] = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name == RECORD:
            continue
        if path.is_file():
            files.append(path)
        elif path.is_dir() and not (path / RECORD).exists():
            files.extend(_files(path))
    return files
