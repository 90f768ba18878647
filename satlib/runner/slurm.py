"""Running the jobs of a batch on a Slurm cluster, through submitit.

All jobs are handed to Slurm at once, as one array, and go on if this process ends. Calling the batch again waits for
those that Slurm still has, and submits nothing while Slurm does not say which these are. A job that Slurm preempts is
queued again and starts anew; one that runs out of time has failed, and is run again by the next call.
"""

import json
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import submitit

from satlib.runner.jobs import Job, run_job
from satlib.runner.local import Finished
from satlib.support.files import replacing

ALIVE = {"PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "RESIZING", "SUSPENDED", "PREEMPTED"}
"""States in which Slurm may still run a job."""
POLL = 1.0  # seconds; submitit asks Slurm itself at longer intervals


def read_options(texts: Sequence[str]) -> dict[str, object]:
    """Return options for Slurm from texts such as "partition=gpu", "gpus_per_node=1" and "exclusive=true".

    Raises
    ------
    ValueError
        If one is not of that form, or ``time``, in minutes, is missing.
    """
    options: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z_]*", key):
            raise ValueError(f"an option for Slurm has the form key=value, got {text!r}")
        options[key] = int(value) if value.isdigit() else True if value == "true" else value
    if not isinstance(options.get("time"), int):
        raise ValueError(f"Slurm must know how many minutes a job may take: time=MINUTES, got {options.get('time')}")
    return options


def make_executor(options: Mapping[str, object], at_once: int | None, logs: Path) -> submitit.SlurmExecutor:
    """Return what submits jobs with these options; nothing is submitted or written yet.

    Raises
    ------
    ValueError
        If there is no Slurm here, or submitit knows no such option.
    """
    try:
        executor = submitit.SlurmExecutor(logs)
    except RuntimeError:
        raise ValueError("there is no Slurm here: the command srun is not found") from None
    parallel = {} if at_once is None else {"array_parallelism": at_once}
    executor.update_parameters(**{"stderr_to_stdout": True, **parallel, **options})
    return executor


def run_slurm(jobs: Sequence[Job], executor: submitit.SlurmExecutor, finished: Finished) -> None:
    """Submit the jobs that Slurm does not have already, and wait for all.

    Raises
    ------
    OSError
        If Slurm does not say what became of jobs that an earlier call has submitted; nothing is submitted then.
    """
    running: list[tuple[Job, submitit.Job[None]]] = []
    new, unknown = [], []
    for job in jobs:
        known = _find(job)
        if known is None:
            new.append(job)
        elif known.state.upper() == "UNKNOWN":
            unknown.append(str(_ticket_file(job)))
        else:
            running.append((job, known))
    if unknown:
        raise OSError(
            "sacct does not say what became of the jobs submitted earlier, so that nothing is submitted now; "
            f"try again, or remove the files of those that have ended: {', '.join(unknown)}"
        )
    for job, process in zip(new, executor.map_array(run_job, new) if new else [], strict=True):
        ticket = {"digest": job.digest, "id": process.job_id, "folder": str(process.paths.folder)}
        with replacing(_ticket_file(job)) as temporary:
            temporary.write_text(json.dumps(ticket) + "\n", encoding="utf-8")
        running.append((job, process))
    while running:
        ended = [(job, process) for job, process in running if process.done()]
        for job, process in ended:
            finished(job, process.paths.stdout)
        running = [entry for entry in running if entry not in ended]
        time.sleep(POLL if running else 0)


def _find(job: Job) -> submitit.SlurmJob[None] | None:
    """Return this very job if an earlier call has submitted it, and Slurm does not say that it has ended."""
    path = _ticket_file(job)
    if not path.exists():
        return None
    ticket = json.loads(path.read_text(encoding="utf-8"))
    if ticket["digest"] != job.digest:
        return None
    process: submitit.SlurmJob[None] = submitit.SlurmJob(ticket["folder"], ticket["id"])
    ended = process.paths.result_pickle.exists()
    state = process.watcher.get_state(process.job_id, mode="force").upper()
    return process if state in {*ALIVE, "UNKNOWN"} and not ended else None


def _ticket_file(job: Job) -> Path:
    """Return the file that says under which number Slurm has a job."""
    return job.out / "logs" / f"{job.name}.slurm"
