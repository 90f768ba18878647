"""`satlib data`: what the commands print, write and answer."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from loopback import Site, serving
from PIL import Image
from toy_set import TRAIN, VALID, toy
from typer.testing import CliRunner, Result

import satlib.data
from satlib.commands import data
from satlib.data import CATALOGUE, Dataset, Store


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.chdir(tmp_path)
    with serving({"train.zip": TRAIN, "valid.zip": VALID}) as site:
        monkeypatch.setattr(satlib.data, "find_dataset", lambda name: known(name, toy(site)))
        yield site


def known(name: str, dataset: Dataset) -> Dataset:
    if name != dataset.name:
        raise ValueError(f"unknown data set {name!r}")
    return dataset


def run(*arguments: str) -> Result:
    return CliRunner().invoke(data.app, list(arguments))


def test_list_names_every_set_with_its_terms(tmp_path: Path) -> None:
    result = run("list", "--root", str(tmp_path))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[1].split()[:4] == ["DIV2K", "900", "3,980", "MB"]
    for dataset in CATALOGUE:
        assert f"  {dataset.name}: {dataset.terms}" in lines
    assert " yes " not in result.stdout


def test_fetch_verify_and_repair(site: Site, tmp_path: Path) -> None:
    result = run("fetch", "Toy")
    assert (result.exit_code, result.stdout) == (0, "data/Toy: 2 images. None.\n".replace("2", "3"))
    assert run("verify", "data/Toy").stdout == "data/Toy: every file is as recorded\n"
    (tmp_path / "data/Toy/train/1.png").unlink()
    damaged = run("verify", "data/Toy")
    assert (damaged.exit_code, damaged.stderr) == (2, "satlib: train/1.png is missing\n")
    assert run("fetch", "Toy").exit_code == 0 and run("verify", "data/Toy").exit_code == 0


def test_fetch_tells_failures_in_one_line(site: Site) -> None:
    site.content_type = "text/html"
    for arguments, message in (
        (["Toy"], "train.zip: the server sends a web page, not the file"),
        (["Set6"], "unknown data set 'Set6'"),
    ):
        result = run("fetch", *arguments)
        assert result.exit_code == 2 and result.stderr.count("\n") == 1 and message in result.stderr


def test_nothing_is_fetched_if_one_name_is_unknown(site: Site) -> None:
    assert run("fetch", "Toy", "Set6").exit_code == 2
    assert site.requests == []


def test_prepare(tmp_path: Path) -> None:
    (tmp_path / "HR").mkdir()
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "HR/a.png")
    result = run("prepare", str(tmp_path / "HR"), "--scale", "2", "--scale", "4")
    assert result.exit_code == 0
    assert result.stdout == f"{tmp_path / 'HR.store'}: 1 photograph; hr.u8 7.2 kB, x2.u8 1.8 kB, x4.u8 0.5 kB\n"
    assert len(Store(tmp_path / "HR.store", 4)) == 1
    assert run("verify", str(tmp_path / "HR.store")).exit_code == 0
    assert run("prepare", str(tmp_path / "HR"), "--to", str(tmp_path / "other")).exit_code == 0
    assert Store(tmp_path / "other", 3).lr(0).shape == (13, 20, 3)
    grey = run("prepare", str(tmp_path / "HR"), "--to", str(tmp_path / "grey"), "--scale", "1", "--channels", "1")
    assert grey.exit_code == 0 and grey.stdout.endswith("hr.u8 2.4 kB\n")
    bad = run("prepare", str(tmp_path / "HR"), "--channels", "2")
    assert (bad.exit_code, bad.stderr) == (2, "satlib: channels must be 1 (grey) or 3 (RGB), got 2\n")
    bad = run("prepare", str(tmp_path / "HR"), "--scale", "0")
    assert (bad.exit_code, bad.stderr) == (2, "satlib: a scale must be an integer from 1 to 16, got 0\n")


def test_prepare_names_the_store_of_the_current_folder_and_refuses_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "HR/sub").mkdir(parents=True)
    Image.fromarray(np.zeros((40, 60, 3), np.uint8)).save(tmp_path / "HR/a.png")
    for here, folder in (("HR", "."), ("HR/sub", "..")):
        monkeypatch.chdir(tmp_path / here)
        result = run("prepare", folder, "--scale", "2")
        assert (result.exit_code, result.stdout.split(":")[0]) == (0, str(tmp_path / "HR.store"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    for arguments, message in (
        (["HR", "--to", "file"], "file is a file; a store is a folder"),
        (["file"], "file is a file; a folder of images is needed"),
        (["/"], "/ has no place beside it for a store; name one"),
    ):
        result = run("prepare", *arguments)
        assert (result.exit_code, result.stderr) == (2, f"satlib: {message}\n")


def test_verify_without_record(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a.png")
    assert run("verify", str(tmp_path)).stdout == f"{tmp_path}: no record; every image can be read\n"
    (tmp_path / "b.png").write_bytes(b"")
    result = run("verify", str(tmp_path))
    assert result.exit_code == 2 and "b.png is not a PNG" in result.stderr
    assert run("verify", str(tmp_path / "missing")).exit_code == 2
