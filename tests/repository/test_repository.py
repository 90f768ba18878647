"""The repository itself: pinned versions, tasks, workflows, citation, what no committed file may contain."""

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def pins() -> dict[str, Version]:
    """Return the versions of constraints.txt by canonical name."""
    pairs = [line.split("==") for line in pin_lines()]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def pin_lines() -> list[str]:
    """Return the lines of constraints.txt that are neither empty nor comments."""
    return [x for x in (ROOT / "constraints.txt").read_text().splitlines() if x and not x.startswith("#")]


def declared(*extras: str) -> list[Requirement]:
    """Return what pyproject.toml asks for: the dependencies, the build's needs, and those of some extras."""
    texts = PROJECT["dependencies"] + PYPROJECT["build-system"]["requires"] + [t for e in extras for t in EXTRAS[e]]
    requirements = [Requirement(text) for text in texts]
    nested = [extra for r in requirements if r.name == "satlib" for extra in r.extras]
    others = [r for r in requirements if r.name != "satlib"]
    return others + (declared(*nested) if nested else [])


def closure() -> set[str]:
    """Return the names of all packages that the extra `dev` installs.

    Left out are the CUDA packages that some builds of torch bring, since torch pins those itself.
    """
    todo, seen = declared("dev"), set()
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if (name, *requirement.extras) in seen or name.startswith(("nvidia-", "cuda-", "triton")):
            continue
        seen.add((name, *requirement.extras))
        children = map(Requirement, importlib.metadata.requires(name) or [])
        environments = [{"extra": extra} for extra in ("", *requirement.extras)]
        todo += [c for c in children if c.marker is None or any(c.marker.evaluate(e) for e in environments)]
    return {name for name, *_ in seen}


