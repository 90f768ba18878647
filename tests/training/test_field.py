"""What people report of trainings: checks that come too late, steps that are lost, resumes that say nothing."""

import csv
import os
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from training_runs import config, make_store, network

from satlib.data import prepare
from satlib.training import checkpoints as states
from satlib.training import read_table, train
from satlib.training import session as sessions
from satlib.training.checkpoints import checkpoints, newest
from satlib.training.loop import _left_out
from satlib.training.stopper import SIGNALS, Stopper


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def steps_kept(out: Path) -> int:
    content, _ = newest(out / "checkpoints")
    return 0 if content is None else content["step"]


def run(settings, out: Path, **options) -> list[str]:
    lines: list[str] = []
    train(settings, out, device="cpu", say=lines.append, **options)
    return lines


def photographs(folder: Path, *sides: int) -> Path:
    folder.mkdir()
    random = np.random.default_rng(0)
    for number, side in enumerate(sides):
        Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(folder / f"p{number}.png")
    return folder


def test_validation_images_that_cannot_be_measured_are_named_before_the_first_step(store: Path, tmp_path: Path) -> None:
    images = photographs(tmp_path / "images", 40, 13, 14, 16)
    with pytest.raises(ValueError) as error:
        run(config(store, holdout=0, validation=str(images)), tmp_path / "run")
    assert "p1: SSIM needs 11x11 pixels, got 8x8 after border=2; p2: SSIM needs" in str(error.value)
    assert "p3" not in str(error.value) and not (tmp_path / "run").exists()


