"""`satlib train` as a command: what it says and how it exits. tests/training/test_training.py sends it signals."""

from importlib import util
from pathlib import Path

import pytest
from training_runs import config, make_store
from typer.testing import CliRunner

from satlib import load
from satlib.commands.app import app
from satlib.data import Store
from satlib.training import write_config


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def call(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["train", *map(str, arguments)])
    return result.exit_code, result.stderr


def test_train_and_go_on(store: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "c.yaml", tmp_path / "run"
    write_config(config(store, steps=3), file)
    code, said = call(file, "-o", out, "--device", "cpu", "--set", "log_every=1", "--set", "ema=null")
    assert code == 0 and "step 3/3" in said and f"finished: {out}" in said
    n_params = sum(p.numel() for p in load(out / "last.safetensors").parameters())
    n = len(Store(store, 2)) - 1
    first = f"training {n_params:,} parameters on cpu with {n} photographs; a line every 1 of 3 steps"
    assert said.splitlines()[0] == first
    assert not (out / "train.csv").read_text().startswith("step 1")
    code, said = call(file, "-o", out, "--device", "cpu", "--set", "steps=5", "--resume", "auto", "--set", "ema=null")
    assert code == 0 and "going on from step 3 of 5" in said
    code, said = call(file, "-o", tmp_path / "one", "--device", "cpu", "--set", "holdout=3", "--set", "log_every=100")
    assert code == 0 and "with 1 photograph; a line every 3 of 3 steps" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "steps=0"], "steps must be an integer of at least 1, got 0"),
        (["--set", "speed=2"], "unknown TrainConfig field 'speed'"),
        (["--time-limit", "soon"], "a duration is written as 90s, 9m, 1h30m or 2d, got 'soon'"),
        (["--resume", "yes"], "--resume must be auto or never, got 'yes'"),
        (["--devices", "0"], "devices and nodes must be at least 1, got 0 and 1"),
        (["--device", "tpu"], "device must be auto, cpu, cuda or mps, got 'tpu'"),
        (
            ["--set", "store=/nowhere"],
            "/nowhere is not a complete store; `satlib data prepare PHOTOS --to /nowhere` makes one",
        ),
        (["--set", "start=/nowhere.safetensors"], "no such file: /nowhere.safetensors"),
        (["--set", "patch=30"], "no photograph of"),
        (["--set", "validation=/nowhere"], "holdout must be 0 beside a validation folder, got 1"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    store: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    write_config(config(store, steps=3), tmp_path / "c.yaml")
    code, said = call(tmp_path / "c.yaml", "-o", tmp_path / "run", *arguments)
    assert code == 2 and message in said and said.count("\n") == 1
    assert not list(tmp_path.glob("run/*.*"))


def test_what_is_no_configuration_and_no_folder_is_named(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_bytes(b"\x89PNG")
    assert call(file) == (2, f"satlib: {file} is not YAML: it is not text in UTF-8\n")
    write_config(config(store, steps=3), file)
    assert call(file, "-o", file) == (2, f"satlib: {file} is a file; a run needs a folder\n")


def test_a_missing_file_and_a_missing_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(tmp_path / "none.yaml") == (2, f"satlib: {tmp_path / 'none.yaml'}: No such file or directory\n")
    monkeypatch.setattr(
        "satlib.commands.train.find_spec", lambda name: util.find_spec(name) if name == "yaml" else None
    )
    code, said = call(tmp_path / "none.yaml")
    assert code == 2 and "training needs the package lightning_fabric: pip install 'satlib[train]'" in said
