"""What the tests rely on: processes react to Ctrl-C, and those that are left are found and ended, orphans as well."""

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
