"""Running an experiment: one training after the other, each of which goes on where it was cut off, and their measures.

Several processes may run one experiment, on one machine or on several that share its folder: each takes the next
training that no other has.

An experiment has a folder, OUT::

    OUT/scenes/          the scenes as files, and the store of those to train on, if it has scenes
    OUT/ROW-seedN/       a training, as `satlib train` keeps it
    OUT/results.json     what every finished training gave, in the form that `satlib.results.trials.results` reads
    OUT/.lock, .locks/   which process writes the results, and which has a training

Called again, it leaves out what is in `results.json`, if the `config.yaml` of these trainings says what the experiment
says, and goes on with the training that was cut off, from its last checkpoint. It may be ended at any moment; SIGTERM
and Ctrl-C save first.
"""

import json
import time
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

import torch

from satlib._version import __version__
from satlib.data.scenes import write_files, write_store
from satlib.data.store import Store
from satlib.support.files import HeldError, locked, replacing
from satlib.support.paths import check_folder
from satlib.support.progress import Say, say_nothing
from satlib.training import TrainConfig, train
from satlib.training.checkpoints import FREE, difference
from satlib.training.journal import TRAIN, read_table
from satlib.training.trials.experiment import Experiment, Scenes, Training, read_experiment
from satlib.training.trials.measures import Measures, on_examples, on_scenes
from satlib.training.validation import data_of
from satlib.training.yaml_config import CONFIG, read_config
from satlib.weights.checkpoint import load

RESULTS = "results.json"

PATIENCE = 3600.0
"""Seconds to wait while another process draws the scenes."""

DECIDE = {"steps", "milestones", "store", "validation", "precision", "start"}
"""Fields that may change when a training goes on, and not between trainings that are compared. Scenes decide where they
are themselves."""


class TrainingsFailedError(ValueError):
    """Some trainings of an experiment cannot be done; the others are. ``failures`` has their names and reasons."""

    def __init__(self, failures: list[tuple[str, str]], n_done: int) -> None:
        super().__init__("; ".join(f"{name}: {reason}" for name, reason in failures))
        self.failures, self.n_done = failures, n_done


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    rows: Collection[str] = (),
    seeds: Collection[int] = (),
    time_limit: float | None = None,
    device: str = "auto",
    say: Say = say_nothing,
) -> bool:
    """Run the trainings of an experiment that are not done, in its order; return whether all are.

    One that raises is left out: its loss does not stay finite, its choices do not fit the data, a file is missing or
    the memory does not suffice. One that another process has is left to it. The others are run.

    Parameters
    ----------
    file
        See :mod:`satlib.training.trials.experiment`.
    out
        The experiment's folder; made if it is missing.
    rows, seeds
        Only trainings of these; of all if there are none.
    time_limit
        Seconds from now; it ends before they are over.
    device
        As for :func:`satlib.training.train`.
    say
        Told each line.

    Raises
    ------
    OSError, ValueError
        If the file or the data are bad, there is no such row or seed, or a training in the folder was made with other
        choices.
    TrainingsFailedError
        After all others, if some trainings could not be done.
    KeyboardInterrupt
        After Ctrl-C, when a checkpoint has been written.
    """
    out, began = check_folder(out), time.monotonic()
    experiment = read_experiment(file, out / "scenes")
    trainings = experiment.chosen(rows, seeds)
    (out / ".locks").mkdir(parents=True, exist_ok=True)
    with locked(out / ".lock", patience=PATIENCE):
        _check_done(experiment, out)
        if experiment.scenes is not None:
            make_scenes(experiment.scenes, out / "scenes")
    failures: list[tuple[str, str]] = []
    for number, training in enumerate(trainings, start=1):
        if _is_done(training, out):
            continue
        left = None if time_limit is None else time_limit - (time.monotonic() - began)
        if left is not None and left <= 0:
            return False
        say(f"training {number} of {len(trainings)}: {training.name}")
        try:
            if not _run(training, experiment.scenes, out, left, device, say):
                return False
        except HeldError:
            say(f"{training.name} is left to the process that has it")
        except (ArithmeticError, ValueError, OSError, RuntimeError) as error:
            failures.append((training.name, " ".join(str(error).split())))
            say(f"{training.name} is left out: {failures[-1][1]}")
    if failures:
        raise TrainingsFailedError(failures, len(read_jobs(out)))
    return all(_is_done(training, out) for training in trainings)