def tracked() -> list[Path]:
    """Return the files that git tracks or would track."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    paths = [ROOT / name for name in sorted(set(names.split("\0")[:-1]))]
    return [path for path in paths if path.is_file()]


def commands_of(workflow: dict[str, Any]) -> Iterator[str]:
    """Yield every ``run`` command of a workflow."""
    for job in workflow["jobs"].values():
        yield from (step["run"] for step in job["steps"] if "run" in step)


def test_constraints_are_exact_and_portable() -> None:
    assert [x for x in pin_lines() if not re.fullmatch(r"[\w.-]+==\d[\w.]*", x)] == []
    assert len(pins()) == len(pin_lines())


def test_every_requirement_is_pinned_within_its_range() -> None:
    pinned = pins()
    assert [str(r) for r in declared(*EXTRAS) if pinned[canonicalize_name(r.name)] not in r.specifier] == []


def test_everything_that_is_installed_for_development_is_pinned() -> None:
    assert sorted(closure() - set(pins())) == []


def test_conda_environment_asks_for_the_same() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    *conda, pip = environment["dependencies"]
    assert pip == {"pip": ["--constraint constraints.txt", "--editable .[dev]"]}
    python = next(x for x in conda if x.startswith("python="))
    assert Version(python.removeprefix("python=")) in SpecifierSet(PROJECT["requires-python"])


def test_python_versions_agree() -> None:
    oldest = PROJECT["requires-python"].removeprefix(">=")
    offered = [c.rsplit(" ", 1)[1] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == offered
    assert offered[0] == oldest == PYPROJECT["tool"]["mypy"]["python_version"]
    assert PYPROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
    assert f"sys.version_info < ({oldest.replace('.', ', ')})" in MAKEFILE


def test_every_make_target_has_one_line_of_help() -> None:
    phony = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.M)
    assert phony is not None
    targets = re.findall(r"^([a-z][\w-]*):", MAKEFILE, re.M)
    assert sorted(phony[1].split()) == sorted(targets)
    shown = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert [line.split()[1] for line in shown.splitlines()] == targets
    assert min(len(line.split()) for line in shown.splitlines()) > 3


def test_make_neither_empties_a_folder_nor_works_in_the_system(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/one.txt").write_text("dear")
    for place, message in ((tmp_path / "letters", "is there and is no environment"), ("", "VENV is empty")):
        done = subprocess.run(
            ["make", "--no-print-directory", "install", f"VENV={place}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and message in done.stderr and done.stdout == ""
    assert (tmp_path / "letters/one.txt").read_text() == "dear"


@pytest.mark.parametrize("path", [ROOT / ".ci/run", *WORKFLOWS], ids=lambda path: path.name)
def test_automation_calls_targets_that_exist(path: Path) -> None:
    called = re.findall(r"\bmake ([a-z-]+)", path.read_text())
    assert called
    assert [t for t in called if not re.search(rf"^{t}:", MAKEFILE, re.M)] == []


def test_ci_script_is_executable_and_runs_every_check() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    called = re.findall(r"^step .*\bmake ([a-z-]+)", (ROOT / ".ci/run").read_text(), re.M)
    assert called == ["install", "lint", "types", "test-all", "book", "site-check"]


def test_workflows_install_through_make_alone_and_publish_only_the_default_branch() -> None:
    workflows = {path.stem: yaml.safe_load(path.read_text()) for path in WORKFLOWS}
    publish = workflows["book"]["jobs"].pop("publish")
    commands = [command for workflow in workflows.values() for command in commands_of(workflow)]
    assert commands
    assert [c for c in commands if not c.startswith("make ")] == []
    assert publish["needs"] == "build"
    assert publish["permissions"] == {"contents": "write"}
    assert "github.ref_name == github.event.repository.default_branch" in publish["if"]
    assert [w["permissions"] for w in workflows.values()] == [{"contents": "read"}] * len(workflows)


def test_citation_names_this_version_and_the_paper() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    version = re.search(r'__version__ = "(.+)"', (ROOT / "satlib/_version.py").read_text())
    assert version is not None
    assert citation["version"] == version[1]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["authors"] == [{"name": "The SAT companion authors"}]
    paper = citation["preferred-citation"]
    assert [a["family-names"] for a in paper["authors"]] == ["Tran", "Do", "Wazir", "Kim", "Kim", "Kim"]
    assert paper["url"].endswith("/2604.07994")


def test_a_built_wheel_and_a_source_archive_hold_every_file_of_the_package(tmp_path: Path) -> None:
    names = {str(path.relative_to(ROOT)) for path in tracked() if path.is_relative_to(ROOT / "satlib")}
    for name in {*names, "pyproject.toml", "README.md", "LICENSE"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    script = "from setuptools import build_meta as b; b.build_wheel('built'); b.build_sdist('built')"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
    (wheel,) = (tmp_path / "built").glob("satlib-*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("satlib/")}
    assert packed == names
    (archive,) = (tmp_path / "built").glob("satlib-*.tar.gz")
    with tarfile.open(archive) as opened:
        within = {name.partition("/")[2] for name in opened.getnames()}
    assert names <= within


def test_no_committed_file_names_a_machine() -> None:
    folder = re.compile(r"(?<![\w.~$})>-])/(?:work|root|home|opt|Users|tmp|mnt)/\w")
    host = re.compile(r"\b(?:pypi|pythonhosted|npmjs|download\.pytorch|conda\.anaconda)\.(?:org|com)\b")
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {m[0]}" for p in (folder, host) for m in p.finditer(text)]
    assert found == []


def test_hooks_check_what_lint_checks() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    for hook in hooks:
        program, *arguments = hook["entry"].split()
        words = [program.replace(".venv/bin", "$(BIN)"), *(a for a in arguments if a != "--force-exclude")]
        assert " ".join(words) in MAKEFILE, hook["id"]


def test_hooks_find_faults(tmp_path: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    file = tmp_path / "fault.py"
    file.write_text("import os\nx   = 1\n")
    for hook in hooks[:2]:
        program, *arguments = hook["entry"].split()
        command = [str(Path(sys.executable).with_name(Path(program).name)), *arguments, str(file)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 1, hook["id"]


def test_the_map_of_the_house_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    house = text.split("## The house")[1].split("Where a change goes")[0]
    rooms = {p.name for p in (ROOT / "satlib").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()}
    doors = {"__init__.py", "__main__.py", "_version.py"}
    assert {room for room in rooms - doors if f"`{room}`" not in house} == set()
