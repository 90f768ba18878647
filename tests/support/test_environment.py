"""The wait policy and the number of threads: what programs set before torch is loaded, and what stays the user's."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from satlib.support import cores
from satlib.support.environment import NOTE, ON_THREADS, ON_WAITING, additions, noted, origin, threads_of_one

ROOT = Path(__file__).parents[2]
SET = {"OMP_WAIT_POLICY": "PASSIVE", NOTE: "OMP_WAIT_POLICY=PASSIVE"}


def machine(monkeypatch: pytest.MonkeyPatch, allowed: int, in_affinity: int) -> None:
    monkeypatch.setattr(cores, "allowed", lambda: allowed)
    monkeypatch.setattr(cores, "in_affinity", lambda: in_affinity)


def test_the_wait_policy_is_passive_unless_the_user_says_how_threads_wait(monkeypatch) -> None:
    machine(monkeypatch, 8, 8)
    assert additions({}) == additions({"OMP_WAIT_POLICY": ""}) == SET
    for name in ON_WAITING:
        assert additions({name: "1"}) == {}
    assert additions(SET) == {}


def test_threads_are_limited_where_a_quota_allows_fewer_cores_than_torch_counts(monkeypatch) -> None:
    machine(monkeypatch, 2, 64)
    new = additions({})
    assert new == {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": "2",
        NOTE: "OMP_WAIT_POLICY=PASSIVE OMP_NUM_THREADS=2",
    }
    for name in ON_THREADS:
        assert additions({name: "8"}) == SET
    assert additions(SET) == {"OMP_NUM_THREADS": "2", NOTE: new[NOTE]}


def test_it_is_known_who_has_set_a_variable() -> None:
    assert origin("OMP_WAIT_POLICY", {}) is None
    assert origin("OMP_WAIT_POLICY", SET) == "satlib"
    assert origin("OMP_WAIT_POLICY", {**SET, "OMP_WAIT_POLICY": "ACTIVE"}) == "user"
    assert origin("OMP_WAIT_POLICY", {"OMP_WAIT_POLICY": "PASSIVE"}) == "user"
    both = noted({"OMP_NUM_THREADS": "3"}, SET)
    assert origin("OMP_NUM_THREADS", both) == origin("OMP_WAIT_POLICY", {**SET, **both}) == "satlib"
    assert noted({}, SET) == {}


def test_one_of_several_processes_has_its_share_unless_the_user_or_slurm_says_otherwise(monkeypatch) -> None:
    for name in (*ON_THREADS, NOTE, "TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "SLURM_CPUS_PER_TASK"):
        monkeypatch.delenv(name, raising=False)
    machine(monkeypatch, 8, 8)
    assert [threads_of_one(n) for n in (1, 2, 3, 16)] == [None, 4, 2, 1]
    for name, value in noted({"OMP_NUM_THREADS": "8"}, {}).items():
        monkeypatch.setenv(name, value)
    assert threads_of_one(2) == 4
    monkeypatch.setenv("SLURM_NTASKS", "2")
    assert threads_of_one(2) is None
    for given, expected in (("3", 3), ("16", 8)):
        monkeypatch.setenv("SLURM_CPUS_PER_TASK", given)
        assert threads_of_one(2) == expected
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    assert threads_of_one(2) is None


def variables(program: str, environment: dict[str, str] | None = None) -> str:
    """Return what a program that is run as a module has in its environment when it imports torch, as "policy threads".

    It ends there: a module that stands in for torch says what it sees.
    """
    names = {*ON_WAITING, *ON_THREADS, NOTE}
    clean = {name: value for name, value in os.environ.items() if name not in names}
    script = f"""
import os, runpy, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print(os.environ.get("OMP_WAIT_POLICY"), os.environ.get("GOMP_SPINCOUNT"), flush=True)
            os._exit(0)
sys.meta_path.insert(0, Finder())
sys.argv[1:] = {program.split()[1:]!r}
runpy.run_module({program.split()[0]!r}, run_name="__main__", alter_sys=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={**clean, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize(
    "program",
    [
        "satlib doctor",
        "satlib upscale a.png b.png",
        "benchmarks whole",
        "benchmarks trials out --to out.json",
        "satlib.theory study --out out",
    ],
)
def test_programs_set_it_before_torch_is_loaded_and_keep_what_the_user_has_set(program: str) -> None:
    assert variables(program) == "PASSIVE None"
    assert variables(program, {"OMP_WAIT_POLICY": "ACTIVE"}) == "ACTIVE None"
    assert variables(program, {"GOMP_SPINCOUNT": "1000"}) == "None 1000"


def test_the_entry_point_is_the_function_that_prepares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"satlib": "satlib.__main__:main"}


@pytest.mark.slow
def test_one_thread_of_torchrun_is_nobodys_choice(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import os, pathlib, sys\nfrom satlib.support.environment import origin\n"
        "pathlib.Path(sys.argv[1], os.environ['RANK']).write_text(str(origin('OMP_NUM_THREADS')))\n"
    )
    for given, expected in ((None, "None"), ("1", "user")):
        environment = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"} | {"PYTHONPATH": str(ROOT)}
        environment |= {} if given is None else {"OMP_NUM_THREADS": given}
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
        subprocess.run([*command, str(tmp_path)], env=environment, check=True, capture_output=True)
        assert [(tmp_path / rank).read_text() for rank in "01"] == [expected] * 2
