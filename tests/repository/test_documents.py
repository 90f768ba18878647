"""README, CONTRIBUTING, CHANGELOG and the pages of "Use it" keep their word: what they say to run runs as it stands.

Cells of the pages are not run here: `make book` runs them, and fails where one does.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import satlib
from satlib import SAT, SATConfig, samples
from satlib.commands.app import app
from satlib.data import prepare

ROOT = Path(__file__).parents[2]
DOCUMENTS = {name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")}
PAGES = [*sorted((ROOT / "book/use").glob("*.md")), ROOT / "book/upscaling.md"]
TEXTS = DOCUMENTS | {path.name: path.read_text() for path in PAGES}


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


@pytest.mark.slow
def test_readme_python_runs_without_warnings(tmp_path: Path) -> None:
    (block,) = blocks(DOCUMENTS["README.md"], "python")
    result = run(["-W", "error", "-c", block], tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.count("\n") == block.count("print(")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as the documents suppose it: with photographs, and what of the repository their commands name."""
    photo = samples.load("coffee").resize((96, 80))
    (tmp_path / "photos").mkdir()
    for name in ("photo.png", "photo.jpg", "photos/first.png", "photos/second.png", "photos/third.png"):
        photo.save(tmp_path / name)
    for name in ("runs", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("line", commands("satlib"))
def test_readme_command_runs(line: str, place: Path) -> None:
    if "=photos.store" in line:
        prepare(place / "photos", place / "photos.store")
    before = set(place.rglob("*"))
    result = run(["-m", *shlex.split(line)], place)
    assert result.returncode == 0, result.stderr
    written = [path for path in set(place.rglob("*")) - before if path.is_file()]
    assert written or result.stdout


def programs(folder: Path) -> dict[str, str]:
    """Return an environment whose first programs are this Python, with this checkout's satlib, and its torchrun."""
    folder.mkdir()
    for name, module in (("python", ""), ("satlib", "-m satlib"), ("torchrun", "-m torch.distributed.run")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HOME": str(folder)}


def plain_blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and text of a page's code blocks without a heading of their own, in order."""
    return re.findall(r"^```(bash|python)\n(.*?)^```", page.read_text(), re.M | re.S)


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if plain_blocks(p)], ids=lambda page: page.stem)
def test_blocks_of_a_page_run_one_after_the_other(page: Path, place: Path) -> None:
    environment = programs(place / "programs")
    for language, text in plain_blocks(page):
        command = ["bash", "-e", "-c", text] if language == "bash" else [sys.executable, "-c", text]
        result = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
        assert result.returncode == 0, f"{page.name}: {text}{result.stderr}"


def left_out(page: Path) -> list[tuple[str, str]]:
    """Return heading and text of a page's code blocks that have a heading: those that are not run."""
    return re.findall(r"^```\{code-block\} \w+\n:caption: ([^\n]*)\n(.*?)^```", page.read_text(), re.M | re.S)


def calls(text: str) -> list[list[str]]:
    """Return the words of the lines that call satlib, from its name on."""
    words = [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines()]
    return [line[line.index("satlib") :] for line in words if "satlib" in line]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_block_that_is_not_run_says_why_and_names_options_that_exist(page: Path) -> None:
    text, blocks = page.read_text(), left_out(page)
    assert set(re.findall(r"^`{3,}([^`\s]+)", text, re.M)) <= {"bash", "python", "{code-cell}", "{code-block}"}
    assert len(blocks) == text.count("```{code-block}")
    assert [heading for heading, _ in blocks if not heading.startswith("Not run by the tests: ")] == []
    for words in calls("".join(block for _, block in blocks)):
        command = words[1:3] if words[1] == "data" else words[1:2]
        shown = CliRunner().invoke(app, [*command, "--help"]).stdout
        known = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", shown))
        assert [word for word in words if word.startswith("-") and word not in known] == [], " ".join(words)


def shown(page: Path) -> list[tuple[str, str]]:
    """Return language and text of a page's blocks of code that its readers see."""
    found = re.findall(r"^(`{3,})(?:\{[\w-]+\} ?)?(\w+)\n((?::[^\n]*\n)*)(.*?)^\1$", page.read_text(), re.M | re.S)
    return [(language, text) for _, language, options, text in found if not re.search("(remove|hide)-", options)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_is_seen_whole_on_a_laptop(page: Path) -> None:
    # what the middle of a page shows in a window of 1280 pixels; the letters of executed cells are smaller
    for language, text in shown(page):
        width = 88 if language == "ipython3" else 79
        assert [line for line in text.splitlines() if len(line) > width] == []


def test_the_page_on_installing_lists_every_extra() -> None:
    table = re.findall(r"^\| `(\w+)` \|", (ROOT / "book/use/install.md").read_text(), re.M)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert sorted(table) == sorted(extras)


def test_readme_names_commands_of_each_kind() -> None:
    assert len(commands("satlib")) >= 3
    assert [line.split()[1] for line in commands("make")] == ["lab", "book", "pdf", "test"]


@pytest.mark.parametrize("name", TEXTS)
def test_make_targets_that_a_document_names_exist(name: str) -> None:
    code = "\n".join(re.findall(r"`([^`\n]+)`", TEXTS[name]) + blocks(TEXTS[name], "(?:bash|{code-block} bash)"))
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
        assert [f"{model.n_params:,}" for model in models] == counts


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
