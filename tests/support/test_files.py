"""Files that are whole or not there: whatever their names, whoever was killed, whoever writes at the same time."""

import errno
import os
import signal
import time
from pathlib import Path

import pytest

from satlib.support.files import replacing
from satlib.support.temporary import PREFIX, sweep


def left(folder: Path) -> list[Path]:
    return list(folder.glob(f"{PREFIX}*"))


def write(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)


@pytest.mark.parametrize("name", ["a", "a.png", "图" * 82 + ".png", "n" * 255, "x." + "y" * 253, ".hidden"])
def test_every_name_that_the_disk_takes_can_be_written(tmp_path, name):
    with replacing(tmp_path / name) as temporary:
        assert temporary.suffix in (Path(name).suffix, "")
        temporary.write_bytes(b"new")
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_bytes() == b"new"


def test_a_failure_leaves_what_was_there(tmp_path):
    write(tmp_path / "a", b"old")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"old"


def killed_while_writing(path: Path) -> None:
    """Let a process be killed between its write and the rename."""
    child = os.fork()
    if not child:
        with replacing(path) as temporary:
            temporary.write_bytes(b"half" * 1000)
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


def test_what_a_killed_process_has_left_is_taken_over_by_the_next(tmp_path):
    killed_while_writing(tmp_path / "a")
    assert len(left(tmp_path)) == 1 and not (tmp_path / "a").exists()
    write(tmp_path / "a", b"new")
    assert os.listdir(tmp_path) == ["a"] and (tmp_path / "a").read_bytes() == b"new"


def test_sweeping_takes_what_nobody_writes_and_nothing_else(tmp_path):
    killed_while_writing(tmp_path / "a")
    (tmp_path / ".other").touch()
    with replacing(tmp_path / "b") as temporary:
        temporary.write_bytes(b"at work")
        sweep(tmp_path)
        assert left(tmp_path) == [temporary]
    assert sorted(os.listdir(tmp_path)) == [".other", "b"] and (tmp_path / "b").read_bytes() == b"at work"


def test_two_writers_of_one_file_do_not_meet(tmp_path):
    with replacing(tmp_path / "a") as first:
        first.write_bytes(b"first")
        with replacing(tmp_path / "a") as second:
            assert second != first
            second.write_bytes(b"second")
        assert (tmp_path / "a").read_bytes() == b"second" and first.read_bytes() == b"first"
    assert (tmp_path / "a").read_bytes() == b"first" and os.listdir(tmp_path) == ["a"]


def test_many_processes_write_one_file_at_once(tmp_path):
    contents = [bytes([65 + number]) * 50_000 for number in range(4)]
    end = time.monotonic() + 0.5
    children = []
    for content in contents:
        children.append(os.fork())
        if not children[-1]:
            while time.monotonic() < end:
                write(tmp_path / "a", content)
            os._exit(0)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert (tmp_path / "a").read_bytes() in contents and os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG])
def test_an_error_of_the_disk_names_the_file(tmp_path, number):
    for name in (None, "temporary"):
        with pytest.raises(OSError) as error, replacing(tmp_path / "a.png") as temporary:
            raise OSError(number, os.strerror(number), *([str(temporary)] if name else []))
        assert error.value.filename == str(tmp_path / "a.png") and error.value.errno == number
    with pytest.raises(OSError) as error, replacing(tmp_path / "a.png"):
        raise FileNotFoundError(errno.ENOENT, "no such file", "another")
    assert error.value.filename == "another" and os.listdir(tmp_path) == []
