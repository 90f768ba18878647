"""What programs share that measure on test sets: which sets and images, and where the rows are kept.

The images stay where they are; what is kept has their names and numbers, one row for each image.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from satlib.images.degradation import crop_to_multiple
from satlib.images.folder import image_files, read_8bit
from satlib.results import test_sets
from satlib.support.files import replacing

Pixels = npt.NDArray[np.uint8]

MOST = 25
"""Images of one set, at most: of a larger one every n-th is taken, in the order of their names."""


class TestSet(NamedTuple):
    """A folder of images, and what to call it."""

    name: str
    folder: Path


def images_of(folder: Path, most: int = MOST) -> list[Path]:
    """Return the images of a folder by name, or every n-th of them, n as small as ``most`` allows."""
    files = image_files(folder)
    return files[:: -(-len(files) // most)]


def middle(file: Path, side: int, scale: int) -> Pixels:
    """Return the middle of a photograph, (H, W, 3): at most ``side`` pixels of low resolution high and wide.

    Both are multiples of the scale; grey is repeated.
    """
    pixels = read_8bit(file)
    whole = crop_to_multiple(pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2), scale)
    top, left = (max(0, length - side * scale) // 2 for length in whole.shape[:2])
    return whole[top : top + side * scale, left : left + side * scale]


def parse(text: str) -> TestSet:
    """Return the set that NAME=FOLDER means.

    Raises
    ------
    argparse.ArgumentTypeError
        If it is not of that form, or there is no such folder.
    """
    name, equals, folder = text.partition("=")
    if not (name and equals and Path(folder).is_dir()):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=FOLDER with a folder of images")
    return TestSet(name, Path(folder))


def arguments(program: str) -> tuple[list[TestSet], Path]:
    """Return the sets that the command line names, and the file to write."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {program}")
    parser.add_argument(
        "--set", type=parse, action="append", required=True, metavar="NAME=FOLDER", help="a test set; repeatable"
    )
    default = Path(test_sets.__file__).with_name(f"{program}.json")
    parser.add_argument("--to", type=Path, default=default, help="the JSON file to write")
    options = parser.parse_args(sys.argv[2:])
    return options.set, options.to


def write(to: Path, program: str, settings: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows with what they were measured with: one row in a line, so that changes can be read."""
    head = {"made by": f"python -m benchmarks {program}", "torch": torch.__version__, **settings}
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = json.dumps(head, indent=1).removesuffix("\n}") + f',\n "rows": [\n  {lines}\n ]\n}}\n'
    with replacing(to) as temporary:
        temporary.write_text(text, encoding="utf-8")
