"""The whole loop: it learns, it goes on exactly where it stopped, and nothing that was saved is ever lost."""

import csv
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image
from processes import PATIENCE, start, wait_for
from safetensors.torch import load_file
from slowness import slow_but
from training_runs import config, make_store

from satlib import load
from satlib.training import Result, TrainConfig, read_config, read_table, train
from satlib.training import loop as loops
from satlib.training import session as sessions
from satlib.training import validation as validations
from satlib.training.checkpoints import checkpoints, read
from satlib.training.stopper import Stopper, parse_duration

FILES = ("first", "last", "best")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def run(settings: TrainConfig, out: Path, **options: object) -> Result:
    return train(settings, out, device="cpu", **options)


def assert_same_run(
    a: Path, b: Path, *, columns: tuple[str, ...] = ("step", "loss", "learning_rate", "skipped")
) -> None:
    """All weights, the whole optimiser, and the curves but for the times are equal bit for bit."""
    for name in FILES:
        x, y = (load_file(folder / f"{name}.safetensors") for folder in (a, b))
        assert x.keys() == y.keys() and all(torch.equal(x[key], y[key]) for key in x), name
    x, y = (read(checkpoints(folder / "checkpoints")[0]) for folder in (a, b))
    assert x["step"] == y["step"] and x["best"] == y["best"] and torch.equal(x["sums"], y["sums"])
    for i, values in x["optimizer"]["state"].items():
        assert all(torch.equal(values[key], y["optimizer"]["state"][i][key]) for key in values)
    tables = [[[row[c] for c in columns] for row in read_table(folder / "train.csv")] for folder in (a, b)]
    assert tables[0] == tables[1]
    psnr = [[(row["step"], row["psnr"], row["ssim"]) for row in read_table(folder / "valid.csv")] for folder in (a, b)]
    assert psnr[0] == psnr[1]


def test_a_run_learns_and_writes_what_it_says(store: Path, tmp_path: Path) -> None:
    lines: list[str] = []
    settings = config(store, steps=60, learning_rate=5e-3, log_every=20, validate_every=30, save_every=30, samples=1)
    result = run(settings, tmp_path / "run", say=lines.append)
    assert (result.step, result.finished, result.stopped_by, result.skipped) == (60, True, None, 0)
    table = read_table(tmp_path / "run" / "train.csv")
    assert [row["step"] for row in table] == [20, 40, 60] and table[-1]["loss"] < 0.8 * table[0]["loss"]
    valid = read_table(tmp_path / "run" / "valid.csv")
    assert [row["step"] for row in valid] == [30, 60] and max(row["psnr"] for row in valid) == pytest.approx(
        result.psnr
    )
    assert read_config(tmp_path / "run" / "config.yaml") == settings
    assert load(tmp_path / "run" / "last.safetensors").config == settings.network
    assert (tmp_path / "run" / "samples" / "step-00000060" / "p2.png").is_file()
    assert list((tmp_path / "run" / "tensorboard").iterdir())
    assert [line.split()[0] for line in lines] == ["training"] + ["step"] * 5 + ["finished:"]


IN_PIECES = [
    {},
    {"ema": None, "schedule": "steps", "milestones": (5,), "accumulate": 2, "workers": 1},
    {"degradation": "two-passes", "steps": 8},
]


@pytest.mark.parametrize("changes", slow_but([{}], IN_PIECES))
def test_a_run_in_pieces_is_the_run_in_one(store: Path, tmp_path: Path, changes: dict[str, object]) -> None:
    settings = config(store, **changes)
    run(settings, tmp_path / "whole")
    pieces: list[Result] = []
    while not pieces or not pieces[-1].finished:
        pieces.append(run(settings, tmp_path / "pieces", resume=True, time_limit=0.05))
    assert len(pieces) >= 3 and {piece.stopped_by for piece in pieces[:-1]} == {"time limit"}
    assert_same_run(tmp_path / "whole", tmp_path / "pieces")


