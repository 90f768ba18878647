"""Batches on this machine: what runs, what is left out, records, results, failures, interruptions."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from notebook_sources import texts, wait_for_number, write
from processes import PATIENCE, is_alive, start

from satlib.runner import Record, collect, plan_batch, run_batch
from satlib.runner import local as local_module
from satlib.runner.jobs import Job, run_job
from satlib.runner.records import read_record, write_record
from satlib.support import cores
from satlib.support.environment import noted

PARAMETERS = 'a: int = 1\nscale: float = 0.5\nout: str = ""\nresults: str = ""'
CELLS = [
    "import json, os, pathlib",
    "if a == 2:\n    raise ValueError('two')\nif a == 3:\n    os.kill(os.getppid(), 9)",
    "pathlib.Path(results).write_text(json.dumps({'product': a * scale, 'out': out}))",
    "print(os.environ['OMP_NUM_THREADS'])",
]


def batch_file(folder: Path, **content: object) -> Path:
    (folder / "b.yaml").write_text(yaml.safe_dump({"notebook": "n.md", **content}))
    return folder / "b.yaml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    write(tmp_path / "n.md", PARAMETERS, *CELLS)
    return tmp_path


@pytest.mark.slow
def test_a_batch_goes_on_after_failures_and_leaves_out_what_is_done(folder: Path) -> None:
    file = batch_file(folder, grid={"a": [1, 2, 3]})
    told: list[Record] = []
    records = run_batch(plan_batch(file, "o"), at_once=3, on_end=told.append)
    assert [(r.name, r.state, r.exit) for r in records] == [("a1", "done", 0), ("a2", "failed", 1), ("a3", "failed", 1)]
    assert sorted(r.name for r in told) == ["a1", "a2", "a3"]
    done, failed, killed = collect("o")
    assert [done, failed, killed] == records
    assert done.results == {"product": 0.5, "out": done.parameters["out"]}
    assert done.parameters == {
        "a": 1,
        "scale": 0.5,
        "out": f"o/work/a1-{done.digest[:8]}",
        "results": "o/results/a1.json",
    }
    assert failed.error == "In [4], ValueError: two; the notebook so far is o/a2.ipynb" and failed.results == {}
    assert killed.error is not None and killed.error.startswith("the process died; its log is ")
    assert texts(folder / "o/a1.ipynb") == [f"{cores.share(3)}\n"]

    told.clear()
    batch_file(folder, runs={"a1": {"a": 1}, "other": {"a": 4}}, common={"scale": 0.5})
    again = plan_batch(file, "o")
    assert [job.is_done() for job in again] == [False, False]  # `scale` is set now, to the same value: another job
    batch_file(folder, runs={"a1": {"a": 1}})
    write(folder / "n.md", PARAMETERS, *CELLS).write_text((folder / "n.md").read_text().replace("# Title", "# New"))
    assert run_batch(plan_batch(file, "o"), on_end=told.append) == [done] and told == []
    (folder / "o/a1.ipynb").unlink()
    assert not plan_batch(file, "o")[0].is_done()
    write(folder / "n.md", PARAMETERS, *CELLS, "1")
    assert not plan_batch(file, "o")[0].is_done()


def test_all_jobs_are_checked_before_one_runs(folder: Path) -> None:
    for content, message in (
        (
            {"grid": {"a": [1, 2.5]}},
            r"b.yaml: job a2.5 for n.md: a must be int, got 2.5 \(float\); the parameters are a",
        ),
        ({"grid": {"b": [1]}}, "there is no parameter b "),
        ({"notebook": "m.md"}, "m.md"),
        ({"inputs": ["missing.yaml"]}, "missing.yaml"),
    ):
        with pytest.raises((OSError, ValueError), match=message):
            plan_batch(batch_file(folder, **content), "o")
    file = batch_file(folder)
    with pytest.raises(ValueError, match="at least 1, got 0"):
        run_batch(plan_batch(file, "o"), at_once=0)
    with pytest.raises(ValueError, match="partition=x is for the executor slurm"):
        run_batch(plan_batch(file, "o"), slurm=["partition=x"])
    assert not (folder / "o").exists()


def test_places_are_left_to_the_batch_file_where_it_names_them(folder: Path) -> None:
    (job,) = plan_batch(batch_file(folder, common={"out": "x", "results": "y.json"}), "o")
    assert (job.values, job.places) == ({"out": "x", "results": "y.json"}, {})
    (job,) = plan_batch(batch_file(folder), "o", cwd=folder)
    assert job.places["results"] == str(folder / "o/results/b.json")
    (elsewhere,) = plan_batch(batch_file(folder), "p")
    assert elsewhere.digest == job.digest
    write(folder / "n.md", "out: int = 1", "1")
    assert plan_batch(batch_file(folder), "o")[0].places == {}


def test_inputs_matter(folder: Path) -> None:
    file = batch_file(folder, inputs=["data"])
    (folder / "data").write_text("1")
    first = plan_batch(file, "o")[0].digest
    (folder / "data").write_text("2")
    assert plan_batch(file, "o")[0].digest != first


def test_records_survive_their_file(tmp_path: Path) -> None:
    record = Record("a", "0", {"x": [1, None], "y": float("inf")}, "failed", 1.5, 1, "é", {"z": {"w": 1}})
    write_record(record, tmp_path / "a.json")
    assert read_record(tmp_path / "a.json") == record
    for text in ("", "[]", '{"name": "a"}', (tmp_path / "a.json").read_text().replace("failed", "lost")):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match="a.json is not the record of a job"):
            collect(tmp_path)
    with pytest.raises(NotADirectoryError):
        collect(tmp_path / "missing")


def test_results_that_are_no_mapping_fail_the_job(folder: Path) -> None:
    write(folder / "n.md", PARAMETERS, "open(results, 'w').write('[1]')")
    (job,) = plan_batch(batch_file(folder), "o")
    (folder / "o/results").mkdir(parents=True)
    run_job(job)
    (record,) = collect("o")
    assert (record.state, record.exit, record.error) == (
        "failed",
        2,
        "the results in o/results/b.json are not a JSON object",
    )


def test_gpus_are_dealt_to_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,GPU-7")
    devices = local_module._devices()
    given = [local_module._environment(3, slot, devices)["CUDA_VISIBLE_DEVICES"] for slot in range(3)]
    assert given == ["4", "GPU-7", "4"]
    assert local_module._environment(1, 0, []) == {"CUDA_VISIBLE_DEVICES": "4,GPU-7"}
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert local_module._environment(2, 1, ["0"])["CUDA_VISIBLE_DEVICES"] is None


def test_jobs_share_the_cores_unless_the_user_has_set_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cores, "allowed", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    given = [local_module._environment(n, 0, [])["OMP_NUM_THREADS"] for n in (1, 3, 9)]
    assert given == ["8", "2", "1"]
    for name, value in noted({"OMP_NUM_THREADS": "8"}, {}).items():  # what a program of ours sets under a quota
        monkeypatch.setenv(name, value)
    assert local_module._environment(2, 0, [])["OMP_NUM_THREADS"] == "4"
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert "OMP_NUM_THREADS" not in local_module._environment(2, 0, [])


WAITING = "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))"
UNTIL_TOLD = "while not os.path.exists('go'):\n    time.sleep(0.05)"


@pytest.mark.slow
def test_an_interrupted_batch_ends_its_jobs_and_a_killed_one_is_gone_on_with(folder: Path) -> None:
    write(folder / "n.md", PARAMETERS, WAITING, UNTIL_TOLD)
    (job,) = plan_batch(batch_file(folder), "o")
    process, kernel = start_batch(folder)
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    assert process.wait(PATIENCE) == 130
    record = job.find_record()
    assert record is not None and (record.state, record.exit) == ("interrupted", 143)
    assert not is_alive(kernel)

    process, kernel = start_batch(folder)
    process.kill()
    process.wait()
    record = job.find_record()
    assert record is not None and record.state == "running"
    (folder / "go").touch()
    told: list[Record] = []
    (record,) = run_batch([job], on_end=told.append)
    assert record.state == "done" and told == [record]
    assert int((folder / "pid").read_text()) == kernel  # what the killed batch had left was waited for, not repeated


def start_batch(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the batch in a process group of its own, as a terminal does; return it and its kernel's process id."""
    (folder / "pid").unlink(missing_ok=True)
    command = [sys.executable, "-m", "satlib", "run", "--batch", "b.yaml", "-o", "o"]
    return start(command, cwd=folder, stderr=subprocess.DEVNULL), wait_for_number(folder / "pid")


def test_a_job_of_another_digest_is_unknown(folder: Path) -> None:
    (job,) = plan_batch(batch_file(folder), "o")
    (folder / "o").mkdir()
    write_record(replace(job.started(), state="done"), job.record_file)
    other: Job = replace(job, digest="0")
    assert job.find_record() is not None and other.find_record() is None
