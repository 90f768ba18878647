"""Making a store: a folder of photographs decoded once and downscaled once, so that training only copies pixels.

Each file of the store is written aside and renamed; the record is written after each and lists what is finished. An
interrupted call is repeated: it goes on with the first file that is missing. A store costs 3 bytes a pixel (of grey
photographs 1), about 1.4 times that with the scales 2, 3 and 4.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from satlib.data.low_files import LowFiles
from satlib.data.record import RECORD, LeftOut, left_out, read_record, write_record
from satlib.data.store import HIGH, Entry, Layout, channels_of, entries_of, low_name, map_pixels
from satlib.images.degradation import downscale
from satlib.images.folder import CHANNELS, bytes_by_headers, image_files, read_8bit, with_channels
from satlib.support.files import locked, replacing
from satlib.support.paths import as_path, check_folder, check_room
from satlib.support.progress import Progress, Report, silent
from satlib.support.temporary import sweep

MAX_SCALE = 16


def prepare(
    folder: Path,
    store: Path | None = None,
    *,
    scales: Sequence[int] = (2, 3, 4),
    channels: int | None = None,
    low: Path | None = None,
    leave_out: bool = False,
    progress: Progress = silent,
) -> Path:
    """Make a store of all images below a folder, or complete one.

    Parameters
    ----------
    folder
        Its images, in all of its folders, are the high resolution.
    store
        A folder for the store; by default beside ``folder``, with ".store" added to its name.
    scales
        For each, images lose what is no multiple of it at the right and bottom and are downscaled by MATLAB's bicubic
        with rounding. 1 asks for the photographs alone, which a training with a degradation at scale 1 needs. A store
        that has other scales already keeps them.
    channels
        3: RGB, into which grey is copied; 1: grey, the luma of colour (:func:`satlib.images.folder.with_channels`).
        ``None``: what the store has, 3 for a new one.
    low
        A folder of low-resolution files of one's own, in place of downscaled versions, for the only scale of
        ``scales``; names as in :mod:`satlib.data.pairs`, sides H // s by W // s.
    leave_out
        Leave out images that cannot be used, and keep a list of them in the store (``left_out``); else the first
        one is an error.
    progress
        Opened for each file of the store, and told its images.

    Returns
    -------
    Path
        The store. What is there is not made again, unless the folder's files have other names, sizes or times.

    Raises
    ------
    ValueError
        For a bad scale, or several with ``low``; bad channels, or others than the store has; a folder without images
        that can be used, an image that cannot be used, for lack of its low-resolution file, too, unless it may be left
        out; or a target that is something else, or has files of ``low`` at a scale that is now asked for without.
    OSError
        If files cannot be read or written, or another process is preparing the same store.
    """
    for scale in scales:
        if isinstance(scale, bool) or not isinstance(scale, int) or not 1 <= scale <= MAX_SCALE:
            raise ValueError(f"a scale must be an integer from 1 to {MAX_SCALE}, got {scale!r}")
    if low is not None and len(scales) != 1:
        raise ValueError(f"low-resolution files are of one scale, got scales={tuple(scales)}")
    folder = as_path(folder, "folder")
    store = _beside(folder) if store is None else as_path(store, "store")
    files = image_files(folder, nested=True)
    own = None if low is None else LowFiles(as_path(low, "low"), files, scales[0])
    _claim(store, folder)
    channels = _channels(store, channels)
    with locked(store / ".lock"):
        sweep(store)
        entries, without, finished = _finished(store, _sources(folder, files), leave_out=leave_out)
        pairs = _pairs(store, finished, scales, own)
        if HIGH not in finished:
            check_room(store, bytes_by_headers(files, channels), HIGH)
            with progress(HIGH) as report:
                entries, without = _write_high(folder, files, store, own, report, channels, leave_out=leave_out)
            finished = _commit(store, entries, without, pairs, {}, channels)
        for scale in scales:
            if low_name(scale) not in finished and (scale > 1 or own is not None):
                check_room(store, Layout(entries, scale, channels).bytes, low_name(scale))
                with progress(low_name(scale)) as report:
                    _write_low(store, Layout(entries, 1, channels), entries, scale, report, folder, own)
                pairs |= {} if own is None else {low_name(scale): own.sources}
                finished = _commit(store, entries, without, pairs, finished, channels)
    return store


def _beside(folder: Path) -> Path:
    """Return the store beside a folder; of "." and "..", too, which have no name of their own."""
    named = folder if folder.name not in ("", "..") else folder.resolve()
    if not named.name:
        raise ValueError(f"{folder} has no place beside it for a store; name one")
    return named.with_name(named.name + ".store")


def _claim(store: Path, folder: Path) -> None:
    """Make the store's folder, refusing one that holds anything else."""
    if store.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"the store {store} must not lie inside {folder}")
    if store.is_file():
        raise NotADirectoryError(f"{store} is a file; a store is a folder")
    check_folder(store).mkdir(parents=True, exist_ok=True)
    strangers = [path.name for path in store.iterdir() if not path.name.startswith(".") and path.suffix != ".u8"]
    record = read_record(store)
    if strangers not in ([], [RECORD]) or (record is not None and "store" not in record["about"]):
        raise ValueError(f"{store} exists and is not a store; choose another folder")


def _channels(store: Path, asked: int | None) -> int:
    """Return the channels of a store's images: what is asked for, else what it has, else 3."""
    if asked is not None and (isinstance(asked, bool) or asked not in CHANNELS):
        raise ValueError(f"channels must be 1 (grey) or 3 (RGB), got {asked!r}")
    record = read_record(store)
    if record is None:
        return 3 if asked is None else asked
    has = channels_of(record)
    if asked not in (None, has):
        raise ValueError(f"{store} has images of {has} channel{'s' * (has > 1)}, not {asked}; choose another store")
    return has


