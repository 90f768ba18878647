"""What people report of the command line: checks that come too late, batches that one bad file ends."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from processes import PATIENCE
from typer.testing import CliRunner

import satlib.evaluation.run
from satlib.commands.app import app

RGB = np.random.default_rng(0).integers(0, 256, (30, 34, 3), dtype=np.uint8)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder of three images, one of them bad, and go there; it is the home folder, too."""
    (tmp_path / "set").mkdir()
    for name in ("a.png", "c.png"):
        Image.fromarray(RGB).save(tmp_path / "set" / name)
    (tmp_path / "set/b.png").write_bytes(b"no image")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


COMMANDS = {
    "upscale": ("upscale", "set", "out", "--model", "bicubic-x2"),
    "evaluate": ("evaluate", "bicubic", "--data", "set", "--scale", "2"),
    "prepare": ("data", "prepare", "set", "--to", "out", "--scale", "2"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_one_bad_file_of_several_is_named_in_a_table_and_the_others_are_done(place: Path, command: str) -> None:
    code, out, err = run(*COMMANDS[command])
    assert code == 1 and out
    assert "satlib: 1 of 3 images" in err
    last = err.splitlines()[-1]
    assert last.startswith("| b.png ") and "not a" in last
    (place / "set/b.png").unlink()
    assert run(*COMMANDS[command])[0] == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_can_be_done_the_exit_code_is_2(place: Path, command: str) -> None:
    for name in ("a.png", "c.png"):
        (place / "set" / name).write_bytes(b"no image")
    code, out, err = run(*COMMANDS[command])
    assert (code, out) == (2, "") and "Traceback" not in err


@pytest.mark.slow
def test_a_name_that_is_no_text_does_not_end_a_batch(place: Path) -> None:
    (place / "set/b.png").unlink()
    os.rename(os.fsencode(place / "set/a.png"), os.fsencode(place / "set") + b"/bad\xff.png")
    command = [sys.executable, "-m", "satlib", "upscale", "set", "out", "--model", "bicubic-x2"]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"out/bad\\udcff.png: 68 x 60 pixels\nout/c.png: 68 x 60 pixels\n"
    assert sorted(os.listdir(b"out")) == [b"bad\xff.png", b"c.png"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--json", "set"), "cannot write set: it is a folder"),
        (("--json", "none/x.json"), "the folder none does not exist"),
        (("--json", "n" * 252), "the name has 257 bytes, and 255 is the most"),  # with .rows
        (("--data", "none"), "no such folder: none"),
        (("--save-images", "set/a.png"), "set/a.png is not a folder"),
    ],
)
def test_evaluate_knows_before_the_work_where_it_cannot_write_or_read(
    place: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], message: str
) -> None:
    monkeypatch.setattr(satlib.evaluation.run, "measure", None)  # an error where it is called
    code, out, err = run(*COMMANDS["evaluate"], *options)
    assert (code, out, err.count("\n")) == (2, "", 1) and message in err


def test_a_folder_without_a_good_image_does_not_stop_the_other(place: Path) -> None:
    (place / "bad").mkdir()
    (place / "bad/x.png").write_bytes(b"no image")
    (place / "set/b.png").unlink()
    code, out, err = run(*COMMANDS["evaluate"], "--data", "bad", "--json", "found.json")
    assert code == 1 and "mean of 2" in out and "no image of bad could be evaluated" in err.splitlines()[-1]
    assert (place / "found.json").is_file()


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        (("upscale", "~/set/a.png", "~/o.png", "--model", "bicubic-x2"), "o.png"),
        (("evaluate", "bicubic", "--data=~/set", "--scale=2", "--json=~/o.json"), "o.json"),
        (("data", "prepare", "~/set", "--to=~/o", "--scale=2"), "o"),
    ],
)
def test_a_tilde_is_the_home_folder_in_every_command(place: Path, arguments: tuple[str, ...], written: str) -> None:
    (place / "set/b.png").unlink()
    assert run(*arguments)[0] == 0
    assert (place / written).exists() and not (place / "~").exists()
    code, _, err = run(*(argument.replace("~", "~nobody-here") for argument in arguments))
    assert code == 2 and "there is no such user" in err and err.count("\n") == 1
