"""Two processes (gloo, on this machine) compute what one process computes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes import PATIENCE
from safetensors.torch import load_file
from training_processes import gradients, settings
from training_runs import config, make_store

from satlib.training import read_table, train, write_config

pytestmark = pytest.mark.slow
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def torchrun(*arguments: str) -> str:
    done = subprocess.run([*TORCHRUN, *arguments], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_two_processes_have_the_gradients_of_one(store: Path, tmp_path: Path) -> None:
    script = Path(__file__).parents[1].joinpath("training_processes.py")
    torchrun(str(script), str(store), str(tmp_path / "two.safetensors"))
    two, one = load_file(tmp_path / "two.safetensors"), gradients(store, 1)
    assert two.keys() == one.keys()
    for name, gradient in one.items():
        if name != "loss":  # each process logs its own share
            torch.testing.assert_close(two[name], gradient, rtol=1e-4, atol=1e-7, msg=name)


def test_a_run_of_two_processes_goes_on_where_it_stopped_and_is_that_of_one(store: Path, tmp_path: Path) -> None:
    c = settings(store).replace(steps=8, save_every=4, log_every=4)
    write_config(c.replace(steps=4), tmp_path / "half.yaml")
    write_config(c, tmp_path / "whole.yaml")
    for name in ("half", "whole"):
        arguments = ("-m", "satlib", "train", str(tmp_path / f"{name}.yaml"), "-o", str(tmp_path / "two"))
        said = torchrun(*arguments, "--resume", "auto", "--device", "cpu", "--devices", "2")
    assert said.count("going on from step 4 of 8") == said.count("parameters on 2 x cpu") == 1
    assert "UserWarning" not in said
    train(c.replace(steps=4), tmp_path / "one", device="cpu")
    train(c, tmp_path / "one", device="cpu", resume=True)
    one, two = (load_file(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, rtol=1e-3, atol=1e-5, msg=name)
    curves = [[row["loss"] for row in read_table(tmp_path / name / "train.csv")] for name in ("one", "two")]
    assert len(curves[1]) == 2 and curves[0] == pytest.approx(curves[1], rel=1e-4)
    psnr = [[row["psnr"] for row in read_table(tmp_path / name / "valid.csv")] for name in ("one", "two")]
    assert psnr[0] == pytest.approx(psnr[1], abs=1e-3)


@pytest.mark.parametrize("launcher", [TORCHRUN, [sys.executable]], ids=["torchrun", "fabric"])
def test_each_process_has_its_share_of_the_cores(store: Path, tmp_path: Path, launcher: list[str]) -> None:
    write_config(settings(store).replace(steps=1), tmp_path / "c.yaml")
    script = f"""
import os, pathlib, torch
from satlib.support import cores
cores.in_affinity = lambda: 6
from satlib.training import read_config, session, train
seen, step = set(), session.train_step
def watched(*arguments):
    seen.add(torch.get_num_threads())
    step(*arguments)
session.train_step = watched
folder = pathlib.Path({str(tmp_path)!r})
train(read_config(folder / "c.yaml", []), folder / "run", device="cpu", devices=2)
(folder / f"threads-{{torch.distributed.get_rank()}}").write_text(str(seen))
"""
    (tmp_path / "script.py").write_text(script)
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    environment |= {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [*launcher, str(tmp_path / "script.py")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert [(tmp_path / f"threads-{rank}").read_text() for rank in (0, 1)] == ["{3}", "{3}"]


def test_a_batch_that_does_not_divide_is_an_error(store: Path, tmp_path: Path) -> None:
    write_config(config(store, batch=3), tmp_path / "c.yaml")
    arguments = ("-m", "satlib", "train", str(tmp_path / "c.yaml"), "-o", str(tmp_path / "run"))
    done = subprocess.run(
        [*TORCHRUN, *arguments, "--device", "cpu", "--devices", "2"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "batch=3 cannot be divided among 2 processes in 1 parts" in done.stderr
