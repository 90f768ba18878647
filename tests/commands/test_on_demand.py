"""Commands are loaded when they are run: which modules there are, what the list says, and what needs no torch."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from satlib.commands import data
from satlib.commands.app import COMMANDS, app

RUN = """import sys
from satlib.__main__ import main
try:
    main()
except SystemExit as ended:
    print(ended.code, "torch" in sys.modules)
"""


def ended(folder: Path, arguments: str) -> list[str]:
    """Run `satlib` in a folder and a process of its own; return the exit code, and whether torch was loaded."""
    command = [sys.executable, "-c", RUN, *arguments.split()]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_each_command_is_the_app_of_its_module_and_no_other_module_has_one() -> None:
    modules = Path(data.__file__).parent.glob("*.py")
    with_app = {path.stem for path in modules if "\napp = " in path.read_text()}
    assert with_app == {*COMMANDS, "app"}
    assert COMMANDS["data"] == data.app.info.help


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_called_by_its_name_and_its_help_asked_for_both_ways(name: str) -> None:
    for option in ("-h", "--help"):
        found = CliRunner().invoke(app, [name, option], prog_name="satlib")
        assert found.exit_code == 0
        assert found.stdout.startswith(f"Usage: satlib {name} ")


def test_a_mistyped_command_is_told_from_those_that_are_not_loaded() -> None:
    found = CliRunner().invoke(app, ["evalate"])
    assert found.exit_code == 2
    assert "No such command 'evalate'. Did you mean 'evaluate'?" in found.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("--help", 0),
        ("--version", 0),
        ("evalate", 2),
        ("data list", 0),
        ("data verify nowhere", 2),
        ("data fetch nothing", 2),
        ("run --help", 0),
        ("run nowhere.md", 2),
        ("train --help", 0),
    ],
)
def test_torch_is_not_loaded_where_it_is_not_needed(tmp_path: Path, arguments: str, code: int) -> None:
    assert ended(tmp_path, arguments) == [str(code), "False"]


@pytest.mark.slow
def test_torch_is_loaded_where_it_is_needed(tmp_path: Path) -> None:
    assert ended(tmp_path, "complexity sat-tiny --scale 2") == ["0", "True"]