@pytest.mark.parametrize("failure", [ValueError("too small"), OSError(28, "full"), RuntimeError("bug"), MemoryError()])
def test_a_run_that_fails_in_validation_keeps_its_steps(store: Path, tmp_path: Path, monkeypatch, failure) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    with monkeypatch.context() as patch, pytest.raises(type(failure)):
        patch.setattr(sessions, "validate", fail)
        run(config(store, save_every=100), tmp_path / "run")
    assert steps_kept(tmp_path / "run") == 5
    run(config(store, save_every=100), tmp_path / "run", resume=True)
    assert [row["step"] for row in read_table(tmp_path / "run/valid.csv")] == [5, 10, 12]
    run(config(store, save_every=100), tmp_path / "whole")
    last = "last.safetensors"
    assert (tmp_path / "run" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


def test_no_validation_begins_before_its_step_is_kept(store: Path, tmp_path: Path, monkeypatch) -> None:
    """A killed process runs nothing more, so what it finds then is what stays."""
    kept: list[tuple[int, int]] = []
    validate = sessions.validate

    def watched(*arguments, folder: Path, **options):
        kept.append((int(folder.name.removeprefix("step-")), steps_kept(tmp_path / "run")))
        return validate(*arguments, folder=folder, **options)

    monkeypatch.setattr(sessions, "validate", watched)
    run(config(store, save_every=100), tmp_path / "run")
    assert kept == [(5, 5), (10, 10), (12, 12)]


def test_validation_on_other_images_is_refused_and_both_are_named(store: Path, tmp_path: Path) -> None:
    one, other = (photographs(tmp_path / name, *sides) for name, sides in (("one", (40, 44)), ("other", (40, 48))))
    settings = config(store, holdout=0, validation=str(one))
    run(replace(settings, steps=5), tmp_path / "run")
    moved = one.rename(tmp_path / "moved")
    settings = replace(settings, steps=6, validation=str(moved))
    run(settings, tmp_path / "run", resume=True)
    said = re.escape(f"holds a run validated on validation={str(moved)!r}, not on validation={str(other)!r}; choose")
    with pytest.raises(ValueError, match=said):
        run(replace(settings, steps=7, validation=str(other)), tmp_path / "run", resume=True)
    moved.rename(tmp_path / "kept")
    photographs(moved, 40, 52)
    with pytest.raises(ValueError, match=f"validated on validation={str(moved)!r}, whose images are others now"):
        run(replace(settings, steps=7), tmp_path / "run", resume=True)
    assert steps_kept(tmp_path / "run") == 6
    assert [row["step"] for row in read_table(tmp_path / "run/valid.csv")] == [5, 6]


def test_a_log_that_cannot_be_written_keeps_the_steps_and_is_named(store: Path, tmp_path: Path, monkeypatch) -> None:
    write = csv.DictWriter.writerow

    def full(self: csv.DictWriter, row: dict[str, str]) -> object:
        if row["step"] == "step":  # the head
            return write(self, row)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(csv.DictWriter, "writerow", full)
    with pytest.raises(OSError) as error:
        run(config(store, save_every=100), tmp_path / "run")
    assert error.value.filename == str(tmp_path / "run/train.csv") and steps_kept(tmp_path / "run") == 3


def test_the_checkpoint_comes_before_the_network(store: Path, tmp_path: Path, monkeypatch) -> None:
    def full(network: object, path: Path) -> None:
        if path.name == "last.safetensors" and checkpoints(path.parent / "checkpoints"):
            raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(sessions, "save_network", full)
    with pytest.raises(OSError, match=r"last\.safetensors"):
        run(config(store), tmp_path / "run")
    assert steps_kept(tmp_path / "run") == 4


def test_a_disk_without_room_for_the_checkpoints_is_told_before(store: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda place: type("Usage", (), {"free": 10_000}))
    with pytest.raises(OSError, match="run: the disk has no room for the checkpoints and networks of the run: "):
        run(config(store), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_room_that_is_asked_for_is_what_a_run_takes(store: Path, tmp_path: Path) -> None:
    settings = config(store, network=network(channels=32, upsampler_channels=32))
    run(settings, tmp_path / "run")
    files = [*(tmp_path / "run").glob("*.safetensors"), *checkpoints(tmp_path / "run/checkpoints")]
    taken = sum(path.stat().st_size for path in files)
    n_params = sum(tensor.numel() for tensor in newest(tmp_path / "run/checkpoints")[0]["model"].values())
    asked = states.n_bytes(settings, n_params)
    assert taken * 0.9 < asked * (settings.keep + 1) / settings.keep and asked < 2 * taken


@pytest.mark.parametrize(("at", "finished"), [(2, False), (4, True)])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_saves_and_says_which(
    store: Path, tmp_path: Path, monkeypatch, name: str, at: int, finished: bool
) -> None:
    """One that comes in the last step cannot end the run before its end, and is told all the same."""
    number, step = getattr(signal, name), sessions.Session.step
    before = signal.signal(number, signal.SIG_DFL)  # it may be ignored here, as under nohup

    def interrupted(self: sessions.Session) -> None:
        step(self)
        if self.state.step == at:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(sessions.Session, "step", interrupted)
    try:
        result = train(config(store, steps=4), tmp_path / "run", device="cpu")
    finally:
        signal.signal(number, before)
    assert (result.stopped_by, result.step, steps_kept(tmp_path / "run")) == (name, at, at)
    assert result.finished is finished


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with Stopper() as stopper:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stopper.reason(0) is None and signal.SIGHUP in SIGNALS
    finally:
        signal.signal(signal.SIGHUP, before)


def test_resuming_with_fewer_steps_another_batch_or_other_photographs_says_so(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(config(store, steps=4), out)
    written = (out / "config.yaml").read_text()
    other = prepare(photographs(tmp_path / "others", 40, 41, 42, 43), tmp_path / "other.store")
    moved = store.rename(store.with_name("moved"))
    try:
        for changes, message in (
            ({"steps": 3}, "holds a run of which 4 steps are done, more than steps=3"),
            ({"batch": 8}, "holds a run with batch=4, not 8"),
            ({"store": str(other)}, f"holds a run on other photographs than those of the store {other}"),
        ):
            with pytest.raises(ValueError, match=message):
                run(config(moved, steps=4).replace(**changes), out, resume=True)
            assert (out / "config.yaml").read_text() == written
        assert run(config(moved, steps=5), out, resume=True)[0] == "going on from step 4 of 5"
    finally:
        moved.rename(store)


def test_photographs_that_are_left_out_are_counted_and_named(tmp_path: Path) -> None:
    store = prepare(photographs(tmp_path / "images", 40, 20, 41, 17), tmp_path / "store", scales=(2,))
    lines = run(config(store, holdout=0, patch=12, steps=1), tmp_path / "run")
    assert "with 2 photographs;" in lines[0]
    assert lines[1] == "left out: 2 of 4 photographs (p1.png, p3.png), smaller than 12 x 12 pixels at scale 1/2"


def test_many_that_are_left_out_are_named_in_part() -> None:
    entries = [type("Entry", (), {"name": f"{i}.png"}) for i in range(30)]
    said = _left_out(type("Store", (), {"entries": entries}), list(range(30)), [0])
    assert said.startswith("left out: 29 of 30 photographs (1.png, 2.png") and said.endswith("20.png and 9 more)")


def test_a_folder_that_cannot_be_made_is_told_before(store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="file is not a folder"):
        run(config(store), tmp_path / "file/run")
