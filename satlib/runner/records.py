"""What is known of each job of a batch, in a JSON file beside its notebook: what it was, how it went, its results.

``OUT/NAME.json`` is written when a job starts and again when it ends, whole or not at all.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal, get_args

from satlib.support.files import replacing

State = Literal["running", "done", "failed", "interrupted"]


@dataclass(frozen=True)
class Record:
    """One job: a row of a batch's table."""

    name: str
    digest: str
    """Hash of the notebook's code, the parameters that the batch sets, and its inputs."""
    parameters: dict[str, object]
    """All parameters of the notebook."""
    state: State
    seconds: float | None = None
    """How long it ran."""
    exit: int | None = None
    """Exit code, as of `satlib run`: 0, 1 where the notebook failed, 2 for bad input, 130 or 143 if interrupted."""
    error: str | None = None
    """Why it is not done, in one line."""
    results: dict[str, object] = field(default_factory=dict)
    """What the notebook wrote as JSON to the path that its parameter ``results`` gave it."""

    def __post_init__(self) -> None:
        """Check what a file could have wrong."""
        if self.state not in get_args(State):
            raise ValueError(f"state must be one of {', '.join(get_args(State))}, got {self.state!r}")
        if not isinstance(self.parameters, dict) or not isinstance(self.results, dict):
            raise ValueError("parameters and results must be mappings")


def write_record(record: Record, path: Path) -> None:
    """Write a record to its file."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


def read_record(path: Path) -> Record:
    """Read a record from its file.

    Raises
    ------
    OSError, ValueError
        If it cannot be read, or is damaged or something else.
    """
    try:
        return Record(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError) as error:
        raise ValueError(f"{path} is not the record of a job: {error}") from None


def collect(folder: str | Path) -> list[Record]:
    """Return the records of all jobs of a batch that have been started, by name.

    The parameters and results of each are dicts: ``[(r.parameters["seed"], r.results["psnr"]) for r in collect(OUT)]``.

    Raises
    ------
    OSError, ValueError
        If there is no such folder, or a record in it is damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder of a batch")
    return [read_record(path) for path in sorted(folder.glob("[!.]*.json"))]
