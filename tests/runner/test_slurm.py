"""Batches on Slurm, of which there is a stand-in: submission, the death of the submitting process, failures."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import submitit
import yaml
from notebook_sources import write
from processes import start, wait_for
from slurm_stand_in import install

from satlib.runner import Record, plan_batch, run_batch, slurm
from satlib.runner.jobs import Job
from satlib.runner.slurm import make_executor, read_options

CELLS = [
    "import os\nif a == 2:\n    os.kill(os.getppid(), 9)",
    "open(results, 'w').write('{\"double\": %d}' % (2 * a))",
]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "n.md", 'a: int = 1\nresults: str = ""', *CELLS)
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({"notebook": "n.md", "grid": {"a": [1, 2]}}))
    folder = install(tmp_path / "slurm")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


@pytest.mark.slow
def test_jobs_outlive_the_process_that_submitted_them(
    cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ["--executor", "slurm", "--slurm", "time=5", "--slurm", "gpus_per_node=1", "--jobs", "7"]
    command = [sys.executable, "-m", "satlib", "run", "--batch", "b.yaml", "-o", "o", *options]
    process = start(command, stderr=subprocess.DEVNULL)
    tickets = tmp_path / "o" / "logs"
    wait_for(lambda: len(list(tickets.glob("[!.]*.slurm"))) == 2 or process.poll() is not None, "no job was submitted")
    assert process.poll() is None
    process.kill()
    process.wait()
    script = Path((cluster / "submitted").read_text().strip()).read_text()
    assert "#SBATCH --array=0-1%2" in script and "#SBATCH --gpus-per-node=1" in script

    sacct = cluster / "sacct"
    sacct.rename(cluster / "elsewhere")
    for answer in ("exit 1", "echo JobID"):  # Slurm does not answer, and does not know the jobs (yet, or any more)
        sacct.write_text(f"#!/bin/sh\n{answer}\n")
        sacct.chmod(0o755)
        with pytest.raises(OSError, match=r"nothing is submitted now.*logs/a1\.slurm, .*logs/a2\.slurm"):
            run_batch(plan_batch("b.yaml", "o"), executor="slurm", slurm=["time=5"])
    (cluster / "elsewhere").rename(sacct)

    looked: list[Job] = []
    find = slurm._find

    def find_and_let_go(job: Job) -> "submitit.SlurmJob[None] | None":  # the jobs end after both have been found
        found = find(job)
        looked.append(job)
        if len(looked) == 2:
            (cluster / "go").touch()
        return found

    monkeypatch.setattr(slurm, "_find", find_and_let_go)
    told: list[Record] = []
    records = run_batch(plan_batch("b.yaml", "o"), executor="slurm", slurm=["time=5"], on_end=told.append)
    assert len((cluster / "submitted").read_text().splitlines()) == 1
    assert [(r.name, r.state, r.exit) for r in records] == [("a1", "done", 0), ("a2", "failed", 1)]
    assert records[0].results == {"double": 2}
    assert records[1].error is not None and records[1].error.startswith("the process died; its log is ")
    assert sorted(r.name for r in told) == ["a1", "a2"]

    (tmp_path / "b.yaml").write_text(yaml.safe_dump({"notebook": "n.md", "grid": {"a": [1, 3]}}))
    records = run_batch(plan_batch("b.yaml", "o"), executor="slurm", slurm=["time=5"], on_end=told.append)
    assert [(r.name, r.state, r.results["double"]) for r in records] == [("a1", "done", 2), ("a3", "done", 6)]
    assert told[2:] == records[1:]
    assert len((cluster / "submitted").read_text().splitlines()) == 2


def test_options(cluster: Path, tmp_path: Path) -> None:
    assert read_options(["time=60", "partition=a=b", "exclusive=true"]) == {
        "time": 60,
        "partition": "a=b",
        "exclusive": True,
    }
    for bad in (["time"], ["time=1:00:00"], ["partition=x"], ["time=5", "=x"], ["time=5", "--x=1"]):
        with pytest.raises(ValueError, match="key=value|time=MINUTES"):
            read_options(bad)
    with pytest.raises(ValueError, match="nonsense"):
        make_executor({"time": 5, "nonsense": 1}, None, tmp_path / "logs")
    assert not (tmp_path / "logs").exists()


def test_no_slurm(cluster: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cluster / "srun").unlink()
    monkeypatch.setenv("PATH", str(cluster))
    with pytest.raises(ValueError, match="there is no Slurm here"):
        run_batch(plan_batch("b.yaml", "o"), executor="slurm", slurm=["time=5"])
    assert not (tmp_path / "o").exists()
