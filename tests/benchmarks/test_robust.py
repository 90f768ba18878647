"""A few kills, full disks and processes at once; `python -m benchmarks kills` and `full` try many more."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import PATIENCE

pytestmark = pytest.mark.slow


def program(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["upscale", "save", "prepare", "train"])
def test_a_killed_process_leaves_nothing_half_written_and_the_next_call_works(name: str) -> None:
    said = program("kills", "--kills", "2", name)
    assert said.startswith(f"{name}: 2 killed") and said.endswith(" 0 problems\n")


@pytest.mark.parametrize("name", ["upscale", "save", "prepare", "train"])
def test_a_full_disk_is_told_with_the_file_and_two_processes_do_not_meet(name: str) -> None:
    said = program("full", "--steps", "2", name).splitlines()
    assert f"{name}, limit: 2 of 2 too small, 0 problems" in said
    assert said[-1] == f"{name}, two at once: 0 problems"
