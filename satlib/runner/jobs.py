"""One job of a batch: where its files are, whether it is done, and running it, in whatever process."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic

from filelock import FileLock

from satlib.runner.execute import NotebookError, execute
from satlib.runner.notebooks import Notebook
from satlib.runner.records import Record, read_record, write_record
from satlib.runner.signals import terminable


@dataclass(frozen=True)
class Job:
    """A notebook and its parameters as they were when the batch was planned, and where its files go.

    ``parameters`` are those that the batch file sets; they belong to the ``digest``. ``places`` are those that name
    places in ``out``, the batch's folder.
    """

    name: str
    notebook: Notebook
    parameters: dict[str, object]
    places: dict[str, object]
    digest: str
    out: Path
    kernel: str
    cwd: Path | None

    @property
    def values(self) -> dict[str, object]:
        """The parameters that the notebook is given."""
        return {**self.parameters, **self.places}

    @property
    def output(self) -> Path:
        """The executed notebook."""
        return self.out / f"{self.name}.ipynb"

    @property
    def record_file(self) -> Path:
        """The job's record."""
        return self.out / f"{self.name}.json"

    def find_record(self) -> Record | None:
        """Return what is known of this job; None if it never started, or was another one of this name."""
        if not self.record_file.exists():
            return None
        record = read_record(self.record_file)
        return record if record.digest == self.digest else None

    def is_done(self) -> bool:
        """Return whether it has succeeded before and its notebook is still there."""
        record = self.find_record()
        return record is not None and record.state == "done" and self.output.exists()

    def started(self) -> Record:
        """Return its record at its start."""
        return Record(self.name, self.digest, self.notebook.complete(self.values), "running")


def run_job(job: Job) -> None:
    """Run a job and keep its record; a failure of the notebook is recorded, not raised."""
    began = monotonic()
    record = job.started()
    write_record(record, job.record_file)
    results = job.values.get("results")
    results_file = Path(job.cwd or ".", results) if isinstance(results, str) and results else None
    try:
        if results_file is not None:
            results_file.unlink(missing_ok=True)
        execute(job.notebook, job.output, job.values, kernel=job.kernel, cwd=job.cwd)
        record = replace(record, state="done", exit=0, results=_read_results(results_file))
    except NotebookError as error:
        record = replace(record, state="failed", exit=1, error=str(error))
    except (OSError, ValueError) as error:
        record = replace(record, state="failed", exit=2, error=str(error))
    except (KeyboardInterrupt, SystemExit) as error:
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 130
        record = replace(record, state="interrupted", exit=code)
        raise
    except Exception as error:
        record = replace(record, state="failed", exit=1, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        write_record(replace(record, seconds=round(monotonic() - began, 3)), job.record_file)


def run_alone(job: Job, environment: Mapping[str, str | None]) -> None:
    """Run a job on this machine, unless it is done by now; SIGTERM interrupts it.

    A job that an earlier call of the batch has left behind may still be running: it is waited for.

    Parameters
    ----------
    environment
        Variables of the kernel's environment; None removes one.
    """
    for name, value in environment.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    with terminable(), FileLock(job.out / "logs" / f"{job.name}.lock"):
        if not job.is_done():
            run_job(job)


def _read_results(path: Path | None) -> dict[str, object]:
    """Return what the notebook has left, {} if nothing.

    Raises
    ------
    ValueError
        If it is not a JSON object.
    """
    if path is None or not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise ValueError(f"the results in {path} are not a JSON object")
    return content
