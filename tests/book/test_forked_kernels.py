"""The process that chapters' kernels are forked from: what a fork gets, how it ends, and what is said if it is gone."""

import importlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from processes import wait_for

EXTENSIONS = Path(__file__).parents[2] / "book" / "_ext"
TELL = """import atexit, json, os, sys
told = {"environment": dict(os.environ), "folder": os.getcwd(), "parent": os.getppid(), "group": os.getpgid(0)}
open("told.json", "w").write(json.dumps({**told, "torch": "torch" in sys.modules}))
atexit.register(lambda: open("ended", "w").close())"""


@pytest.fixture(scope="module")
def forked_kernels() -> Iterator[Any]:
    sys.path.insert(0, str(EXTENSIONS))  # where Sphinx looks for them
    yield importlib.import_module("forked_kernels")
    sys.path.remove(str(EXTENSIONS))


@pytest.fixture(scope="module")
def nursery(forked_kernels: Any) -> Iterator[Any]:
    opened = forked_kernels.Nursery(dict(os.environ))
    yield opened
    opened.close()


def python(code: str) -> list[str]:
    """Return a command that runs some code once, as a module does."""
    return [sys.executable, "-m", "timeit", "-n", "1", "-r", "1", code]


@pytest.mark.slow
def test_a_fork_has_its_own_environment_folder_and_group_and_ends_as_a_program_does(
    forked_kernels: Any, nursery: Any, tmp_path: Path
) -> None:
    fork = forked_kernels.Fork(nursery, python(TELL), {"ONLY": "this"}, str(tmp_path))
    assert fork.wait() == fork.poll() == 0
    told = json.loads((tmp_path / "told.json").read_text())
    assert told["environment"] == {"ONLY": "this", "JPY_PARENT_PID": str(told["parent"])}
    assert told["folder"] == str(tmp_path)
    assert told["group"] == fork.pid
    assert told["torch"]  # is there before anything was imported
    assert (tmp_path / "ended").exists()
    failing = forked_kernels.Fork(nursery, python("1 / 0"), {}, str(tmp_path))
    assert failing.wait() == 1


@pytest.mark.slow
def test_a_fork_can_be_terminated_and_killed(forked_kernels: Any, nursery: Any, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        started = tmp_path / f"{number}"
        code = f"open({str(started)!r}, 'w').close(); import time; time.sleep(600)"
        fork = forked_kernels.Fork(nursery, python(code), dict(os.environ), str(tmp_path))
        wait_for(started.exists, "the fork's first line")
        assert fork.poll() is None
        (fork.terminate if number == signal.SIGTERM else fork.kill)()
        assert fork.wait() == -number
        fork.kill()  # of one that has ended: nothing


@pytest.mark.parametrize("before", [False, True])
def test_if_the_process_has_ended_that_is_said_with_its_exit_code(forked_kernels: Any, before: bool) -> None:
    """Before it is asked, so that the wish cannot be sent, or while it is."""
    nursery = forked_kernels.Nursery({**os.environ, "PYTHONHOME": "/nowhere"})  # no Python starts with this
    if before:
        nursery._process.wait()
    with pytest.raises(RuntimeError, match=r"the process that chapters are forked from has ended, exit code 1"):
        forked_kernels.Fork(nursery, python("pass"), {}, "/")
    nursery.close()
