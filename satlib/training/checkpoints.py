"""Checkpoints: everything that a run is, in one file that is whole or not there.

A file holds the weights, their moving average, the optimiser's moments, the step, the running sums of the log and the
best validation so far. Random numbers and the position in the data are functions of the seed and the step (see
:mod:`satlib.training.patches` and :mod:`satlib.training.step`), so the step stands for them, in every process. A file
is written aside, flushed to the disk and renamed. On reading, the checksums of all its parts are compared, and a
damaged file is named and passed over for the one before.
"""

import io
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from satlib._version import __version__
from satlib.network.convolutional import Network
from satlib.support.errors import first_line
from satlib.support.files import replacing
from satlib.training.config import TrainConfig
from satlib.training.optimizer import Adam
from satlib.weights.torch_files import read_torch_file

FORMAT = "satlib training 1"

PARTS: dict[str, type | tuple[type, ...]] = {
    "config": dict,
    "step": int,
    "seconds": (int, float),
    "best": (int, float, type(None)),
    "validated": int,
    "sums": Tensor,
    "model": dict,
    "optimizer": dict,
    "average": (dict, type(None)),
}
"""What a checkpoint holds, and what kind of thing each is."""

FREE = {
    "steps",
    "milestones",
    "store",
    "validation",
    "workers",
    "threads",
    "precision",
    "cuda_graph",
    "accumulate",
    "log_every",
    "validate_every",
    "save_every",
    "keep",
    "samples",
    "start",
}
"""Fields that may change when a run goes on."""


class Tally(NamedTuple):
    """Sums of the log, each a scalar on the device: parts of one tensor, which processes share in one message."""

    loss: Tensor
    """Of the losses since the last line of the log."""
    steps: Tensor
    """With a finite loss, since that line."""
    skipped: Tensor
    """Steps, over the whole run."""
    streak: Tensor
    """How many of these came last, one after the other."""

    def add(self, loss: Tensor, bad: Tensor) -> None:
        """Count a step with a loss (), and whether it was skipped."""
        wrong = bad.to(self.steps)
        self.loss.add_(torch.where(bad, 0, loss))
        self.steps.add_(1 - wrong)
        self.skipped.add_(wrong)
        self.streak.add_(1).mul_(wrong)

    def next_line(self) -> None:
        """Begin the sums of one line of the log anew."""
        self.loss.zero_()
        self.steps.zero_()


@dataclass
class State:
    """What training changes."""

    model: Network
    average: Network | None
    """Moving average of the model's weights."""
    optimizer: Adam
    step: int = 0
    """Steps that are done."""
    seconds: float = 0.0
    """Time spent on them, over all sessions, without validations."""
    best: float | None = None
    """Highest validation PSNR so far, in dB."""
    validated: int = 0
    """Step of the last validation."""
    sums: Tensor = field(default_factory=lambda: torch.zeros(4, dtype=torch.float64))
    """What :attr:`tally` names, (4,), in the widest numbers of the device."""
    photographs: str = ""
    """Fingerprint of what it is trained on, see ``Store.fingerprint``."""
    validation: str = ""
    """Fingerprint of what it is validated on, see :func:`satlib.training.validation.fingerprint`."""

    @property
    def tally(self) -> Tally:
        """The sums by their names; changing them changes ``sums``."""
        return Tally(*self.sums.unbind())

    @property
    def network(self) -> Network:
        """The network that is validated and kept: the average if there is one."""
        return self.average or self.model

    def to_bytes(self, config: TrainConfig) -> bytes:
        """Return the checkpoint as the content of a file."""
        content = {
            "format": FORMAT,
            "version": __version__,
            "config": config.to_dict(),
            "photographs": self.photographs,
            "validation": self.validation,
            "step": self.step,
            "seconds": self.seconds,
            "best": self.best,
            "validated": self.validated,
            "sums": self.sums.cpu(),
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.state_dict(),
        }
        buffer = io.BytesIO()
        torch.save(content, buffer)
        return buffer.getvalue()

    def restore(self, content: dict[str, Any]) -> None:
        """Take over what :func:`read` returned."""
        self.model.load_state_dict(content["model"])
        if self.average is not None:
            self.average.load_state_dict(content["average"])
        self.optimizer.load_state_dict(content["optimizer"])
        self.step, self.seconds = content["step"], content["seconds"]
        self.best, self.validated = content["best"], content["validated"]
        self.sums.copy_(content["sums"])


