"""`satlib doctor`: facts, advice, both outputs, and that nothing of the system needs to be there."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from satlib.commands import machine
from satlib.commands.app import app
from satlib.commands.machine import GPU, Cores, Extra, Facts, Memory, Threads, Waiting, advise, examine, facts
from satlib.commands.machine.computing import NONE, find_computing
from satlib.commands.machine.extras import packages_of
from satlib.commands.machine.threads import find_runtimes, find_waiting
from satlib.support import cores


@pytest.fixture(scope="module")
def found() -> Facts:
    return examine()


@pytest.fixture(scope="module")
def well(found: Facts) -> Facts:
    """What is found on a machine where all is well."""
    return replace(
        found,
        cores=Cores(8, 8, None, 8),
        threads=Threads(8, None, None),
        load=(0.5, 0.5, 0.5),
        gpus=[],
        waiting=Waiting(True, "OMP_WAIT_POLICY=PASSIVE", "satlib"),
        memory=Memory(8 * 10**9, None),
        torch_lacks_cuda=False,
    )


def test_facts_are_those_of_this_process(found: Facts) -> None:
    assert found.versions["torch"] == torch.__version__ and found.versions["satlib"] != "none"
    assert found.cores.allowed == cores.allowed() <= found.cores.machine
    assert found.threads.number == torch.get_num_threads()
    assert found.memory.available > 0
    assert torch.backends.cpu.get_cpu_capability() in found.processor


def test_all_is_well(well: Facts) -> None:
    assert advise(well) == []


@pytest.mark.parametrize(
    ("changes", "about", "text"),
    [
        (
            {"cores": Cores(64, 64, 2.0, 2), "threads": Threads(64, None, None)},
            "threads",
            "torch uses 64 threads, but the quota allows 2 cores: set OMP_NUM_THREADS=2",
        ),
        (
            {"cores": Cores(64, 4, None, 4), "threads": Threads(8, "OMP_NUM_THREADS=8", "user")},
            "threads",
            "torch uses 8 threads, but the affinity allows 4 cores: set OMP_NUM_THREADS=4",
        ),
        ({"waiting": Waiting(False, None, None)}, "waiting", "set OMP_WAIT_POLICY=PASSIVE"),
        ({"waiting": Waiting(False, "GOMP_SPINCOUNT=100", "user")}, "waiting", "by GOMP_SPINCOUNT=100: take it away"),
        ({"load": (7.5, 1.0, 1.0)}, "load", "other programs are at work (7.5 on 8 cores)"),
        ({"memory": Memory(10**8, 10**9)}, "memory", "leave --tile at auto"),
        ({"torch_lacks_cuda": True}, "gpus", "install one for CUDA"),
        ({"cores": Cores(8, 8, 0.5, 1), "threads": Threads(1, None, None)}, "cores", "allows 0.5 of a core"),
    ],
)
def test_what_needs_attention_is_said_in_one_sentence(well: Facts, changes, about, text) -> None:
    (advice,) = advise(replace(well, **changes))
    assert advice.about == about and text in advice.text


def test_one_thread_waits_for_nobody(well: Facts) -> None:
    assert advise(replace(well, threads=Threads(1, None, None), waiting=Waiting(False, None, None))) == []


def test_how_threads_wait_is_told_by_what_their_runtime_reads() -> None:
    policy, gomp, llvm = {"OMP_WAIT_POLICY": "passive"}, ["libgomp"], ["libomp"]
    assert find_waiting({}, gomp) == Waiting(False, None, None)
    assert find_waiting(policy, gomp) == Waiting(True, "OMP_WAIT_POLICY=passive", "user")
    assert not find_waiting({"OMP_WAIT_POLICY": "ACTIVE"}, gomp).passive
    assert not find_waiting({**policy, "GOMP_SPINCOUNT": "1000"}, gomp).passive
    assert find_waiting({**policy, "GOMP_SPINCOUNT": "1000"}, llvm).passive
    assert find_waiting({"KMP_BLOCKTIME": "0"}, llvm) == Waiting(True, "KMP_BLOCKTIME=0", "user")
    assert not find_waiting({"KMP_BLOCKTIME": "0"}, gomp).passive


def test_the_runtimes_of_the_process(tmp_path: Path) -> None:
    (tmp_path / "maps").write_text("7f00 r-xp /x/torch.libs/libgomp-24e2ab19.so.1.0.0\n")
    assert find_runtimes(tmp_path / "maps") == ["libgomp"]
    assert find_runtimes(tmp_path / "none") == ["libomp"]


def test_packages_of_an_extra_are_read_from_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [
        "torch>=2.6",
        'scipy>=1.15; extra == "theory"',
        'satlib[run,theory]; extra == "notebook"',
        'jupyterlab>=4.6; extra == "notebook"',
        "papermill>=2.7; extra == 'run'",
        'triton>=3.2; sys_platform == "linux" and extra == "triton"',
    ]
    assert packages_of("notebook", texts) == ["papermill", "scipy", "jupyterlab"]
    monkeypatch.setattr(sys, "platform", "linux")
    assert packages_of("triton", texts) == ["triton"]
    monkeypatch.setattr(sys, "platform", "darwin")
    assert packages_of("triton", texts) == packages_of("none", texts) == []


def test_the_kernels_are_those_that_run(monkeypatch: pytest.MonkeyPatch) -> None:
    state = torch.get_rng_state()
    computing = find_computing()
    assert torch.equal(torch.get_rng_state(), state)
    names = (computing.windows, computing.tokens, computing.windows_in_training, computing.tokens_in_training)
    assert all(name == NONE or "attention" in name for name in names)
    assert computing.aggregation == "torch" or computing.device != "cpu"

    def attend(self, x: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
        heads = x[:, None, :64, :8]
        return torch.nn.functional.scaled_dot_product_attention(heads, heads, heads)

    monkeypatch.setattr("satlib.commands.machine.computing.RectangleWindowAttention.forward", attend)
    assert "attention" in find_computing().windows != NONE


def shown(monkeypatch: pytest.MonkeyPatch, found: Facts, *options: str) -> str:
    monkeypatch.setattr("satlib.commands.doctor.examine", lambda: found)
    result = CliRunner().invoke(app, ["doctor", *options])
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_the_table_marks_what_needs_attention_and_has_no_colours(monkeypatch, well: Facts) -> None:
    out = shown(monkeypatch, well)
    assert out.endswith("\nNothing needs attention.\n") and "!" not in out and "\x1b" not in out
    spinning = replace(
        well,
        waiting=Waiting(False, None, None),
        gpus=[GPU("H", 80 * 10**9, 7 * 10**9), GPU("MPS", None, None)],
        extras=[Extra("train", ("tensorboard",)), Extra("run", ())],
        cores=Cores(8, 8, 1.5, 2),
        threads=Threads(2, "OMP_NUM_THREADS=2", "satlib"),
        memory=Memory(2 * 10**9, 4 * 10**9),
        load=None,
    )
    lines = [" ".join(line.split()) for line in shown(monkeypatch, spinning).splitlines()]
    for line in (
        "cores 2 allowed: 8 in the machine, 8 by affinity, quota 1.5",
        "threads 2, OMP_NUM_THREADS=2, set by satlib",
        "! waiting threads spinning, left to the runtime",
        "load unknown",
        "run: present",
        "free memory 2.0 GB; the control group allows 4.0 GB in all",
        "GPU H, 7.0 GB of 80.0 GB free; MPS",
        "extras train: tensorboard missing; pip install 'satlib[train]'",
    ):
        assert line in lines
    assert lines[-1].startswith("! waiting: threads spin while they wait, ")


def test_json_has_the_same(monkeypatch, well: Facts) -> None:
    changed = replace(well, extras=[Extra("train", ("tensorboard",))], torch_lacks_cuda=True)
    content = json.loads(shown(monkeypatch, changed, "--json"))
    assert content["cores"] == {"machine": 8, "affinity": 8, "quota": None, "allowed": 8}
    assert content["extras"] == [
        {"name": "train", "missing": ["tensorboard"], "command": "pip install 'satlib[train]'"}
    ]
    assert [one["about"] for one in content["advice"]] == ["gpus"]


def test_it_works_without_proc_load_or_metadata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(facts, "NVIDIA", tmp_path / "none")
    monkeypatch.setattr("os.getloadavg", None)
    monkeypatch.delattr("os.getloadavg")
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr(Path, "read_text", lambda *arguments, **options: (_ for _ in ()).throw(OSError("none")))
    monkeypatch.setattr("satlib.commands.machine.extras.requires", missing)
    monkeypatch.setattr(facts, "version", missing)
    seen = machine.examine({})
    assert seen.load is None and seen.extras == [] and seen.cores.quota is None and seen.versions["numpy"] == "none"
    assert seen.cores.affinity == seen.cores.machine


def missing(package: str) -> str:
    raise facts.PackageNotFoundError(package)


@pytest.mark.slow
@pytest.mark.parametrize(("given", "set_by"), [(None, "satlib"), ("ACTIVE", "user")])
def test_the_program_says_who_has_set_the_policy(monkeypatch, given: str | None, set_by: str) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "SATLIB_HAS_SET"):
        monkeypatch.delenv(name, raising=False)
    if given:
        monkeypatch.setenv("OMP_WAIT_POLICY", given)
    command = [sys.executable, "-m", "satlib", "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    waiting = json.loads(done.stdout)["waiting"]
    assert waiting == {"passive": given is None, "variable": f"OMP_WAIT_POLICY={given or 'PASSIVE'}", "set_by": set_by}
