"""Running one notebook with many sets of parameters, on this machine or on a Slurm cluster.

A batch has a folder, OUT::

    OUT/NAME.ipynb         the executed notebook of each job, there as soon as it starts
    OUT/NAME.json          its record: parameters, digest, state, seconds, exit code, error, results
    OUT/results/NAME.json  what it leaves, if it has a parameter `results` (text) that the batch file leaves open
    OUT/work/NAME-DIGEST/  a folder for it alone, if it has a parameter `out` (text) that the batch file leaves open
    OUT/logs/              what the processes print, and what submitit needs

A job that is done is not run again unless its digest changes: of the notebook's code, the parameters that the batch
sets, and the content of the batch's inputs. So a batch that was stopped, or had failures, is simply called again; a
notebook that can resume from its folder does, because a job of another digest has another one.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from satlib.runner.execute import KERNEL, check_places
from satlib.runner.grid import Batch, read_batch
from satlib.runner.jobs import Job
from satlib.runner.local import run_local
from satlib.runner.notebooks import Notebook, read_notebook
from satlib.runner.parameter_types import fits
from satlib.runner.records import Record, write_record
from satlib.runner.slurm import make_executor, read_options, run_slurm
from satlib.support.paths import as_path

Executor = Literal["local", "slurm"]


def plan_batch(
    file: str | Path,
    out: str | Path,
    *,
    parameters: Mapping[str, object] | None = None,
    kernel: str = KERNEL,
    cwd: str | Path | None = None,
) -> list[Job]:
    """Return the jobs of a batch, in the order of its file, after checking everything that can be checked.

    Parameters
    ----------
    file
        The batch file; see :mod:`satlib.runner.grid`.
    out
        The batch's folder. Nothing is written to it.
    parameters
        Parameters that every job gets instead of those in the file.
    kernel, cwd
        As in :func:`~satlib.runner.execute.run_notebook`.

    Raises
    ------
    OSError, ValueError
        If the file, the notebook, or a parameter of any job is bad.
    """
    out, folder = as_path(out, "out"), None if cwd is None else as_path(cwd, "cwd")
    batch = read_batch(file, parameters)
    notebook = notebook_of(batch, file)
    jobs = []
    for name, values in batch.jobs.items():
        notebook.check(values, f"{file}: job {name}")
        check_places(batch.notebook, Path(out, f"{name}.ipynb"), kernel, folder)
        digest = notebook.digest(values, batch.inputs)
        places = _places(notebook, values, Path(out) if folder is None else Path(out).absolute(), name, digest)
        jobs.append(Job(name, notebook, values, places, digest, Path(out), kernel, folder))
    return jobs


def notebook_of(batch: Batch, file: str | Path) -> Notebook:
    """Return the notebook of the batch that a file describes.

    Raises
    ------
    OSError, ValueError
        If it cannot be read.
    """
    if not batch.notebook.is_file():
        raise FileNotFoundError(f"{file}: no such notebook: {batch.notebook}; paths in it start in the current folder")
    return read_notebook(batch.notebook)


def run_batch(
    jobs: Sequence[Job],
    *,
    executor: Executor = "local",
    at_once: int | None = None,
    slurm: Sequence[str] = (),
    on_end: Callable[[Record], None] | None = None,
) -> list[Record]:
    """Run those jobs of a batch that are not done, and return the records of all.

    A job that fails does not stop the others. If this process is interrupted, so are jobs on this machine, but not
    those that Slurm has.

    Parameters
    ----------
    jobs
        What :func:`plan_batch` returned.
    at_once
        How many run at a time; by default one on this machine, and as many as Slurm allows there.
    slurm
        Options for Slurm, "key=value", by submitit's names; "time=MINUTES" is needed.
    on_end
        Told the record of each job that was run, when it ends.

    Raises
    ------
    OSError, ValueError
        If an option is bad or a file cannot be written.
    """
    if at_once is not None and at_once < 1:
        raise ValueError(f"the number of jobs at a time must be at least 1, got {at_once}")
    if executor == "local" and slurm:
        raise ValueError(f"the option {slurm[0]} is for the executor slurm")
    records: dict[str, Record] = {}

    def finished(job: Job, log: Path) -> None:
        records[job.name] = _close(job, log)
        if on_end is not None:
            on_end(records[job.name])

    open_jobs = [job for job in jobs if not job.is_done()]
    if open_jobs:
        out = open_jobs[0].out
        logs = (out / "logs" / time.strftime(f"%Y%m%d-%H%M%S-{os.getpid()}")).absolute()
        submitter = make_executor(read_options(slurm), at_once, logs) if executor == "slurm" else None
        for folder in (logs, out / "results"):
            folder.mkdir(parents=True, exist_ok=True)
        if submitter is None:
            run_local(open_jobs, at_once or 1, logs, finished)
        else:
            run_slurm(open_jobs, submitter, finished)
    return [records.get(job.name) or job.find_record() or job.started() for job in jobs]


def _places(notebook: Notebook, values: Mapping[str, object], out: Path, name: str, digest: str) -> dict[str, object]:
    """Return the values of the parameters `results` and `out`, where a notebook has them and the batch leaves them."""
    places = {"results": out / "results" / f"{name}.json", "out": out / "work" / f"{name}-{digest[:8]}"}
    declared = notebook.parameters
    wanted = [key for key in places if key in declared and fits("", declared[key].type) and key not in values]
    return {key: str(places[key]) for key in wanted}


def _close(job: Job, log: Path) -> Record:
    """Return the record of a job that has ended; if it ended without a word, say so in its record."""
    record = job.find_record()
    if record is not None and record.state != "running":
        return record
    record = replace(record or job.started(), state="failed", exit=1, error=f"the process died; its log is {log}")
    write_record(record, job.record_file)
    return record
