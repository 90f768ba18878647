"""What the tests rely on: processes react to Ctrl-C, and those that are left are found and ended, orphans as well."""

import os
import signal
import sys
from pathlib import Path

import processes
import pytest

ORPHAN = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"], start_new_session=True)
open("pid", "w").write(str(child.pid))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="orphans are found on Linux alone")
def test_an_orphan_with_a_session_of_its_own_is_found_and_ended(tmp_path: Path) -> None:
    before = processes.descendants()
    assert processes.start([sys.executable, "-c", ORPHAN], cwd=tmp_path).wait(processes.PATIENCE) == 0
    orphan = int((tmp_path / "pid").read_text())
    assert processes.is_alive(orphan)
    (line,) = processes.left_behind(before, 0.0)
    assert line.startswith(f"{orphan}: ") and "time.sleep(3600)" in line
    assert not processes.is_alive(orphan)
    assert processes.left_behind(before, 0.0) == []


def test_ctrl_c_ends_a_process_also_where_this_one_ignores_it(tmp_path: Path) -> None:
    script = "import time; open('started', 'w').close(); time.sleep(3600)"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = processes.start([sys.executable, "-c", script], cwd=tmp_path)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    processes.wait_for((tmp_path / "started").exists, "it has not started")
    process.send_signal(signal.SIGINT)
    assert process.wait(processes.PATIENCE) != 0


TESTS = """
import sys
from pathlib import Path

import processes


def test_that_is_interrupted(tmp_path):
    process = processes.start([sys.executable, "-c", "import time; time.sleep(3600)"])
    Path("pid").write_text(str(process.pid))
    process.wait()
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["0", "1"])
def test_tests_that_are_told_to_end_leave_nothing_behind(workers: str, tmp_path: Path) -> None:
    """A job that is cancelled gets SIGTERM, and pytest would end without a word to what its tests have started."""
    tests = Path(processes.__file__).parent
    tmp_path.joinpath("conftest.py").write_text(tests.joinpath("conftest.py").read_text())
    tmp_path.joinpath("test_it.py").write_text(TESTS)
    options = f"-c {os.devnull} --rootdir . -n {workers} -p no:cacheprovider"
    command = [sys.executable, "-m", "pytest", *options.split(), "test_it.py"]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join((str(tests), str(tests.parent)))}
    run = processes.start(command, cwd=tmp_path, env=variables)
    file = tmp_path / "pid"
    processes.wait_for(lambda: file.exists() and file.read_text(), "it has not started")
    run.terminate()
    assert run.wait(processes.PATIENCE) == -signal.SIGTERM
    assert not processes.is_alive(int(file.read_text()))