def save(state: State, config: TrainConfig, folder: Path) -> Path:
    """Write a checkpoint of this step into a folder, then remove all but the newest ``config.keep``.

    Raises
    ------
    OSError
        If it cannot be written; what was there before stays.
    """
    path = folder / f"step-{state.step:08d}.pt"
    content = state.to_bytes(config)
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    for old in checkpoints(folder)[config.keep :]:
        old.unlink()
    return path


def checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, newest first."""
    return sorted(folder.glob("step-*.pt"), reverse=True)


def newest(folder: Path) -> tuple[dict[str, Any] | None, list[str]]:
    """Return the content of the newest whole checkpoint, or None, and what is wrong with newer ones, a line each."""
    problems: list[str] = []
    for path in checkpoints(folder):
        try:
            return read(path), problems
        except (ValueError, OSError) as error:
            problems.append(str(error))
    return None, problems


def read(path: Path) -> dict[str, Any]:
    """Return the content of a checkpoint on the CPU, after checking all of it.

    Raises
    ------
    ValueError
        If it is damaged or something else.
    OSError
        If it cannot be opened.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except zipfile.BadZipFile as error:
        raise ValueError(f"checkpoint {path} is damaged: {first_line(error)}") from error
    if damaged is not None:
        raise ValueError(f"checkpoint {path} is damaged: checksum of {damaged}")
    content = read_torch_file(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"{path} is not a checkpoint of satlib's training")
    for name, kinds in PARTS.items():
        if not isinstance(content.get(name), kinds):
            raise ValueError(f"checkpoint {path} is damaged: its {name} is {type(content.get(name)).__name__}")
    return content


def n_bytes(config: TrainConfig, n_params: int) -> int:
    """Return about how many bytes the files of a run take at most: its checkpoints, one of them being written.

    The weights, two moments of each and the average, 4 bytes each; and three networks beside them.
    """
    one = 4 * n_params * (3 + (config.ema is not None))
    every = min(config.save_every, config.validate_every)
    return min(config.keep + 1, 1 + -(-config.steps // every)) * one + 3 * 4 * n_params


def check_same_run(
    config: TrainConfig, content: dict[str, Any], path: Path, photographs: str = "", validation: str = ""
) -> None:
    """Raise ValueError if a checkpoint is of another run, or of more steps.

    A field that shapes the training differs then, the photographs of the store, or the images for validation, with
    which its best network was chosen: ``photographs`` and ``validation`` are the fingerprints of ours. Checkpoints of
    older versions have none.
    """
    other = "choose another folder, or start a new run from its weights (start=.../last.safetensors)"
    if content["step"] > config.steps:
        done = f"{path} holds a run of which {content['step']:,} steps are done, more than steps={config.steps}"
        raise ValueError(f"{done}; ask for as many at least, or {other}")
    if photographs and content.get("photographs", photographs) != photographs:
        raise ValueError(f"{path} holds a run on other photographs than those of the store {config.store}; {other}")
    try:
        theirs = TrainConfig.from_dict(content["config"])
    except ValueError as error:
        raise ValueError(f"{path} holds a run of another version: {error}; {other}") from error
    differs = difference(config, theirs)
    if differs:
        raise ValueError(f"{path} holds a run with {differs}; {other}")
    if validation and content.get("validation", validation) != validation:
        was, now = (_validated_on(each) for each in (theirs, config))
        unlike = f"not on {now}" if was != now else "whose images are others now"
        raise ValueError(f"{path} holds a run validated on {was}, {unlike}; {other}")


def _validated_on(config: TrainConfig) -> str:
    """Return where the images for validation of a run are, in words."""
    if config.validation is not None:
        return f"validation={config.validation!r}"
    return f"the {config.holdout} photographs kept out of {config.store}"


def difference(ours: TrainConfig, theirs: TrainConfig, free: Collection[str] = FREE) -> str:
    """Return the first field that shapes a training and has another value in theirs, and both values; "" if none has.

    Both are whole configurations, so that a field that a file of an older version lacks has its default.
    """
    mine, other = (_flat(config.to_dict()) for config in (ours, theirs))
    for name, value in mine.items():
        if name not in free and other.get(name) != value:  # networks of two kinds have fields of their own
            return f"{name}={other.get(name)!r}, not {value!r}"
    return ""


def _flat(values: dict[str, Any]) -> dict[str, object]:
    """Return the fields of a configuration, those of the network as ``network.field``."""
    network = {f"network.{name}": value for name, value in values["network"].items()}
    return {**network, **{name: value for name, value in values.items() if name != "network"}}
