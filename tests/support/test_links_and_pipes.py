"""Replacing a file: through links and into pipes, and nothing left beside it."""

import os
import threading

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from satlib.commands.app import app
from satlib.images.files import read
from satlib.support.files import replacing


def test_a_file_is_new_or_replaced_with_its_rights(tmp_path):
    path = tmp_path / "a.txt"
    for text in ("one", "two"):
        with replacing(path) as temporary:
            assert temporary.parent == tmp_path and temporary.suffix == ".txt"
            temporary.write_text(text)
        assert path.read_text() == text
        path.chmod(0o640)
    assert path.stat().st_mode & 0o777 == 0o640
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "two" and [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_stays_one_and_what_it_points_at_is_replaced(tmp_path, exists):
    (tmp_path / "there").mkdir()
    real, link, far = tmp_path / "there/real.txt", tmp_path / "link.txt", tmp_path / "far.txt"
    if exists:
        real.write_text("old")
    link.symlink_to("there/real.txt")
    far.symlink_to(link)
    with replacing(far) as temporary:
        assert temporary.parent == real.parent  # where it can be renamed
        temporary.write_text("new")
    assert far.is_symlink() and link.is_symlink() and real.read_text() == "new"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["far.txt", "link.txt", "real.txt", "there"]


def test_links_that_lead_nowhere_are_named(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("missing/c")
    for name in ("a", "c"):
        with pytest.raises(OSError, match=str(tmp_path / name)), replacing(tmp_path / name):
            raise AssertionError("nothing can be written")


def test_a_pipe_is_written_into_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "link.txt").symlink_to("pipe.txt")
    for name in ("pipe.txt", "link.txt"):
        got: list[bytes] = []
        reader = threading.Thread(target=lambda got=got: got.append((tmp_path / "pipe.txt").read_bytes()))
        reader.start()
        with replacing(tmp_path / name) as temporary:
            temporary.write_bytes(b"content")
        reader.join()
        assert got == [b"content"]
    assert (tmp_path / "pipe.txt").is_fifo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link.txt", "pipe.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_in_a_folder_that_takes_no_other_is_written_through(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    tmp_path.chmod(0o500)
    try:
        with replacing(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
    finally:
        tmp_path.chmod(0o700)
    assert (tmp_path / "a.txt").read_text() == "new"


def upscaled(*arguments: str) -> int:
    return CliRunner().invoke(app, ["upscale", *arguments, "--model", "bicubic", "--scale", "2"]).exit_code


def test_upscale_writes_through_links_and_into_pipes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save("in.png")
    Image.new("L", (4, 4)).save("real.png")
    os.symlink("real.png", "link.png")
    os.symlink("later.png", "new.png")
    assert upscaled("in.png", "link.png") == upscaled("in.png", "new.png") == 0
    assert os.path.islink("link.png") and os.path.islink("new.png")
    assert read("real.png").pixels.shape == read("later.png").pixels.shape == (16, 16, 1)
    os.mkfifo("pipe.png")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe.png").read_bytes()))
    reader.start()
    assert upscaled("in.png", "pipe.png") == 0
    reader.join()
    assert got == [(tmp_path / "real.png").read_bytes()]


@pytest.mark.parametrize("extension", ["png", "tif", "jpg", "gif"])
def test_a_pipe_is_read(tmp_path, extension):
    Image.new("L", (8, 8), 99).save(tmp_path / f"in.{extension}")
    os.mkfifo(tmp_path / f"pipe.{extension}")
    data = (tmp_path / f"in.{extension}").read_bytes()
    writer = threading.Thread(target=lambda: (tmp_path / f"pipe.{extension}").write_bytes(data))
    writer.start()
    np.testing.assert_array_equal(
        read(tmp_path / f"pipe.{extension}").pixels, read(tmp_path / f"in.{extension}").pixels
    )
    writer.join()
