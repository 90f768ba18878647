"""Standard streams that are closed or full: a quiet end, or a line, and never a traceback."""

import subprocess
import sys

import pytest
from processes import PATIENCE

PROGRAM = "import sys; from satlib.support.streams import guard; guard(); "


def run(code: str, redirected: str) -> tuple[int, str]:
    """Run a program in a shell with redirected streams, and return its exit code and what is left of stderr."""
    command = ["bash", "-c", f'"$0" -c "$1" {redirected}', sys.executable, PROGRAM + code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
    return done.returncode, done.stderr


@pytest.mark.parametrize("code", ["print('a')", "print('a' * 10**6)", "sys.stdout.write('a'); sys.stdout.flush()"])
def test_a_full_stdout_says_so_in_a_line(code):
    assert run(code, "> /dev/full") == (1, "satlib: cannot write to stdout: No space left on device\n")


def test_a_closed_stdout_takes_everything():
    assert run("print('a'); open('/dev/null').close()", ">&-") == (0, "")


def test_without_a_reader_the_program_ends_quietly():
    code = "[print(i) for i in range(10**6)]; sys.stderr.write('went on')"
    assert run(code, "| head -1 > /dev/null; exit ${PIPESTATUS[0]}") == (141, "")


@pytest.mark.parametrize("redirected", ["2> /dev/full", "2>&-"])
def test_what_stderr_does_not_take_is_left_out(redirected):
    code = "sys.stderr.write('lost' * 10**5 + '\\n'); sys.stdout.write('kept'); sys.exit(7)"
    assert run(code, redirected)[0] == 7


def test_names_that_are_no_text_are_printed_with_escapes():
    code = "import os; os.environ['x'] = 'y'; print('bad\\udcff.png', file=sys.stdout)"
    assert run(code, ">&2") == (0, "bad\\udcff.png\n")
