"""Running one notebook: sources, outputs, parameters, failures, interruptions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from notebook_sources import texts, wait_for_number, write
from processes import PATIENCE, is_alive, start

from satlib.runner import NotebookError, run_notebook
from satlib.runner.execute import check_places
from satlib.runner.notebooks import read_notebook
from satlib.support.environment import NOTE, ON_WAITING

PARAMETERS = "steps: int = 2\nbetas: tuple[float, float] = (0.9, 0.99)\nname: str | None = None  # of what"
PRINT = "import os\nprint(steps, list(betas), name, os.path.basename(os.getcwd()))"


@pytest.mark.parametrize("suffix", [".md", ".ipynb"])
def test_a_notebook_runs_with_parameters_in_a_folder(tmp_path: Path, suffix: str) -> None:
    notebook = write(tmp_path / f"n{suffix}", PARAMETERS, PRINT)
    before = notebook.read_bytes()
    (tmp_path / "there").mkdir()
    values = {"name": 'a "b" \\ {steps}\né', "betas": (0.5, 1)}
    result = run_notebook(notebook, tmp_path / "o{x}.ipynb", values, cwd=tmp_path / "there")
    assert texts(tmp_path / "o{x}.ipynb") == ['2 [0.5, 1] a "b" \\ {steps}\né there\n']
    assert notebook.read_bytes() == before
    written = nbformat.read(tmp_path / "o{x}.ipynb", as_version=4)
    nbformat.validate(written)
    assert [cell.source for cell in written.cells] == [cell.source for cell in result.cells]
    assert [cell.metadata.tags for cell in written.cells][1:3] == [["parameters"], ["injected-parameters"]]
    assert written.metadata.papermill.parameters == {"name": 'a "b" \\ {steps}\né', "betas": [0.5, 1]}
    assert written.metadata.satlib.notebook == str(notebook)


def test_kernels_wait_passively_and_this_process_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ("import os", "print(os.environ.get('OMP_WAIT_POLICY'), os.environ.get('GOMP_SPINCOUNT'))")
    notebook = write(tmp_path / "n.md", None, *cells)
    for name in (*ON_WAITING, NOTE):
        monkeypatch.delenv(name, raising=False)
    for given, seen in (({}, "PASSIVE None"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None")):
        for name, value in given.items():
            monkeypatch.setenv(name, value)
        before = dict(os.environ)
        run_notebook(notebook, tmp_path / "o.ipynb")
        assert texts(tmp_path / "o.ipynb") == [f"{seen}\n"] and dict(os.environ) == before


def test_plain_papermill_takes_the_same_notebook_and_parameters(tmp_path: Path) -> None:
    write(tmp_path / "n.ipynb", PARAMETERS, PRINT)
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({"steps": 7, "betas": [0.5, 1.0], "name": "a"}))
    command = [sys.executable, "-m", "papermill", "n.ipynb", "o.ipynb", "-f", "x.yaml", "--no-progress-bar"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    values = yaml.safe_load((tmp_path / "x.yaml").read_text())
    run_notebook(tmp_path / "n.ipynb", tmp_path / "new/p.ipynb", values, cwd=tmp_path)
    assert texts(tmp_path / "o.ipynb") == texts(tmp_path / "new/p.ipynb") == [f"7 [0.5, 1.0] a {tmp_path.name}\n"]


def test_nothing_happens_on_bad_input(tmp_path: Path) -> None:
    notebook = write(tmp_path / "n.md", PARAMETERS, PRINT)
    write(tmp_path / "two.md", "a: int = 1", "1").write_text(2 * (tmp_path / "two.md").read_text())
    write(tmp_path / "odd.md", "a: int = b", "1")
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "empty.ipynb").write_text("{}")
    (tmp_path / "list.ipynb").write_text("[]")
    (tmp_path / "n.txt").touch()
    before = sorted(tmp_path.iterdir())
    out = tmp_path / "o.ipynb"
    with pytest.raises(ValueError, match=r"there is no parameter step \(for 3\); the parameters are steps: int, "):
        run_notebook(notebook, out, {"step": 3})
    with pytest.raises(ValueError, match=r"steps must be int, got 3\.0 \(float\)"):
        run_notebook(notebook, out, {"steps": 3.0})
    with pytest.raises(ValueError, match="there is no kernel 'fortran'; installed are .*python3"):
        run_notebook(notebook, out, kernel="fortran")
    with pytest.raises(ValueError, match="must be a .ipynb file, got .*o.md"):
        run_notebook(notebook, tmp_path / "o.md")
    for name in ("two.md", "odd.md", "broken.ipynb", "empty.ipynb", "list.ipynb", "n.txt"):
        with pytest.raises(ValueError, match=name):
            run_notebook(tmp_path / name, out)
    with pytest.raises(FileNotFoundError):
        run_notebook(tmp_path / "missing.md", out)
    with pytest.raises(FileExistsError):
        run_notebook(notebook, tmp_path / "n.txt/o.ipynb")
    with pytest.raises(NotADirectoryError, match="cannot run in .*nowhere"):
        run_notebook(notebook, out, cwd=tmp_path / "nowhere")
    assert sorted(tmp_path.iterdir()) == before


def test_a_notebook_is_never_overwritten_by_its_output(tmp_path: Path) -> None:
    notebook = write(tmp_path / "n.ipynb", PARAMETERS, PRINT)
    (tmp_path / "link.ipynb").symlink_to(notebook)
    for out in (notebook, tmp_path / "link.ipynb"):
        with pytest.raises(ValueError, match="would overwrite the notebook"):
            run_notebook(notebook, out)


def test_a_failing_cell(tmp_path: Path) -> None:
    notebook = write(tmp_path / "n.md", None, "print('before')", "raise KeyError('a\\n' + 400 * 'b')", "print('after')")
    with pytest.raises(NotebookError) as error:
        run_notebook(notebook, tmp_path / "o.ipynb")
    message = str(error.value)
    said, place = message.split("; the notebook so far is ")
    assert said.startswith("In [2], KeyError: 'a\\nbbb") and said.endswith("bbb...") and len(said) < 310
    assert place == str(tmp_path / "o.ipynb")
    assert texts(tmp_path / "o.ipynb") == ["before\n"]
    assert nbformat.read(tmp_path / "o.ipynb", as_version=4).metadata.papermill.exception is True


def test_a_kernel_that_dies(tmp_path: Path) -> None:
    notebook = write(tmp_path / "n.md", None, "print('before')", "import os\nos.kill(os.getpid(), 9)", "print('after')")
    with pytest.raises(NotebookError, match=r"^In \[2\], DeadKernelError: Kernel died; the notebook so far is "):
        run_notebook(notebook, tmp_path / "o.ipynb")
    assert texts(tmp_path / "o.ipynb") == ["before\n"]
    assert states(tmp_path / "o.ipynb") == ["completed", "completed", "failed", "pending"]


@pytest.mark.slow
def test_an_interrupted_run_ends_its_kernel_and_keeps_its_output(tmp_path: Path) -> None:
    cells = [
        "print('before')",
        "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(3600)",
        "print(1)",
    ]
    write(tmp_path / "n.md", None, *cells)
    words = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}
    started = []
    for number in words:  # both at the same time, since most of their time goes by before the notebook starts
        folder = tmp_path / number.name
        folder.mkdir()
        command = [sys.executable, "-m", "satlib", "run", "../n.md", "-o", "o.ipynb"]
        started.append((number, folder, start(command, cwd=folder, stderr=subprocess.PIPE, text=True)))
    for number, folder, process in started:
        kernel = wait_for_number(folder / "pid")
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert errors == f"satlib: {words[number]}; the notebook so far is o.ipynb\n"
        assert process.returncode == 128 + number
        assert not is_alive(kernel)
        assert texts(folder / "o.ipynb") == ["before\n"]
        assert states(folder / "o.ipynb") == ["completed", "completed", "failed", "pending"]


def states(path: Path) -> list[str]:
    """Return what papermill's metadata say of each cell."""
    return [cell.metadata.papermill.status for cell in nbformat.read(path, as_version=4).cells]


