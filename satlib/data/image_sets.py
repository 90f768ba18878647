"""A data set of the catalogue on this disk: downloaded, unpacked, counted, recorded; whole or not at all.

Archives go to ``ROOT/.downloads`` and are resumed there; images go to a hidden folder that is renamed to the set's
name at the end. Checksums that the catalogue does not know are noted in ``ROOT/checksums.json`` at the first download,
and a later one must have the same.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from satlib.data.archives import extract_images
from satlib.data.catalogue import Archive, Dataset
from satlib.data.download import Receipt, download
from satlib.data.record import RECORD, check_record, read_record, strangers, write_record
from satlib.images.folder import image_files, read_8bit
from satlib.support.files import hash_file, locked, replacing
from satlib.support.paths import as_path
from satlib.support.progress import Progress, silent

CHECKSUMS = "checksums.json"


def fetch(dataset: Dataset, root: Path, *, keep: bool = False, progress: Progress = silent) -> Path:
    """Download a data set into a folder of its name.

    Parameters
    ----------
    root
        The folder for all data sets; made if it is missing.
    keep
        Whether to keep the archives.
    progress
        Opened for each download, and told its bytes.

    Returns
    -------
    Path
        The folder. One that is already there and has the files of its record is left as it is.

    Raises
    ------
    ValueError
        If the set cannot be downloaded (the message says how to get it); if the folder is there but was not made by
        this function; if an archive is no archive, is refused, or does not hold the images that it should.
    OSError
        As :func:`satlib.data.download.download`; also if another process is fetching into the same root.
    """
    if not dataset.archives:
        raise ValueError(f"{dataset.name} cannot be downloaded. {dataset.terms}")
    root = as_path(root, "root")
    target = root / dataset.name
    downloads = root / ".downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    with locked(downloads / ".lock"):
        if _is_complete(target):
            return target
        for remains in root.glob(f".{dataset.name}-*"):  # of a process that was killed
            shutil.rmtree(remains)
        receipts = [_download(archive, root, progress) for archive in dataset.archives]
        staging = Path(tempfile.mkdtemp(prefix=f".{dataset.name}-", dir=root))
        try:
            for archive, receipt in zip(dataset.archives, receipts, strict=True):
                _extract(archive, downloads / archive.filename, staging)
                _note(archive, receipt, root / CHECKSUMS)
            write_record(staging, _about(dataset, receipts))
            staging.chmod(0o755)
            _put(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if not keep:
            for archive in dataset.archives:
                (downloads / archive.filename).unlink()
    return target


def verify(folder: Path, *, progress: Progress = silent) -> list[str]:
    """Return what is wrong with a folder of images or a prepared store, one line for each file.

    With a record, every file's size and checksum is compared with it. Without, every image is decoded.

    Raises
    ------
    OSError, ValueError
        If it is no folder, has no images, or its record is damaged.
    """
    folder = as_path(folder, "folder")
    record = read_record(folder)
    if record is not None:
        problems = check_record(folder, record, deep=True, progress=progress)
        return problems + [f"{name} does not belong here" for name in strangers(folder, record)]
    problems, files = [], image_files(folder, nested=True)
    with progress(folder.name) as report:
        for done, path in enumerate(files, start=1):
            try:
                read_8bit(path)
            except (OSError, ValueError) as error:
                problems.append(str(error))
            report(done, len(files))
    return problems


def _is_complete(target: Path) -> bool:
    """Tell whether a folder has the files of its record.

    ValueError if it has not and holds anything that was not fetched, because it would be lost.
    """
    if not target.exists():
        return False
    record = read_record(target)
    if record is None or "dataset" not in record["about"]:
        raise ValueError(f"{target} exists and was not made by `satlib data fetch`; move it away first")
    if not check_record(target, record, deep=False):
        return True
    fetched = {target / name for name in (*record["files"], RECORD)}
    for path in target.rglob("*"):
        if path.is_file() and path not in fetched:
            raise ValueError(f"{target} is incomplete, and fetching it anew would remove {path}; move that away first")
    return False


def _download(archive: Archive, root: Path, progress: Progress) -> Receipt:
    """Return the receipt of an archive in ``root/.downloads``, downloading it unless it is there and right."""
    path = root / ".downloads" / archive.filename
    expected = _expected(archive, root / CHECKSUMS)
    if path.is_file() and hash_file(path) == expected.sha256:
        return Receipt(path.stat().st_size, expected.sha256)
    with progress(archive.filename) as report:
        size, sha256 = expected.size or None, expected.sha256 or None
        return download(archive.url, path, size=size, sha256=sha256, report=report)


def _expected(archive: Archive, notes: Path) -> Receipt:
    """Return the size and checksum that an archive should have, 0 and "" where neither catalogue nor notes know."""
    noted = _read_notes(notes).get(archive.url, {})
    return Receipt(archive.size or noted.get("bytes", 0), archive.sha256 or noted.get("sha256", ""))


def _note(archive: Archive, receipt: Receipt, notes: Path) -> None:
    content = _read_notes(notes) | {archive.url: {"bytes": receipt.size, "sha256": receipt.sha256}}
    with replacing(notes) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def _read_notes(notes: Path) -> dict[str, Any]:
    if not notes.is_file():
        return {}
    try:
        return dict(json.loads(notes.read_text()))
    except ValueError as error:
        raise ValueError(f"{notes} is damaged; remove it") from error


def _extract(archive: Archive, path: Path, staging: Path) -> None:
    """Unpack an archive; one that proves useless is removed, so that the next try downloads it anew."""
    try:
        count = extract_images(path, staging, archive.folders)
        if count != archive.images:
            raise ValueError(f"{archive.url} holds {count} of the images wanted, not {archive.images}")
    except ValueError:
        path.unlink()
        raise


def _about(dataset: Dataset, receipts: list[Receipt]) -> dict[str, Any]:
    archives = [
        {"url": archive.url, "bytes": receipt.size, "sha256": receipt.sha256}
        for archive, receipt in zip(dataset.archives, receipts, strict=True)
    ]
    return {"dataset": dataset.name, "terms": dataset.terms, "archives": archives}


def _put(staging: Path, target: Path) -> None:
    """Rename a folder to ``target``; what is there goes."""
    if target.exists():
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
        target.replace(aside / target.name)
        staging.replace(target)
        shutil.rmtree(aside)
    else:
        staging.replace(target)
