"""Running the jobs of a batch on this machine, some at a time, as processes that submitit starts.

submitit is made for clusters; what it does on one machine is mended here: it lets every job see no GPU, ends jobs after
two minutes, and passes Ctrl-C on with one second to clean up.
"""

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import submitit

from satlib.runner.jobs import Job, run_alone
from satlib.support import cores
from satlib.support.environment import THREADS, noted, origin

Finished = Callable[[Job, Path], None]
"""Called when a job has ended, with the file of its log."""

A_YEAR = 366 * 24 * 60  # minutes
PATIENCE = 300.0  # seconds that interrupted jobs have to end their kernels; on an idle machine one is enough
POLL = 0.1  # seconds


def run_local(jobs: Sequence[Job], at_once: int, logs: Path, finished: Finished) -> None:
    """Run jobs, at most ``at_once`` at a time.

    Each has an equal share of the cores that this process may use, as ``OMP_NUM_THREADS``, unless the user has set
    this; and where there are several GPUs and several jobs at a time, one GPU. If this process is interrupted, so are
    the jobs.
    """
    at_once = min(at_once, len(jobs))
    executor = submitit.LocalExecutor(logs)
    executor.update_parameters(timeout_min=A_YEAR, stderr_to_stdout=True)
    waiting, slots = deque(jobs), deque(range(at_once))
    running: dict[int, tuple[Job, submitit.Job[None]]] = {}
    devices = _devices() if at_once > 1 else []
    try:
        while waiting or running:
            while waiting and slots:
                job, slot = waiting.popleft(), slots.popleft()
                with _ignoring_interrupts():
                    running[slot] = job, executor.submit(run_alone, job, _environment(at_once, slot, devices))
            time.sleep(POLL)
            for slot in [slot for slot, (_, process) in running.items() if process.done()]:
                job, process = running.pop(slot)
                slots.append(slot)
                finished(job, process.paths.stdout)
    except BaseException:
        _stop([process for _, process in running.values()])
        raise


def _environment(at_once: int, slot: int, devices: Sequence[str]) -> Mapping[str, str | None]:
    """Return the variables that a job needs, given that submitit has hidden all GPUs from it."""
    own = {} if origin(THREADS) == "user" else noted({THREADS: str(cores.share(at_once))}, os.environ)
    visible = devices[slot % len(devices)] if len(devices) > 1 else os.environ.get("CUDA_VISIBLE_DEVICES")
    return {**own, "CUDA_VISIBLE_DEVICES": visible}


def _devices() -> list[str]:
    """Return the GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        import torch  # takes a second, and a mistake in what is given comes to light before

        return [str(index) for index in range(torch.cuda.device_count())]
    return [name for name in named.split(",") if name]


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Start processes that ignore Ctrl-C, which the terminal sends to them as well: :func:`_stop` ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _stop(processes: Sequence[submitit.Job[None]]) -> None:
    """Send SIGTERM until all have ended; submitit's controller, whose process id is the job's, passes it on."""
    deadline = time.monotonic() + PATIENCE
    while (alive := [p for p in processes if not p.done()]) and time.monotonic() < deadline:
        for process in alive:
            os.kill(int(process.job_id), signal.SIGTERM)
        time.sleep(0.5)