def test_the_global_generator_is_left_as_it_was(store: Path, tmp_path: Path) -> None:
    before = torch.get_rng_state()
    run(config(store, steps=2), tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_of_photographs_of_one_name_do_not_replace_each_other(store: Path, tmp_path: Path) -> None:
    photographs = tmp_path / "validation"
    photographs.mkdir()
    for number, name in enumerate(("a.png", "a.webp", "b.png")):
        Image.new("RGB", (32, 30), (90 * number, 0, 0)).save(photographs / name, lossless=True)
    settings = config(store, steps=1, holdout=0, validation=str(photographs), samples=3)
    run(settings, tmp_path / "run")
    (folder,) = (tmp_path / "run" / "samples").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == ["a-1.png", "a.png", "b.png"]


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_it_takes_gradients_where_the_caller_takes_none(
    store: Path, tmp_path: Path, around: type[torch.no_grad]
) -> None:
    with around():
        run(config(store, steps=3), tmp_path / "around")
        assert not torch.is_grad_enabled()
    run(config(store, steps=3), tmp_path / "plain")
    assert_same_run(tmp_path / "around", tmp_path / "plain")


def test_weights_are_float32_whatever_torchs_default_is(store: Path, tmp_path: Path) -> None:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        run(config(store, steps=2), tmp_path / "run")
    finally:
        torch.set_default_dtype(before)
    for name in FILES:
        weights = load_file(tmp_path / "run" / f"{name}.safetensors")
        assert {weight.dtype for name, weight in weights.items() if name != "satlib_config"} == {torch.float32}


def test_a_time_limit_that_is_no_number_is_named(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time_limit must be a number of seconds, got nan"):
        run(config(store), tmp_path / "run", time_limit=float("nan"))
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_killed_at_random_moments(store: Path, tmp_path: Path) -> None:
    """`python tests/training_runs.py STORE OUT 100 0 4000` kills a hundred times."""
    script = Path(__file__).parents[1].joinpath("training_runs.py")
    for folder, kills in (("whole", 0), ("killed", 4)):
        command = [sys.executable, str(script), str(store), str(tmp_path / folder), str(kills), "1", "120"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, str(kills)), done.stderr
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_saves_and_ends(store: Path, tmp_path: Path, number: signal.Signals, code: int) -> None:
    from satlib.training import write_config

    write_config(config(store, steps=10**6, save_every=10**6, validate_every=10**6), tmp_path / "c.yaml")
    command = [sys.executable, "-m", "satlib", "train", str(tmp_path / "c.yaml"), "-o", str(tmp_path / "run")]
    process = start([*command, "--device", "cpu"], stderr=subprocess.PIPE, text=True)
    table = tmp_path / "run" / "train.csv"
    wait_for(lambda: read_table(table) or process.poll() is not None, "no step was made")
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, errors
    (checkpoint,) = checkpoints(tmp_path / "run" / "checkpoints")
    step = read(checkpoint)["step"]
    assert f"stopped by {number.name} at step {step:,}" in errors
    assert load(tmp_path / "run" / "last.safetensors").config.channels == 8


def test_a_run_has_the_threads_that_it_asks_for_and_gives_them_back(store: Path, tmp_path: Path) -> None:
    before, seen = torch.get_num_threads(), set()
    for threads in (2, None):
        train(
            config(store, steps=2, log_every=1, threads=threads),
            tmp_path / str(threads),
            device="cpu",
            say=lambda line: seen.add(torch.get_num_threads()) if line.startswith("step ") else None,
        )
        assert torch.get_num_threads() == before
    assert seen == {2, before}


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    """A shell ignores it for what is started with `&`: it is meant for the program in front."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stopper() as stopper:
            os.kill(os.getpid(), signal.SIGINT)
            assert stopper.reason(0.0) is None
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopper.reason(0.0) == "SIGTERM"
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_folder_with_a_run_is_not_overwritten(store: Path, tmp_path: Path) -> None:
    run(config(store, steps=4), tmp_path)
    with pytest.raises(ValueError, match="holds a run already; go on with --resume auto, or choose another folder"):
        run(config(store, steps=4), tmp_path)
    with pytest.raises(ValueError, match="seed=0, not 1"):
        run(config(store, steps=4, seed=1), tmp_path, resume=True)
    assert run(config(store, steps=6), tmp_path, resume=True).step == 6


def test_a_finished_run_stays_as_it_is(store: Path, tmp_path: Path) -> None:
    run(config(store, steps=4), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    assert run(config(store, steps=4), tmp_path, resume=True).finished
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before


@pytest.mark.parametrize(
    "changes", [{}, {"start": "interpolation", "query_std": 0.35}], ids=["random", "interpolation"]
)
def test_from_what_is_kept_of_a_run_its_networks_are_made_again(
    store: Path, tmp_path: Path, changes: dict[str, object]
) -> None:
    """The repository keeps checkpoints without networks; the chapters want the first, the last and the best."""
    settings = config(store, steps=40, validate_every=20, save_every=20, learning_rate=5e-3, **changes)
    run(settings, tmp_path / "run")
    networks = [tmp_path / "run" / f"{name}.safetensors" for name in FILES]
    before = [path.read_bytes() for path in networks]
    psnr = [row["psnr"] for row in read_table(tmp_path / "run" / "valid.csv")]
    assert psnr[-1] == max(psnr)  # or the best one could not be had from the last checkpoint
    for path in networks:
        path.unlink()
    assert run(settings, tmp_path / "run", resume=True).finished
    assert [path.read_bytes() for path in networks] == before


def test_the_best_network_is_not_made_of_another_one(store: Path, tmp_path: Path) -> None:
    settings = config(store, steps=4, validate_every=2)
    run(settings, tmp_path / "run")
    (tmp_path / "run" / "best.safetensors").unlink()
    table = tmp_path / "run" / "valid.csv"
    rows = table.read_text().splitlines()
    table.write_text("\n".join([*rows[:-1], rows[-1].replace(",", ",9", 1)]) + "\n")  # another PSNR than the best
    assert run(settings, tmp_path / "run", resume=True).finished
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_the_last_network_is_that_of_the_checkpoint(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run may be killed after the last checkpoint and before its network."""
    settings = config(store, steps=6, holdout=0, save_every=3)
    run(settings, tmp_path / "whole")
    real = sessions.save_network

    def killed(model, path):
        if path.name == "last.safetensors" and path.exists():
            raise OSError("killed")
        real(model, path)

    with monkeypatch.context() as patch:
        patch.setattr(sessions, "save_network", killed)
        with pytest.raises(OSError, match="killed"):
            run(settings, tmp_path / "run")
    networks = [tmp_path / name / "last.safetensors" for name in ("whole", "run")]
    assert networks[0].read_bytes() != networks[1].read_bytes()
    assert run(settings, tmp_path / "run", resume=True).finished
    assert networks[0].read_bytes() == networks[1].read_bytes()


def test_curves_without_a_checkpoint_are_not_dropped_without_a_word(store: Path, tmp_path: Path) -> None:
    run(config(store, steps=4), tmp_path / "run")
    for path in checkpoints(tmp_path / "run" / "checkpoints"):
        path.unlink()
    lines: list[str] = []
    run(config(store, steps=4), tmp_path / "run", resume=True, say=lines.append)
    assert lines[0] == f"{tmp_path / 'run'} has curves and no checkpoint: beginning anew"


def test_a_table_that_a_spreadsheet_has_saved_is_read(store: Path, tmp_path: Path) -> None:
    run(config(store, steps=4, log_every=2), tmp_path / "run")
    table = tmp_path / "run" / "train.csv"
    rows, text = read_table(table), table.read_text()
    table.write_text(text, encoding="utf-8-sig")
    assert read_table(table) == rows != []
    assert run(config(store, steps=5), tmp_path / "run", resume=True).finished
    assert table.read_text().startswith(text)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"epoch,loss\n1,2\n", "has no column 'step', but epoch, loss"),
        (b"step,loss\n\xff,2\n", "can't decode byte 0xff"),
    ],
)
def test_another_table_is_named(store: Path, tmp_path: Path, content: bytes, expected: str) -> None:
    run(config(store, steps=4), tmp_path / "run")
    table = tmp_path / "run" / "valid.csv"
    table.write_bytes(content)
    with pytest.raises(ValueError, match=f"valid.csv is no table of a run: .*{expected}"):
        run(config(store, steps=5), tmp_path / "run", resume=True)
    assert table.read_bytes() == content