def _sources(folder: Path, files: list[Path]) -> list[tuple[str, int, int]]:
    """Return what tells whether the files have changed: name, bytes, time of the last change."""
    stats = [path.stat(follow_symlinks=path.exists()) for path in files]  # a dead link's own
    names = [path.relative_to(folder).as_posix() for path in files]
    return [(name, stat.st_size, stat.st_mtime_ns) for name, stat in zip(names, stats, strict=True)]


def _finished(
    store: Path, sources: list[tuple[str, int, int]], *, leave_out: bool
) -> tuple[list[Entry], list[LeftOut], dict[str, Any]]:
    """Return what the store has of these sources: its photographs, those left out, its finished files as recorded.

    Everything else is removed: files of other photographs, of another size than recorded, and half-written ones.
    """
    record = read_record(store)
    entries = [] if record is None else entries_of(record)
    without = [] if record is None or not leave_out else left_out(record)
    known = [(entry.name, entry.size, entry.changed) for entry in entries]
    known += [(photo.name, photo.size, photo.changed) for photo in without]
    finished = {}
    if record is not None and sorted(known) == sorted(sources):
        sizes = {path.name: path.stat().st_size for path in store.glob("*.u8")}
        finished = {name: file for name, file in record["files"].items() if sizes.get(name) == file["bytes"]}
        if HIGH in finished and Layout(entries, 1, channels_of(record)).bytes != finished[HIGH]["bytes"]:
            finished = {}
    if HIGH not in finished:
        (store / RECORD).unlink(missing_ok=True)
        finished = {}
    for path in list(store.glob("*.u8")):  # hidden ones too
        if path.name not in finished:
            path.unlink()
    return entries, without, finished


def _pairs(store: Path, finished: dict[str, Any], scales: Sequence[int], own: LowFiles | None) -> dict[str, Any]:
    """Return the finished files that were made of low-resolution files, with their sources.

    One that was made otherwise than is now asked for is no longer finished; ValueError if it would be downscaled.
    """
    record = read_record(store)
    noted = {} if record is None else record["about"].get("pairs", {})
    pairs = {name: sources for name, sources in noted.items() if name in finished}
    for name in map(low_name, scales):
        if own is None and name in pairs:
            raise ValueError(f"{store} has {name} of low-resolution files; name their folder, or another store")
        if own is not None and name in finished and pairs.get(name) != own.sources:
            finished.pop(name)
            pairs.pop(name, None)
            (store / name).unlink()
    return pairs


def _write_high(
    folder: Path,
    files: list[Path],
    store: Path,
    own: LowFiles | None,
    report: Report,
    channels: int,
    *,
    leave_out: bool,
) -> tuple[list[Entry], list[LeftOut]]:
    """Decode all files into one, and return what was decoded and what could not be, or lacks its own low version."""
    entries: list[Entry] = []
    without: list[LeftOut] = []
    with replacing(store / HIGH) as temporary, temporary.open("wb") as out:
        for (name, size, changed), path in zip(_sources(folder, files), files, strict=True):
            try:
                pixels = _photograph(path, channels)
                if own is not None:
                    own.check(path, pixels)
            except (OSError, ValueError) as error:
                if not leave_out:
                    raise
                without.append(LeftOut(name, size, changed, str(error)))
            else:
                out.write(pixels.tobytes())
                entries.append(Entry(name, size, changed, pixels.shape[0], pixels.shape[1]))
            report(len(entries) + len(without), len(files))
        if not entries:
            raise ValueError(f"no image of {folder} can be used; {without[0].reason}")
    return entries, without


def _photograph(path: Path, channels: int) -> npt.NDArray[np.uint8]:
    """Return a photograph, (H, W, channels), large enough for every scale."""
    pixels = with_channels(read_8bit(path), channels)
    if min(pixels.shape[:2]) < MAX_SCALE:
        raise ValueError(f"{path} has {pixels.shape[0]} x {pixels.shape[1]} pixels; {MAX_SCALE} a side are needed")
    return pixels


def _write_low(
    store: Path, high: Layout, entries: list[Entry], scale: int, report: Report, folder: Path, own: LowFiles | None
) -> None:
    """Write the low-resolution versions of all photographs of a store, their own or downscaled, into one file."""
    pixels = map_pixels(store / HIGH)
    with replacing(store / low_name(scale)) as temporary, temporary.open("wb") as out:
        for index, entry in enumerate(entries):
            if own is None:
                made = downscale(high.view(pixels, index), scale)
            else:
                made = own.read(folder / entry.name, (entry.height, entry.width), high.channels)
            out.write(made.tobytes())
            report(index + 1, len(entries))


def _commit(
    store: Path,
    entries: list[Entry],
    without: list[LeftOut],
    pairs: dict[str, Any],
    finished: dict[str, Any],
    channels: int,
) -> dict[str, Any]:
    """Write the record of what is there now, and return its files."""
    more: dict[str, Any] = {"left_out": [photo._asdict() for photo in without]} if without else {}
    more |= {"pairs": pairs} if pairs else {}
    more |= {"channels": channels} if channels != 3 else {}
    write_record(store, {"store": [asdict(entry) for entry in entries], **more}, known=finished)
    record = read_record(store)
    assert record is not None
    return dict(record["files"])
