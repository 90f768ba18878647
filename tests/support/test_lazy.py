"""Packages whose names are loaded on demand: they have what type checkers are told, and behave as others do."""

import ast
import operator
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import satlib

PACKAGES = ("satlib", "satlib.theory")


def told_to_type_checkers(package: str) -> dict[str, str]:
    """Return the names that a package imports under TYPE_CHECKING, with their modules."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text())
    (branch,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in branch.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_name_is_that_of_the_module_that_type_checkers_see(package: str) -> None:
    module, told = import_module(package), told_to_type_checkers(package)
    assert set(module.__all__) - {"__version__"} == told.keys() <= set(dir(module))
    for name, home in told.items():
        assert getattr(module, name) is getattr(import_module(home), name)


@pytest.mark.slow
def test_modules_are_attributes_and_unknown_names_are_errors() -> None:
    script = """
import satlib
print(satlib.dta.aggregate.__name__, satlib.figures.kit.style.__name__, satlib.load.__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "aggregate satlib.figures.kit.style load\n"
    for name in ("nothing", "_nothing", "__nothing__"):
        assert not hasattr(satlib, name)
    with pytest.raises(AttributeError, match="module 'satlib' has no attribute 'nothing'"):
        operator.attrgetter("nothing")(satlib)
    with pytest.raises(ImportError, match="cannot import name 'nothing' from 'satlib'"):
        exec("from satlib import nothing")


@pytest.mark.slow
def test_what_a_module_lacks_is_not_taken_for_a_missing_name() -> None:
    script = "import sys; sys.modules['matplotlib'] = None; import satlib; satlib.figures"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ModuleNotFoundError: matplotlib is missing" in done.stderr