def test_the_digest_is_of_code_parameters_and_inputs(tmp_path: Path) -> None:
    first = read_notebook(write(tmp_path / "n.md", PARAMETERS, "print(1)"))
    same = read_notebook(write(tmp_path / "n.ipynb", PARAMETERS, "print(1)"))
    other = read_notebook(write(tmp_path / "m.md", PARAMETERS, "print(2)"))
    same.node.cells[0].source = "# Another title"
    data = tmp_path / "data"
    data.write_text("1")
    digest = first.digest({"steps": 1, "name": "a"}, [data])
    assert same.digest({"name": "a", "steps": 1}, [data]) == digest
    data.write_text("2")
    others = {first.digest({"steps": 1, "name": "a"}, [data]), other.digest({"steps": 1, "name": "a"}, [data])}
    others |= {first.digest({"steps": 2, "name": "a"}, [data]), first.digest({"steps": 1, "name": "a"})}
    assert len(others) == 4 and digest not in others


def test_a_notebook_that_is_not_utf_8_is_named(tmp_path):
    (tmp_path / "a.md").write_bytes(b"# caf\xe9\n")
    with pytest.raises(ValueError, match=r"a\.md is not a notebook: it is not text in UTF-8, at byte 5"):
        read_notebook(tmp_path / "a.md")


def test_an_output_that_cannot_be_written_is_known_before(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.ipynb").mkdir()
    for out, message in (
        ("folder.ipynb", "it is a folder"),
        ("n" * 250 + ".ipynb", "the name has 256 bytes, and 255 is the most"),
        ("new/" + "n" * 250 + ".ipynb", "the name has 256 bytes"),
    ):
        with pytest.raises(OSError, match=message):
            check_places(tmp_path / "file", tmp_path / out, "python3", None)