def test_a_start_from_a_file_is_not_made_again(store: Path, tmp_path: Path) -> None:
    """The file may be another one by now."""
    run(config(store, steps=2), tmp_path / "earlier")
    settings = config(store, steps=4, start=str(tmp_path / "earlier" / "last.safetensors"))
    run(settings, tmp_path / "run")
    (tmp_path / "run" / "first.safetensors").unlink()
    assert run(settings.replace(steps=5), tmp_path / "run", resume=True).finished
    assert not (tmp_path / "run" / "first.safetensors").exists()


def test_damaged_checkpoints_are_named_and_passed_over(store: Path, tmp_path: Path) -> None:
    settings = config(store, save_every=3, keep=4)
    run(settings, tmp_path / "whole")
    run(settings, tmp_path / "run")
    for path in checkpoints(tmp_path / "run" / "checkpoints")[:2]:
        path.write_bytes(path.read_bytes()[:-50])
    lines: list[str] = []
    run(settings, tmp_path / "run", resume=True, say=lines.append)
    assert [line.split(" ")[0] for line in lines[:3]] == ["checkpoint", "checkpoint", "going"]
    assert "going on from step 9 of 12" in lines[2]
    assert_same_run(tmp_path / "whole", tmp_path / "run")
    for path in checkpoints(tmp_path / "run" / "checkpoints"):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match="has no checkpoint that is whole"):
        run(settings, tmp_path / "run", resume=True)


