"""`satlib run`: what it prints, writes and answers. Interruptions are tested with satlib.runner."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from notebook_sources import texts, write
from typer.testing import CliRunner, Result

from satlib.commands.app import COMMANDS, app

PARAMETERS = 'steps: int = 2\nrate: float = 0.5\nname: str = "a"\nresults: str = ""'
CELLS = [
    "print(steps, rate, name)",
    "if steps == 0:\n    raise ValueError('no steps')",
    "if results:\n    open(results, 'w').write('{\"psnr\": %r, \"curve\": []}' % (steps / 3))",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "n.md", PARAMETERS, *CELLS)
    (tmp_path / "p.yaml").write_text("steps: 3\nrate: 1.0e-3\n")
    (tmp_path / "b.yaml").write_text(yaml.safe_dump({"notebook": "n.md", "grid": {"steps": [0, 1]}}))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["run", *arguments])


def error_of(*arguments: str) -> str:
    """Return the single line that a call with bad input prints, having done nothing."""
    before = sorted(Path().iterdir())
    result = run(*arguments)
    assert result.exit_code == 2 and result.stdout == "" and result.stderr.count("\n") == 1
    assert result.stderr.startswith("satlib: ") and sorted(Path().iterdir()) == before
    return result.stderr.removeprefix("satlib: ").rstrip("\n")


def test_a_notebook_with_parameters_of_a_file_and_of_the_line(folder: Path) -> None:
    result = run(
        "n.md", "-f", "p.yaml", "-p", "steps", "-4", "--parameter", "name", "7", "-p", "name=b=c", "-o", "o.ipynb"
    )
    assert (result.exit_code, result.output) == (0, "o.ipynb: every cell has run\n")
    assert texts(folder / "o.ipynb") == ["-4 0.001 b=c\n"]


def test_a_notebook_that_fails(folder: Path) -> None:
    result = run("n.md", "-p", "steps", "0", "-o", "o.ipynb")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "satlib: n.md: In [4], ValueError: no steps; the notebook so far is o.ipynb\n"
    assert texts(folder / "o.ipynb") == ["0 0.5 a\n"]


def test_bad_input_is_told_in_one_line_before_anything_runs(folder: Path) -> None:
    known = "the parameters are steps: int, rate: float, name: str, results: str"
    one = ("n.md", "-o", "o.ipynb")
    assert error_of(*one, "-p", "stps", "4") == f"-p for n.md: there is no parameter stps (for '4'); {known}"
    assert error_of(*one, "-p", "steps", "4.5") == f"-p for n.md: steps must be int, got 4.5 (float); {known}"
    assert error_of(*one, "-p", "steps", "x") == f"-p for n.md: steps must be int, got 'x' (str); {known}"
    (folder / "p.yaml").write_text("steps: '3'\n")
    assert error_of(*one, "-f", "p.yaml") == f"p.yaml for n.md: steps must be int, got '3' (str); {known}"
    (folder / "p.yaml").write_text("steps: [\n")
    assert error_of(*one, "-f", "p.yaml") == (
        "p.yaml is not YAML: line 2, column 1: expected the node content, but found '<stream end>'"
    )
    (folder / "p.yaml").write_bytes(b"\xff")
    assert error_of(*one, "-f", "p.yaml") == "p.yaml is not YAML: it is not text in UTF-8"
    assert error_of(*one, "-f", "q.yaml") == "q.yaml: No such file or directory"
    assert error_of(*one, "-p", "steps") == "-p takes a name and a value, got steps alone"
    assert error_of(*one, "--kernel", "fortran").startswith("there is no kernel 'fortran'; installed are ")
    assert error_of("m.md", "-o", "o.ipynb") == "m.md: No such file or directory"
    assert error_of("n.md") == "what to run and where to write it is missing: satlib run NOTEBOOK -o OUT.ipynb"
    assert error_of(*one, "--jobs", "2") == "--executor, --jobs, --slurm and --dry-run go with --batch"
    assert error_of("n.md", "--batch", "b.yaml") == "the notebook of a batch stands in its file; got n.md, too"
    assert error_of("--batch", "b.yaml", "-p", "steps", "3").endswith(
        "steps differs from job to job and cannot be set for all"
    )
    assert error_of("--batch", "b.yaml", "--jobs", "0") == "the number of jobs at a time must be at least 1, got 0"
    assert error_of("--batch", "b.yaml", "--executor", "slurm").startswith("Slurm must know how many minutes")
    (folder / "b.yaml").write_text("notebook: notebooks/m.md\n")
    assert error_of("--batch", "b.yaml", "--dry-run") == (
        "b.yaml: no such notebook: notebooks/m.md; paths in it start in the current folder"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("error", "line"), [("KeyboardInterrupt", "interrupted"), ("SystemExit(143)", "terminated")])
def test_after_an_interruption_nothing_is_said_of_the_cell_that_ran(error: str, line: str) -> None:
    script = f"""
import asyncio, contextlib, typer
from satlib.commands.run_notebooks import _interruptible
async def cell():
    raise RuntimeError("Kernel died")
with contextlib.suppress(typer.Exit, SystemExit), _interruptible("call it again"):
    loop = asyncio.new_event_loop()
    task = loop.create_task(cell())
    loop.run_until_complete(asyncio.sleep(0))
    raise {error}
loop.close()
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stderr == f"satlib: {line}; call it again\n"


@pytest.mark.slow
def test_a_batch_with_a_failure(folder: Path) -> None:
    listed = run("--batch", "b.yaml", "--dry-run", "-p", "name", "z")
    assert listed.exit_code == 0 and not (folder / "out").exists()
    assert cells(listed)[1:] == [["steps0", "to run", "0", "z"], ["steps1", "to run", "1", "z"]]

    result = run("--batch", "b.yaml", "--jobs", "2")
    assert result.exit_code == 1
    header, failed, done = cells(result)
    assert header == ["name", "state", "seconds", "psnr", "error"]
    error = "In [4], ValueError: no steps; the notebook so far is out/b/steps0.ipynb"
    assert failed[:2] + failed[3:] == ["steps0", "failed", "", error]
    assert done[:2] + done[3:] == ["steps1", "done", "0.33333", ""]
    lines = sorted(result.stderr.splitlines())
    assert [lines[0].split(" after ")[0], lines[1].split(" after ")[0]] == [
        "satlib: steps0: failed",
        "satlib: steps1: done",
    ]
    assert lines[0].endswith(f" s: {error}") and len(lines) == 2

    (folder / "b.yaml").write_text(yaml.safe_dump({"notebook": "n.md", "grid": {"steps": [1]}}))
    again = run("--batch", "b.yaml")
    assert (again.exit_code, again.stderr, cells(again)[1][:2]) == (0, "", ["steps1", "done before"])


def cells(result: Result) -> list[list[str]]:
    """Return the rows of a printed table, the header first."""
    rows = [line for line in result.stdout.splitlines() if line[0] in "┃│"]
    return [[cell.strip() for cell in row.replace("┃", "│").strip("│").split("│")] for row in rows]


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "satlib.commands.run_notebooks", None)
    assert error_of("n.md", "-o", "o.ipynb").endswith("install satlib with it: pip install 'satlib[run]'")


@pytest.mark.slow
def test_other_commands_do_not_load_what_run_needs() -> None:
    others = ", ".join(f"satlib.commands.{name}" for name in COMMANDS)
    script = f"import sys, {others}; print({{'papermill', 'submitit', 'jupytext', 'nbformat'}} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "set()\n"
