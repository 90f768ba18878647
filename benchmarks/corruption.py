"""Damaged image files: each of some small files of all formats cut at many places and changed at every byte.

`python -m benchmarks corruption` upscales every damaged file into another, in processes of their own, and counts what
came of it. It fails if any of it was a fault: an error that is no one-line `OSError` or `ValueError` with the file's
name, a process that died, a file that was left after an error, an output that is not what was said, or a shorter file
that was taken for an image of another size.

A changed byte may be the width, the height or the orientation itself. PNG has checksums and finds it; in the other
formats it is found where the file contradicts itself. An image of another size is counted apart: where something was
said of it on stderr, and where it was not.
"""

import multiprocessing
import random
import resource
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.small_images import small_images
from satlib.images.files import read
from satlib.upscaling.api import upscale_file
from satlib.upscaling.models import Bicubic

HEADER = 300
"""Bytes at the beginning of a file that are taken for its header."""

PLACES = 200
"""Random places at which a file is cut."""

MAX_PIXELS = 100_000
"""What the files may say that they have; a small file that makes the reader ask for more memory is a fault."""

MEMORY = 2**32
"""Bytes of memory that a process may have."""

SIDE = 2
OUTCOMES = ("refused", "read", "size, said", "size, silent", "fault", "died")


def damaged(data: bytes, *, header: int = HEADER, places: int = PLACES, step: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield what was done to a file, and what became of it.

    Parameters
    ----------
    header, places
        How many first bytes it is cut after, one by one, and at how many random places behind them.
    step
        Every how many bytes one is changed.
    """
    rng = random.Random(0)
    cuts = [*range(min(header, len(data))), *(rng.randrange(len(data)) for _ in range(places))]
    for cut in cuts:
        yield f"cut after {cut}", data[:cut]
    for at in range(rng.randrange(step), len(data), step):
        changed = bytearray(data)
        changed[at] ^= rng.randrange(1, 256)
        yield f"byte {at} is {changed[at]}", bytes(changed)


def outcome(source: Path, size: tuple[int, int], *, cut: bool) -> tuple[str, str]:
    """Upscale a damaged file, and return one of `OUTCOMES` with what is to say of a fault.

    Parameters
    ----------
    source
        The only file of its folder.
    size
        (H, W) of the intact image.
    cut
        Whether the file was cut, so that another size is a fault.
    """
    target = source.with_name("out.tif")
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            made = upscale_file(source, target, Bicubic(SIDE), max_pixels=MAX_PIXELS)
    except (OSError, ValueError) as error:
        left = [path.name for path in source.parent.iterdir() if path != source]
        text = str(error)
        good = not left and source.name in text and "\n" not in text
        return ("refused", "") if good else ("fault", f"{type(error).__name__}: {text}; left {left}")
    except Exception as error:
        return "fault", f"{type(error).__name__}: {error}"
    written = read(target).pixels.shape[:2]
    target.unlink()
    if written != made:
        return "fault", f"said (H, W) = {made}, written {written}"
    if made == (SIDE * size[0], SIDE * size[1]):
        return "read", ""
    if cut or source.suffix == ".png":
        return "fault", f"size {made}"
    return ("size, said" if any(source.name in str(warning.message) for warning in said) else "size, silent"), ""


def try_all(name: str, data: bytes, folder: Path, *, header: int, places: int, step: int) -> dict[str, list[str]]:
    """Return, by outcome, what was done to a file each time."""
    path, found = folder / name, dict[str, list[str]]()
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        size = read(path).pixels.shape[:2]
        for what, content in damaged(data, header=header, places=places, step=step):
            path.write_bytes(content)
            result, detail = outcome(path, size, cut=what.startswith("cut"))
            found.setdefault(result, []).append(f"{what}: {detail}" if detail else what)
    path.unlink()
    return found


def _in_child(name: str, data: bytes, answers: "multiprocessing.SimpleQueue[dict[str, list[str]]]") -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder:
        answers.put(try_all(name, data, Path(folder), header=HEADER, places=PLACES, step=1))


def main() -> int:
    """Damage all files, print a table, and return 1 if there was a fault."""
    context = multiprocessing.get_context("spawn")
    total: Counter[str] = Counter()
    faults, silent = list[str](), list[str]()
    print_line("file", "bytes", *OUTCOMES)
    for name, data in small_images().items():
        answers = context.SimpleQueue()
        child = context.Process(target=_in_child, args=(name, data, answers))
        child.start()
        while child.is_alive() and answers.empty():
            child.join(0.1)
        found = {"died": [f"exit code {child.exitcode}"]} if answers.empty() else answers.get()
        child.join()
        counts = Counter({outcome: len(cases) for outcome, cases in found.items()})
        faults += [f"{name}: {case}" for key in ("fault", "died") for case in found.get(key, [])]
        silent += [f"{name}: {case}" for case in found.get("size, silent", [])]
        total += counts
        print_line(name, len(data), *(counts[outcome] for outcome in OUTCOMES))
    print_line("all", "", *(total[outcome] for outcome in OUTCOMES))
    for case in silent:
        sys.stdout.write(f"silent: {case}\n")
    for fault in faults[:50]:
        sys.stdout.write(fault + "\n")
    return 1 if faults else 0


def print_line(*cells: object) -> None:
    """Print a row of the table."""
    name, *others = cells
    sys.stdout.write(f"{name!s:<22}" + "".join(f"{cell!s:>14}" for cell in others) + "\n")
    sys.stdout.flush()
