"""Paths as users give them, and what is known of a place before anything is written there."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from satlib import load, upscale
from satlib.data import Store, prepare, verify
from satlib.evaluation import evaluate
from satlib.runner.notebooks import read_notebook
from satlib.support.paths import as_path, check_folder, check_name, check_room, check_writable
from satlib.support.yaml_files import read_yaml
from satlib.upscaling import upscale_file
from satlib.upscaling.models import Bicubic


def test_a_tilde_is_the_home_folder_unless_a_file_is_called_so(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert as_path("~/run") == tmp_path / "home/run"
    assert as_path(Path("~")) == tmp_path / "home"
    assert as_path("a~b") == Path("a~b") and as_path("./~") == Path("~")
    (tmp_path / "~").mkdir()
    (tmp_path / "~/run").touch()
    assert as_path("~/run") == Path("~/run")
    with pytest.raises(ValueError, match=r"model '~nobody-here/x': there is no such user; ./~nobody-here/x is"):
        as_path("~nobody-here/x", "model")


@pytest.mark.parametrize("value", [None, 7, b"bytes", ["list"], "zero\0byte", object()])
def test_what_is_no_path_is_named(value):
    with pytest.raises(ValueError, match="store must be a path, got ") as error:
        as_path(value, "store")
    assert len(str(error.value)) < 150 and "\n" not in str(error.value)


def test_names_may_be_as_long_as_the_disk_takes(tmp_path):
    longest = os.pathconf(tmp_path, "PC_NAME_MAX")
    name = "图" * (longest // 3 - 2)
    assert check_writable(tmp_path / f"{name}.png") == tmp_path / f"{name}.png"
    with pytest.raises(OSError, match=f"the name has {longest + 1} bytes, and {longest} is the most"):
        check_name(tmp_path / ("n" * (longest + 1)))
    with pytest.raises(OSError, match="is the most"):
        check_folder(tmp_path / "new" / ("n" * (longest + 1)))


def test_places_that_cannot_be_written_are_named(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    for target, message in (
        (tmp_path, "it is a folder"),
        (tmp_path / "none/a.png", "the folder .*none does not exist"),
        (tmp_path / "file/a.png", "the folder .*file does not exist"),
    ):
        with pytest.raises(OSError, match=message):
            check_writable(target)
    with pytest.raises(NotADirectoryError, match="file is not a folder"):
        check_folder(tmp_path / "file/sub")
    assert check_folder(tmp_path / "new/sub") == tmp_path / "new/sub" and not (tmp_path / "new").exists()
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    for check in (check_writable, check_folder):
        with pytest.raises(PermissionError, match="permission denied"):
            check(tmp_path / "x")


def test_a_disk_without_room_is_named_with_its_numbers(tmp_path):
    check_room(tmp_path / "new", 1000, "it")
    with pytest.raises(OSError, match=r"new: the disk has no room for the run: 1,000,000,000\.0 MB .* are needed"):
        check_room(tmp_path / "new", 10**15, "the run")


def test_functions_of_the_library_read_paths_in_the_same_way(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "set").mkdir()
    Image.fromarray(np.zeros((40, 40, 3), np.uint8)).save(tmp_path / "set/a.png")
    (tmp_path / "c.yaml").write_text("a: 1")
    assert upscale("~/set/a.png", "bicubic-x2").size == (80, 80)
    assert prepare("~/set", "~/store", scales=(2,)) == tmp_path / "store"
    assert len(Store("~/store", 2)) == 1 and verify("~/store") == [] and read_yaml("~/c.yaml") == {"a": 1}
    upscale_file("~/set/a.png", "~/big.png", Bicubic(2))
    evaluate("bicubic", "~/set", scale=2, save_images="~/out", resume="~/rows")
    assert all((tmp_path / name).exists() for name in ("big.png", "out/a.png", "rows"))
    uses = [
        lambda path: upscale(path),
        lambda path: upscale_file(path, "b.png", Bicubic(2)),
        lambda path: prepare(path),
        lambda path: Store(path, 2),
        lambda path: evaluate("bicubic", path, scale=2),
        lambda path: load(path),
        lambda path: read_notebook(path),
        lambda path: verify(path),
        lambda path: read_yaml(path),
    ]
    for use in uses:
        with pytest.raises(ValueError, match="~nobody-here/x"):
            use("~nobody-here/x")
