"""The records of a run: CSV tables, TensorBoard, and a line now and then.

``train.csv`` has a row every ``log_every`` steps, ``valid.csv`` one for each validation. When a run goes on from a
checkpoint, rows of steps after it are taken out first, so that the tables of an interrupted run are those of one that
was not, but for the times.
"""

import csv
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from satlib.support.files import errors_of, replacing
from satlib.support.progress import Say

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

TRAIN, VALID = "train.csv", "valid.csv"
TRAIN_FIELDS = ("step", "loss", "learning_rate", "skipped", "seconds", "waiting")
VALID_FIELDS = ("step", "psnr", "ssim", "seconds")


class Journal:
    """The tables of one run, from a step on.

    Parameters
    ----------
    folder
        Of the run.
    step, validated
        Steps that are done, and that of the last validation; rows of later ones are removed.
    say
        Told each line.
    """

    def __init__(self, folder: Path, step: int, validated: int, say: Say) -> None:
        self.folder, self.say = folder, say
        for name, columns, last in ((TRAIN, TRAIN_FIELDS, step), (VALID, VALID_FIELDS, validated)):
            rows = [row for row in read_table(folder / name) if row["step"] <= last]
            with replacing(folder / name) as temporary, temporary.open("w", newline="") as file:
                table = csv.DictWriter(file, columns)
                table.writeheader()
                table.writerows({key: _text(value) for key, value in row.items()} for row in rows)
        self._board = _tensorboard(folder / "tensorboard", step + 1)

    def train(self, row: Mapping[str, float], line: str) -> None:
        """Add a row of training."""
        self._add(TRAIN, TRAIN_FIELDS, row, line)

    def valid(self, row: Mapping[str, float], line: str) -> None:
        """Add a row of validation."""
        self._add(VALID, VALID_FIELDS, row, line)

    def close(self) -> None:
        """Write what is still held back."""
        self._board.close()

    def _add(self, name: str, columns: tuple[str, ...], row: Mapping[str, float], line: str) -> None:
        path = self.folder / name
        with errors_of(path), path.open("a", newline="") as file:
            csv.DictWriter(file, columns).writerow({key: _text(row[key]) for key in columns})
        for key in columns[1:]:
            self._board.add_scalar(f"{Path(name).stem}/{key}", row[key], int(row["step"]))
        self._board.flush()
        self.say(line)


def read_table(path: Path) -> list[dict[str, float]]:
    """Return the rows of a table of :class:`Journal`; none if it is not there. A last row cut short is left out.

    Raises
    ------
    ValueError
        If it is another table, or no text.
    """
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # as spreadsheets save it, too
            table = csv.DictReader(file)
            found = list(table)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table of a run: {error}") from None
    if found and "step" not in (table.fieldnames or ()):
        raise ValueError(f"{path} is no table of a run: it has no column 'step', but {', '.join(found[0])}")
    rows = []
    for row in found:
        try:
            values = {key: float(value) for key, value in row.items()}
        except (TypeError, ValueError):
            continue
        rows.append({**values, "step": int(values["step"])})
    return rows


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.9g}"


def _tensorboard(folder: Path, purge: int) -> "SummaryWriter":
    """Return a writer; events of step ``purge`` and later ones, of a session that was cut off, are hidden."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.utils.tensorboard.writer import SummaryWriter
    return SummaryWriter(str(folder), purge_step=purge)


def duration(seconds: float) -> str:
    """Return seconds in words: "48 s", "12 min", "3.4 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
