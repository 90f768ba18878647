"""README, CONTRIBUTING and CHANGELOG keep their word: their code runs, their commands and links exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import satlib
from satlib import SAT, SATConfig, samples
from satlib.data import prepare

ROOT = Path(__file__).parents[1]
DOCUMENTS = {name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")}


def blocks(text: str, language: str) -> list[str]:
    """Return the fenced code blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def commands(program: str) -> list[str]:
    """Return the README's command lines that call a program, comments removed."""
    lines = "".join(blocks(DOCUMENTS["README.md"], "bash")).splitlines()
    return [line.split(" #")[0].strip() for line in lines if line.startswith(program + " ")]


def run(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments in a folder, with this checkout's satlib."""
    environment = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PATH": "", "HOME": str(cwd)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_readme_python_runs_without_warnings(tmp_path: Path) -> None:
    (block,) = blocks(DOCUMENTS["README.md"], "python")
    result = run(["-W", "error", "-c", block], tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == block.count("print(")


@pytest.mark.parametrize("line", commands("satlib"))
def test_readme_command_runs(line: str, tmp_path: Path) -> None:
    photo = samples.load("coffee").resize((96, 80))
    (tmp_path / "photos").mkdir()
    for name in ("photo.png", "photos/first.png", "photos/second.png"):
        photo.save(tmp_path / name)
    (tmp_path / "runs").symlink_to(ROOT / "runs")
    if "=photos.store" in line:
        prepare(tmp_path / "photos", tmp_path / "photos.store")
    before = set(tmp_path.rglob("*"))
    result = run(["-m", *shlex.split(line)], tmp_path)
    assert result.returncode == 0, result.stderr
    written = [path for path in set(tmp_path.rglob("*")) - before if path.is_file()]
    assert written or result.stdout


def test_readme_names_commands_of_each_kind() -> None:
    assert len(commands("satlib")) >= 3
    assert [line.split()[1] for line in commands("make")] == ["book", "test"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_make_targets_that_a_document_names_exist(name: str) -> None:
    code = "\n".join(re.findall(r"`([^`\n]+)`", DOCUMENTS[name]) + blocks(DOCUMENTS[name], "bash"))
    targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.M)
    assert set(re.findall(r"\bmake ([a-z][\w-]*)", code)) - set(targets) == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_to_files_resolve(name: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", DOCUMENTS[name])
    assert [x for x in links if "://" not in x and not (ROOT / x).exists()] == []
    assert [x for x in links if x.startswith(("/", "http:"))] == []


def test_readme_parameter_counts_are_those_of_the_code() -> None:
    row = re.compile(r"^\| `(sat[\w-]*)` \|.*\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", re.M)
    rows = row.findall(DOCUMENTS["README.md"])
    assert [name for name, *_ in rows] == ["sat", "sat-released", "sat-light", "sat-tiny"]
    for name, *counts in rows:
        models = (SAT(SATConfig.preset(name, scale)) for scale in (2, 3, 4))
        assert [f"{sum(p.numel() for p in model.parameters()):,}" for model in models] == counts


def test_changelog_follows_its_format() -> None:
    text = DOCUMENTS["CHANGELOG.md"]
    assert text.startswith("# Changelog\n")
    headings = re.findall(r"^## (.*)$", text, re.M)
    assert headings[0] == "[Unreleased]"
    assert [h for h in headings[1:] if not re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", h)] == []
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.*)$", text, re.M)) <= kinds
    released = [h.split("]")[0].removeprefix("[") for h in headings[1:]]
    assert released == [] or released[0] == satlib.__version__


def test_the_marked_place_for_measurements_is_there() -> None:
    begin, end = (DOCUMENTS["README.md"].find(f"<!-- measured: {word} -->") for word in ("begin", "end"))
    assert 0 < begin < end
