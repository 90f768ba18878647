"""Experiments: read in order, run to the end through interruptions, measured as a slow hand would."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from processes import start
from training_runs import NETWORK, make_store
from typer.testing import CliRunner

from satlib import SAT, SATConfig, load, upscale
from satlib.analysis.swapping import swapped
from satlib.commands.app import app
from satlib.images.degradation import downscale
from satlib.images.tensors import to_tensor
from satlib.metrics import psnr
from satlib.results import trials
from satlib.support.files import locked
from satlib.training.journal import TRAIN, VALID, read_table
from satlib.training.session import Session
from satlib.training.trials import run as runs
from satlib.training.trials.experiment import Scenes, read_experiment
from satlib.training.trials.measures import on_examples, on_scenes
from satlib.training.trials.run import RESULTS, read_jobs, run_experiment
from satlib.training.validation import Example
from satlib.training.yaml_config import CONFIG

SCENES = {"kind": "copies", "side": 16, "train": [1, 6], "held_out": [2, 3]}
TRAINING = {
    "network": {**NETWORK, "groups": [1], "window": [4, 4]},
    "steps": 12,
    "batch": 2,
    "learning_rate": 1e-3,
    "save_every": 4,
    "log_every": 4,
    "validate_every": 12,
}
ROWS = {"none": ["network.selective=none"], "center": ["network.aggregation=center"]}


def write(path: Path, **changes: object) -> Path:
    path.write_text(
        yaml.safe_dump(
            {"training": TRAINING, "rows": ROWS, "seeds": [0, 1], "scenes": SCENES, **changes}, sort_keys=False
        )
    )
    return path


def run(*arguments: object) -> tuple[int, str]:
    """Run `satlib experiment`; returns exit code and stderr."""
    result = CliRunner().invoke(app, ["experiment", *map(str, arguments)])
    return result.exit_code, result.stderr


def test_every_row_of_a_seed_comes_before_the_next_seed(tmp_path: Path) -> None:
    found = read_experiment(write(tmp_path / "e.yaml"), "data")
    assert [t.name for t in found.trainings] == ["none-seed0", "center-seed0", "none-seed1", "center-seed1"]
    assert [t.config.network.selective for t in found.trainings[:2]] == ["none", "aggregate"]
    assert found.scenes == Scenes("copies", 16, (1, 6), (2, 3))
    config = found.trainings[3].config
    assert (config.seed, config.patch, config.store, config.validation) == (1, 16, "data/train.store", "data/held_out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rows": {}}, "rows must be at least one"),
        ({"rows": {"a": "network.scale=2"}}, "rows: a must be a list of changes"),
        ({"rows": {"../a": []}}, "as it names a folder, got '../a'"),
        ({"scenes": None, "training": {**TRAINING, "store": "x", "holdout": 1}}, "holdout must be 2 or more"),
        ({"rows": {"a": ["network.selective=all"]}}, "row a: selective must be one of 'aggregate', 'exact', 'none'"),
        ({"seeds": [0, 0]}, "seeds must be a list of different integers"),
        ({"scenes": {"side": 16}}, "scenes must have kind, side, train, held_out, got side"),
        ({"scenes": {**SCENES, "kind": "maps"}}, "scenes: kind must be copies or legends, got 'maps'"),
        ({"scenes": {**SCENES, "train": [1, 1]}}, "scenes: train must be a seed and how many"),
        ({"training": {**TRAINING, "store": "x"}}, "training: store follows from scenes"),
        ({"row": {}}, "unknown key 'row'; the keys are training, rows, seeds, scenes"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    path = write(tmp_path / "e.yaml", **changes)
    code, error = run(path, "--out", tmp_path / "out")
    assert code == 2 and error.startswith(f"satlib: {path}: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def measures(job: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in job.items() if key != "seconds"}


@pytest.mark.slow
def test_killed_at_random_moments_it_gives_what_it_gives_in_one_go(tmp_path: Path) -> None:
    path = write(tmp_path / "e.yaml", training={**TRAINING, "steps": 40})
    assert run_experiment(path, tmp_path / "whole", device="cpu")
    command = [sys.executable, "-m", "satlib", "experiment", str(path), "--out", str(tmp_path / "killed")]
    for moment in (1, 2, 3):
        # One thread, as this process has: sums of several threads are rounded otherwise.
        process = start(
            [*command, "--device", "cpu"], stderr=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"}
        )
        deadline = time.monotonic() + 60
        checkpoint = tmp_path / "killed" / ("none-seed0", "center-seed0", "none-seed1")[moment - 1] / "checkpoints"
        while not list(checkpoint.glob("step-*.pt")) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    while not run_experiment(path, tmp_path / "killed", device="cpu", time_limit=5):
        pass
    whole, killed = (read_jobs(tmp_path / name) for name in ("whole", "killed"))
    assert [(job["row"], job["seed"]) for job in whole] == [("none", 0), ("center", 0), ("none", 1), ("center", 1)]
    assert list(map(measures, whole)) == list(map(measures, killed))
    assert trials.table(whole, "parts").keys() == {"none", "center"}


@pytest.mark.slow
def test_processes_that_run_at_once_share_the_trainings(tmp_path: Path) -> None:
    path = write(tmp_path / "e.yaml", training={**TRAINING, "steps": 40})
    command = [sys.executable, "-m", "satlib", "experiment", str(path), "--out", str(tmp_path / "shared")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    options = {"stderr": subprocess.PIPE, "text": True, "env": environment}
    said = [process.communicate()[1] for process in [start([*command, "--device", "cpu"], **options) for _ in range(3)]]
    assert run_experiment(path, tmp_path / "alone", device="cpu")
    alone, shared = (sorted(read_jobs(tmp_path / name), key=runs.name_of) for name in ("alone", "shared"))
    assert list(map(measures, alone)) == list(map(measures, shared))
    finished = [line for text in said for line in text.splitlines() if line.startswith("finished: ")]
    assert len(finished) == len(alone) == 4, "none was done twice"


def test_a_training_that_another_process_has_is_left_to_it(tmp_path: Path) -> None:
    path, out = write(tmp_path / "e.yaml", seeds=[0]), tmp_path / "out"
    (out / ".locks").mkdir(parents=True)
    with locked(out / ".locks" / "none-seed0"):
        code, said = run(path, "--out", out, "--device", "cpu")
    assert code == 0 and "none-seed0 is left to the process that has it\n" in said
    assert said.endswith("not all trainings are done; the same command goes on with them\n")
    assert [job["row"] for job in read_jobs(out)] == ["center"] and not (out / "none-seed0").exists()
    code, said = run(path, "--out", out, "--device", "cpu")
    assert code == 0 and said.endswith("all trainings are done\n") and "center" not in said
    assert [job["row"] for job in read_jobs(out)] == ["center", "none"]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 0), ("SIGINT", 130)])
def test_a_signal_in_the_last_step_of_a_training_ends_the_experiment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int
) -> None:
    path, out, number = write(tmp_path / "e.yaml", seeds=[0]), tmp_path / "out", getattr(signal, name)
    before, step = signal.signal(number, signal.SIG_DFL), Session.step  # it may be ignored here, as under nohup

    def interrupted(self: Session) -> None:
        step(self)
        if self.state.step == TRAINING["steps"]:
            os.kill(os.getpid(), number)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(Session, "step", interrupted)
            ended, said = run(path, "--out", out, "--device", "cpu")
    finally:
        signal.signal(number, before)
    assert ended == code and said.endswith("not all trainings are done; the same command goes on with them\n")
    assert read_jobs(out) == [] and not (out / "center-seed0").exists()
    ended, said = run(path, "--out", out, "--device", "cpu")
    assert ended == 0 and "going on from step 12 of 12\n" in said
    assert [job["row"] for job in read_jobs(out)] == ["none", "center"]


def test_rows_and_seeds_can_be_chosen(tmp_path: Path) -> None:
    path, out = write(tmp_path / "e.yaml"), tmp_path / "out"
    code, said = run(path, "--out", out, "--device", "cpu", "--row", "center", "--seed", 1)
    assert code == 0 and "training 1 of 1: center-seed1\n" in said and said.endswith("all trainings are done\n")
    assert [runs.name_of(job) for job in read_jobs(out)] == ["center-seed1"]
    found = read_experiment(path, "data")
    assert [t.name for t in found.chosen(["center", "none"], [1])] == ["none-seed1", "center-seed1"]
    assert [t.name for t in found.chosen([], [0])] == ["none-seed0", "center-seed0"]
    assert found.chosen([], []) == list(found.trainings)
    for choice, message in (
        (("--row", "centre"), "no row 'centre'; there are none, center"),
        (("--seed", 2), "no seed 2; there are 0, 1"),
    ):
        code, said = run(path, "--out", tmp_path / "new", *choice)
        assert code == 2 and said == f"satlib: {message}\n"
        assert not (tmp_path / "new").exists()


def test_what_is_done_stays_and_other_choices_are_refused(tmp_path: Path) -> None:
    path, out = write(tmp_path / "e.yaml", seeds=[0], rows={"none": ROWS["none"]}), tmp_path / "out"
    code, said = run(path, "--out", out, "--device", "cpu")
    assert code == 0 and "swap 0," in said, "nothing is read, so that nothing is lost"
    before = (out / RESULTS).read_bytes()
    assert run(path, "--out", out)[0] == 0
    assert (out / RESULTS).read_bytes() == before
    write(path, seeds=[0], rows={"none": ["network.selective=exact"]})
    code, said = run(path, "--out", out)
    differs = "network.selective='none', not 'exact'; choose another folder"
    assert code == 2 and f"{out} has results of none-seed0 with {differs}" in said
    for field, value, was in (("precision", "bf16-mixed", "32-true"), ("milestones", [3], "[]")):
        write(path, seeds=[0], rows={"none": ROWS["none"]}, training=TRAINING | {field: value})
        code, said = run(path, "--out", out)
        assert code == 2 and f"has results of none-seed0 with {field}=" in said and was in said
    (out / RESULTS).write_text("{")
    code, said = run(path, "--out", out)
    assert code == 2 and "does not hold an experiment's results" in said


def test_results_of_a_version_with_fewer_options_stay(tmp_path: Path) -> None:
    path, out = write(tmp_path / "e.yaml", seeds=[0], rows={"none": ROWS["none"]}), tmp_path / "out"
    assert run(path, "--out", out, "--device", "cpu")[0] == 0
    before, file = (out / RESULTS).read_bytes(), out / "none-seed0" / CONFIG
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    del values["degradation"], values["network"]["qk_ratio"]
    file.write_text(yaml.safe_dump(values), encoding="utf-8")
    assert run(path, "--out", out)[0] == 0 and (out / RESULTS).read_bytes() == before
    file.unlink()
    code, said = run(path, "--out", out)
    assert code == 2 and str(file) in said, "what was trained is not known"


def test_an_experiment_on_photographs_is_measured_on_those_held_out(tmp_path: Path) -> None:
    store = str(make_store(tmp_path))
    training = {**TRAINING, "store": store, "holdout": 2, "patch": 8}
    path = write(tmp_path / "e.yaml", training=training, seeds=[0], rows={"exact": ["network.selective=exact"]})
    content = yaml.safe_load(path.read_text())
    del content["scenes"]
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    assert run_experiment(path, tmp_path / "out", device="cpu")
    (job,) = json.loads((tmp_path / "out" / RESULTS).read_text())["jobs"]
    assert {"psnr", "bicubic", "swap", "swap_error", "seconds", "step", "satlib", "torch"} <= job.keys()
    assert "parts" not in job


# Measures ------------------------------------------------------------------------------------------------------------


def network(selective: str = "aggregate") -> SAT:
    torch.manual_seed(0)
    model = SAT(SATConfig.from_dict({**NETWORK, "selective": selective})).eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.05 * torch.randn_like(weight))
    return model


@pytest.mark.parametrize("kind", ["copies", "legends"])
def test_scenes_are_measured_as_by_hand(kind: str) -> None:
    model, found = network(), {"psnr": [], "parts": [], "gain": [], "swap_parts": []}
    scenes = Scenes(kind, 16, (1, 2), (7, 3))
    measured = on_scenes(model, scenes)
    drawn = [scenes.draw(7, i) for i in range(3)]
    side, judged = (12, 1) if kind == "copies" else (8, 12)
    for i, own in enumerate(drawn):
        sr = upscale(downscale(own.hr, 2), model, margin=0)
        other = swapped(model, *(to_tensor(downscale(s.hr, 2)) for s in (own, drawn[(i + 1) % 3])))
        read = np.rint(other.permute(1, 2, 0).clamp(0, 1).numpy() * 255).astype(np.uint8)
        alone = upscale(downscale(scenes.draw(7, i, broken=True).hr, 2), model, margin=0)

        def parts(image: np.ndarray, n: int, own=own) -> float:
            cut = [[x[r : r + side, c : c + side] for r, c in own.corners[:n]] for x in (image, own.hr)]
            return psnr(np.hstack(cut[0]), np.hstack(cut[1]))

        found["psnr"].append(psnr(sr, own.hr, border=2))
        found["parts"].append(parts(sr, 12))
        found["gain"].append(parts(sr, judged) - parts(alone, judged))
        found["swap_parts"].append(parts(sr, 12) - parts(read, 12))
    for name, values in found.items():
        assert measured[name] == pytest.approx(np.mean(values), abs=1e-9), name
    assert measured["gain_error"] == pytest.approx(np.std(found["gain"], ddof=1) / np.sqrt(3))
    assert abs(measured["swap_parts"]) > 0


def test_a_network_without_saa_loses_nothing_by_the_swap() -> None:
    measured = on_scenes(network("none"), Scenes("copies", 16, (1, 2), (7, 2)))
    assert measured["swap"] == measured["swap_parts"] == measured["swap_error"] == 0


def test_photographs_of_unequal_sizes_are_measured() -> None:
    random = np.random.default_rng(0)
    hrs = [random.integers(0, 256, (2 * h, 2 * w, 3), dtype=np.uint8) for h, w in ((9, 12), (8, 10))]
    examples = [Example(str(i), downscale(hr, 2), hr) for i, hr in enumerate(hrs)]
    model = network()
    measured = on_examples(model, examples)
    own = [psnr(upscale(e.lr, model, margin=0), e.hr, border=2) for e in examples]
    assert measured["psnr"] == pytest.approx(np.mean(own))
    assert measured["swap"] != 0


def test_a_row_is_loaded_as_it_was_trained(tmp_path: Path) -> None:
    path = write(tmp_path / "e.yaml", seeds=[3], rows={"none": ROWS["none"]})
    assert run_experiment(path, tmp_path / "out", device="cpu")
    model = load(tmp_path / "out" / "none-seed3" / "last.safetensors")
    assert model.config.selective == "none"
    (job,) = read_jobs(tmp_path / "out")
    assert job["params"] == sum(p.numel() for p in model.parameters()) and job["step"] == 12


@pytest.mark.parametrize("degradation", [None, "one-pass"])
def test_photographs_are_measured_as_they_were_validated(degradation: str | None, tmp_path: Path) -> None:
    """Degraded where the training degrades: the last validation gives the same level."""
    data = {"store": str(make_store(tmp_path)), "holdout": 2, "patch": 8, "ema": None, "degradation": degradation}
    path = tmp_path / "e.yaml"
    experiment = {"training": {**TRAINING, **data}, "rows": {"none": ROWS["none"]}, "seeds": [0]}
    path.write_text(yaml.safe_dump(experiment), encoding="utf-8")
    assert run_experiment(path, tmp_path / "out", device="cpu")
    (job,) = read_jobs(tmp_path / "out")
    assert job["psnr"] == pytest.approx(read_table(tmp_path / "out" / "none-seed0" / VALID)[-1]["psnr"], abs=1e-6)


@pytest.mark.slow
def test_a_training_that_cannot_be_done_is_named_and_the_others_are_done(tmp_path: Path) -> None:
    rows = {"diverging": ["learning_rate=1e30"], "wide": ["patch=64"], "none": ROWS["none"]}
    training = {key: value for key, value in TRAINING.items() if key not in ("steps", "log_every")}
    path = write(tmp_path / "e.yaml", seeds=[0], rows=rows, training={**training, "steps": 120, "log_every": 120})
    code, said = run(path, "--out", tmp_path / "out", "--device", "cpu")
    assert code == 1 and "2 of 3 trainings could not be used; the others are done" in said
    assert re.search(r"\| diverging-seed0 +\| .* not finite", said)
    assert re.search(r"\| wide-seed0 +\| .*64", said) and "Traceback" not in said
    assert [job["row"] for job in read_jobs(tmp_path / "out")] == ["none"]


@pytest.mark.slow
@pytest.mark.parametrize("error", [OSError("no such file: it"), RuntimeError("out of memory"), ZeroDivisionError("it")])
@pytest.mark.parametrize("what", ["train", "_measured"])
def test_whatever_a_training_raises_the_others_are_done(
    tmp_path: Path, monkeypatch, what: str, error: Exception
) -> None:
    done, path = getattr(runs, what), write(tmp_path / "e.yaml", seeds=[0, 1], rows={"none": ROWS["none"]})

    def failing(subject, *others, **options):
        if getattr(subject, "seed", getattr(subject, "name", "")) in (0, "none-seed0"):
            raise error
        return done(subject, *others, **options)

    monkeypatch.setattr(runs, what, failing)
    code, said = run(path, "--out", tmp_path / "out", "--device", "cpu")
    assert code == 1 and "1 of 2 trainings could not be used; the others are done" in said
    assert re.search(rf"\| none-seed0 +\| {error}", said) and "Traceback" not in said
    assert [job["seed"] for job in read_jobs(tmp_path / "out")] == [1]


@pytest.mark.slow
def test_a_training_whose_curve_is_gone_is_named_and_the_others_are_measured(tmp_path: Path) -> None:
    path, out = write(tmp_path / "e.yaml", rows={"none": ROWS["none"]}), tmp_path / "out"
    assert run(path, "--out", out, "--device", "cpu")[0] == 0
    (out / RESULTS).unlink()
    (out / "none-seed0" / TRAIN).unlink()
    code, said = run(path, "--out", out, "--device", "cpu")
    assert code == 1 and "1 of 2 trainings could not be used; the others are done" in said
    assert re.search(r"\| none-seed0 +\| .*has no rows of the training", said) and "Traceback" not in said
    assert [job["seed"] for job in read_jobs(out)] == [1]
