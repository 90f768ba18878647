"""`python -m benchmarks beside`: its loops end, its processes have the package's defaults, its verdicts are right."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import Barrier

import pytest
from processes import PATIENCE, is_alive, wait_for

from benchmarks import beside
from benchmarks.beside_subjects import SUBJECTS
from satlib.results.timings import beside as results
from satlib.results.timings.beside import AT_ONCE, Row, judge, limits, rows, table
from satlib.support import cores


def test_loops_are_busy_and_end_with_the_block_whatever_happens() -> None:
    with pytest.raises(KeyError), beside.busy(2) as loops:
        assert [loop.poll() for loop in loops] == [None, None]
        raise KeyError
    assert [loop.returncode for loop in loops] == [-9, -9]


def test_a_loop_ends_by_itself_if_its_parent_is_killed() -> None:
    script = "import subprocess, sys\nfrom benchmarks.beside import busy\nwith busy(1) as (loop,):\n"
    script += "    print(loop.pid, flush=True)\n    sys.stdin.read()\n"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=beside.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pid = int(process.stdout.readline())
    process.kill()
    process.communicate()
    wait_for(lambda: not is_alive(pid), "the loop goes on")


def test_a_loop_ends_if_its_parent_was_killed_before_it_began() -> None:
    nobody = str(os.getpid() + 1)  # as when somebody else has adopted it
    subprocess.run([sys.executable, "-S", "-c", beside.LOOP, nobody], check=True, timeout=PATIENCE)


def test_measured_processes_have_the_defaults_of_the_package(monkeypatch) -> None:
    monkeypatch.setattr(cores, "allowed", lambda: 2)
    for name in ("OMP_WAIT_POLICY", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "GOMP_SPINCOUNT", "SATLIB_HAS_SET"):
        monkeypatch.setenv(name, "1")
    one, two = (beside.environment(Path("there"), threads) for threads in (1, 2))
    assert {name for name in one if name.startswith(("OMP", "MKL", "GOMP", "SATLIB"))} == {"OMP_NUM_THREADS"}
    assert one["OMP_NUM_THREADS"] == "1" and one["PYTHONPATH"] == "there"
    assert "OMP_NUM_THREADS" not in two


@pytest.mark.slow
def test_a_subject_is_measured_in_a_process_with_the_policy(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import atexit, os\natexit.register(lambda: open(os.environ['SEEN'], 'w').write("
        "os.environ.get('OMP_WAIT_POLICY', '')))\n"
    )
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    monkeypatch.setattr(
        beside,
        "environment",
        lambda checkout, threads: {
            **os.environ,
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{checkout}",
            "OMP_NUM_THREADS": "1",
        },
    )
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    wall, cpu = beside.measure("sat-light x4, 64x64", beside.ROOT, 1)
    assert 0 < cpu < 60 and 0 < wall < 120
    assert (tmp_path / "seen").read_text() == "PASSIVE"
    monkeypatch.setitem(beside.SUBJECTS, "nothing", lambda folder: [])
    with pytest.raises(RuntimeError, match="(?s)ended with 1: .*KeyError: 'nothing'"):
        beside.measure("nothing", beside.ROOT, 1)


def test_everything_is_measured_in_turn(monkeypatch) -> None:
    seen = []

    def measure(name: str, checkout: Path, threads: int) -> tuple[float, float]:
        seen.append((name, checkout.name, threads))
        return 2.0, 1.0

    monkeypatch.setattr(beside, "measure", measure)
    found = beside.measure_all(["a"], {"before": Path("x/old"), "now": Path("x/new")}, 2)
    assert len(found) == 8 and len(seen) == 16 and seen[:2] == [("a", "old", 1), ("a", "new", 1)]
    assert all(row.wall == [2.0, 2.0] and row.cpu == [1.0, 1.0] for row in found)


def test_two_processes_of_one_thread_run_at_once(monkeypatch) -> None:
    both = Barrier(2, timeout=PATIENCE)

    def measure(name: str, checkout: Path, threads: int) -> tuple[float, float]:
        assert (name, threads) == (next(iter(SUBJECTS)), 1)
        return float(both.wait()), 1.0

    monkeypatch.setattr(beside, "measure", measure)
    assert beside.measure_at_once(next(iter(SUBJECTS)), Path("x")) == (0.5, 1.0)
    monkeypatch.setattr(beside, "measure", lambda name, checkout, threads: (1.0, 1.0))
    monkeypatch.setattr(beside, "measure_at_once", lambda name, checkout: (1.25, 1.0))
    found = beside.measure_all([next(iter(SUBJECTS)), "chapter 3"], {"now": Path("x")}, 1)
    assert [(row.what, row.wall) for row in found if row.version == AT_ONCE] == [(next(iter(SUBJECTS)), [1.25])]
    assert limits(found) == {next(iter(SUBJECTS)): 1.6}


ROWS = [
    Row("a", "before", 1, False, [1.0], [1.0]),
    Row("a", "now", 1, False, [1.0, 1.2, 1.0], [1.0]),
    Row("a", "now", 1, True, [2.0], [1.1]),
    Row("a", "now", 2, False, [0.5], [1.0]),
    Row("a", "now", 2, True, [1.5], [1.5]),
    Row("chapter 3", "now", 1, False, [9.0], [9.0]),
    Row("chapter 3", "now", 2, False, [9.0], [9.0]),
]


def test_verdicts_are_those_of_medians() -> None:
    said = [(v.what, v.threads, v.measure, round(v.ratio, 2), v.met) for v in judge(ROWS)]
    assert said == [
        ("a", "1", "alone, now / before", 1.0, True),
        ("a", "1", "beside / alone, time", 2.0, True),
        ("a", "1", "beside / alone, CPU time", 1.1, True),
        ("a", "1 / 2", "alone, one thread / two", 2.0, True),
        ("a", "2", "beside / alone, time", 3.0, False),
        ("a", "2", "beside / alone, CPU time", 1.5, False),
    ]


def test_the_table_has_a_line_for_each_version_and_number_of_threads() -> None:
    lines = [" ".join(line.split()) for line in table(ROWS).splitlines()]  # without the padding
    assert len(lines) == 2 + 5
    assert lines[3] == "| a | now | 1 | 1 (1) | 2 (1.1) |"


def test_a_busy_machine_is_refused(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["benchmarks", "beside"])
    monkeypatch.setattr(os, "getloadavg", lambda: (9.0 * cores.in_affinity(), 1.0, 1.0))
    assert beside.main() == 2
    assert capsys.readouterr().err.startswith("the machine is not idle: load 9.00 per core")


def test_results_are_read_if_they_are_there(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "FILE", tmp_path / "beside.json")
    assert results.measured() is None
    machine = {"processor": "P", "cores": 2, "load": [0.25, 0, 0], "torch": "2"}
    written = {"machine": machine, "loops": 2, "rows": [vars(row) for row in ROWS]}
    (tmp_path / "beside.json").write_text(json.dumps(written))
    content = results.measured()
    assert content is not None and rows(content) == ROWS
    assert results.conditions(content) == "P, 2 cores, 2 busy loops, load 0.2 at the start, torch 2"
    assert list(beside.NAMES) == [*SUBJECTS, "chapter 3"]