def poison(monkeypatch: pytest.MonkeyPatch, bad_steps: range) -> None:
    """Make the loss of some steps infinite."""
    real = sessions.train_step

    def step(fabric, model, optimizer, state, parts, settings, graph):
        if state.step in bad_steps:
            parts = [pair._replace(hr=pair.hr.float() * torch.inf) for pair in parts]
        real(fabric, model, optimizer, state, parts, settings, graph)

    monkeypatch.setattr(sessions, "train_step", step)


def test_steps_without_a_finite_loss_are_skipped_and_counted(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, range(2, 5))
    lines: list[str] = []
    result = run(config(store), tmp_path, say=lines.append)
    assert (result.finished, result.skipped) == (True, 3)
    assert [row["skipped"] for row in read_table(tmp_path / "train.csv")] == [1, 3, 3, 3]
    assert all(tensor.isfinite().all() for tensor in load_file(tmp_path / "last.safetensors").values())
    assert lines[-3].endswith("skipped 3")


def test_a_run_whose_loss_stays_infinite_is_given_up(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poison(monkeypatch, range(5, 10**6))
    monkeypatch.setattr(sessions, "MAX_STREAK", 4)
    with pytest.raises(FloatingPointError, match="the loss was not finite in the 4 steps up to step 9"):
        run(config(store), tmp_path)
    assert [path.name for path in checkpoints(tmp_path / "checkpoints")] == ["step-00000008.pt", "step-00000005.pt"]
    content = read(checkpoints(tmp_path / "checkpoints")[0])
    assert all(tensor.isfinite().all() for tensor in content["model"].values())


def test_two_runs_do_not_share_a_folder(store: Path, tmp_path: Path) -> None:
    from satlib.support.files import locked

    (tmp_path / "run").mkdir()
    with locked(tmp_path / "run" / ".lock"), pytest.raises(OSError, match="being written by another process"):
        run(config(store), tmp_path / "run")


def test_data_that_are_gone_or_of_another_scale_are_an_error(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a complete store"):
        run(config(tmp_path / "nowhere"), tmp_path / "run")
    from training_runs import network

    with pytest.raises(ValueError, match="has no scale 8"):
        run(config(store, network=network(scale=8)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_rows_after_the_checkpoint_are_taken_out(store: Path, tmp_path: Path) -> None:
    run(config(store, steps=8), tmp_path)
    for name, width in (("train.csv", 6), ("valid.csv", 4)):
        with (tmp_path / name).open("a", newline="") as file:
            csv.writer(file).writerow([9] + [0.5] * (width - 1))
            file.write("10,0.")
    run(config(store, steps=9), tmp_path, resume=True)
    assert [row["step"] for row in read_table(tmp_path / "train.csv")] == [3, 6, 8, 9]
    assert read_table(tmp_path / "train.csv")[-1]["loss"] != 0.5
    assert [row["step"] for row in read_table(tmp_path / "valid.csv")] == [5, 8, 9]


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("9m", 540), ("1.5h", 5400), ("1h30m", 5400), ("2d", 172800)]
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "9 m", "-3s", "1x", "1h30"])
def test_bad_durations(text: str) -> None:
    with pytest.raises(ValueError, match="a duration is written as"):
        parse_duration(text)


def test_without_float64_a_run_is_the_same_but_for_the_rounding_of_its_log(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constant = {"schedule": "steps"}
    run(config(store, steps=6, **constant), tmp_path / "wide")
    for module in (loops, validations):
        monkeypatch.setattr(module, "widest", lambda device: torch.float32)
    run(config(store, steps=3, **constant), tmp_path / "narrow")
    run(config(store, steps=6, **constant), tmp_path / "narrow", resume=True)
    assert read(checkpoints(tmp_path / "narrow" / "checkpoints")[0])["sums"].dtype == torch.float32
    wide, narrow = ([row["loss"] for row in read_table(tmp_path / name / "train.csv")] for name in ("wide", "narrow"))
    assert narrow == pytest.approx(wide, rel=1e-6)
    weights = (load_file(tmp_path / name / "last.safetensors") for name in ("wide", "narrow"))
    for a, b in zip(*(w.values() for w in weights), strict=True):
        assert torch.equal(a, b)


def test_auto_never_takes_mps(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert train(config(store, steps=1, holdout=0), tmp_path, device="auto").finished


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="torch has MPS here")
def test_mps_that_is_not_there_is_named(store: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="device 'mps' cannot be used: torch has none here"):
        train(config(store), tmp_path, device="mps")
