"""The book's chapters run side by side before Sphinx reads them; one that fails is told with its traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebook_sources import write

ROOT = Path(__file__).parents[2]
CONF = f"""
import sys
sys.path.insert(0, {str(ROOT / "book" / "_ext")!r})
import side_by_side
side_by_side.allowed = lambda: 2
extensions = ["myst_nb", "side_by_side"]
exclude_patterns = ["html", "jupyter_execute"]
nb_execution_mode = "cache"
nb_execution_timeout = 600
nb_execution_show_tb = True
"""
MEET = """import os, pathlib, time
pathlib.Path("{own}").touch()
while not os.path.exists("{other}"):
    time.sleep(0.02)
print(os.environ["OMP_NUM_THREADS"], "threads")"""


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", ".", "html"]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_chapters_run_side_by_side_once_and_a_failure_fails_the_build(tmp_path: Path) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    (tmp_path / "index.md").write_text("# Front\n\n```{toctree}\nfirst\nsecond\n```\n")
    for own, other in (("first", "second"), ("second", "first")):  # each waits for the other
        write(tmp_path / f"{own}.md", None, MEET.format(own=own, other=other))
    done = build(tmp_path)
    assert done.returncode == 0, done.stderr
    assert "executing 2 notebooks, 2 at a time" in done.stdout
    assert "Executing notebook" not in done.stdout  # myst-nb finds both in the cache
    for name in ("first", "second"):
        assert "1 threads" in (tmp_path / "html" / f"{name}.html").read_text()

    write(tmp_path / "second.md", None, "print('before')", "raise ValueError('three of two')")
    done = build(tmp_path)
    assert done.returncode != 0
    assert "executing 1 notebooks, 1 at a time" in done.stdout
    assert "second.md: WARNING: Executing notebook failed: CellExecutionError" in done.stderr
    assert "three of two" in done.stderr