def _run(training: Training, scenes: Scenes | None, out: Path, time_limit: float | None, device: str, say: Say) -> bool:
    """Go on with a training, measure it and keep what it gave; return whether that is done."""
    with locked(out / ".locks" / training.name):
        if _is_done(training, out):  # by another process, since the last look
            return True
        folder = out / training.name
        result = train(training.config, folder, resume=True, time_limit=time_limit, device=device, say=say)
        if result.stopped_by == "SIGINT":
            raise KeyboardInterrupt
        if result.stopped_by is not None or not result.finished:  # finished as the signal came: measured the next time
            return False
        job = _measured(training, scenes, out)
        with locked(out / ".lock", patience=PATIENCE):
            _write(out, [*read_jobs(out), job])
    say(", ".join(f"{key} {value:.4g}" for key, value in job.items() if isinstance(value, float)))
    return True


def _is_done(training: Training, out: Path) -> bool:
    return training.name in {name_of(job) for job in read_jobs(out)}


def make_scenes(scenes: Scenes, folder: Path) -> None:
    """Write the scenes of an experiment: a folder and a store of those to train on, a folder of the others."""
    folder.mkdir(exist_ok=True)
    for name, (seed, n) in (("train", scenes.train), ("held_out", scenes.held_out)):
        make = write_store if name == "train" else write_files
        make(folder / name, n, partial(scenes.draw, seed))


def read_jobs(out: Path) -> list[dict[str, Any]]:
    """Return what the finished trainings of an experiment gave, in the order in which they ended.

    Raises
    ------
    ValueError
        If the file holds something else.
    """
    path = out / RESULTS
    if not path.is_file():
        return []
    try:
        jobs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["jobs"]
        for job in jobs:
            name_of(job)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold an experiment's results: {error}") from None
    return jobs


def name_of(job: dict[str, Any]) -> str:
    """Return the name of the training that gave these results."""
    return f"{job['row']}-seed{job['seed']}"


def _check_done(experiment: Experiment, out: Path) -> None:
    """Raise ValueError if the folder has results of a training that the file describes otherwise."""
    done = {name_of(job) for job in read_jobs(out)}
    free = FREE - DECIDE if experiment.scenes is None else FREE - DECIDE | {"store", "validation"}
    for training in experiment.trainings:
        if training.name in done:
            differs = difference(training.config, read_config(out / training.name / CONFIG), free)
            if differs:
                raise ValueError(f"{out} has results of {training.name} with {differs}; choose another folder")


def _measured(training: Training, scenes: Scenes | None, out: Path) -> dict[str, Any]:
    """Return what a finished training gave."""
    folder, config = out / training.name, training.config
    model = load(folder / "last.safetensors")
    found = on_scenes(model, scenes) if scenes is not None else _on_validation(config, folder)
    rows = read_table(folder / TRAIN)
    if not rows:
        raise ValueError(f"{folder / TRAIN} has no rows of the training")
    return {
        "row": training.row,
        "seed": training.seed,
        **found,
        "step": config.steps,
        "seconds": rows[-1]["seconds"],
        "loss": rows[-1]["loss"],
        "params": model.n_params,
        "satlib": __version__,
        "torch": torch.__version__,
    }


def _on_validation(config: TrainConfig, folder: Path) -> Measures:
    """Measure on what a training was validated on, degraded as it was there."""
    examples = data_of(config, Store(config.store, config.network.scale))[1]
    return on_examples(load(folder / "last.safetensors"), examples)


def _write(out: Path, jobs: list[dict[str, Any]]) -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    content = {"machine": {"device": device, "torch": torch.__version__}, "steps": jobs[0]["step"], "jobs": jobs}
    with replacing(out / RESULTS) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
