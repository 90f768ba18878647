"""What a public function raises itself, its docstring names: under Raises, or in a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "satlib"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "commands" not in path.parts)
"""Of a command, what it raises becomes a line and an exit code."""

CHECKS = {"require", "real"}
INTERNAL = {"NotImplementedError", "AssertionError", "AttributeError", "SystemExit"}


def public_functions(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    """Yield public functions of a module and of its public classes."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_") else [node]
        yield from (f for f in inner if isinstance(f, ast.FunctionDef) and not f.name.startswith("_"))


def raised(function: ast.FunctionDef) -> set[str]:
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Raise) and node.exc is not None:
            error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(error, ast.Name) and error.id[0].isupper():
                names.add(error.id)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CHECKS:
            names.add("ValueError")
    return names - INTERNAL


def test_the_rule_sees_what_it_is_about() -> None:
    text = 'def f(x):\n    """Double."""\n    if x < 0:\n        raise ValueError(x)\n    return 2 * x\n'
    (function,) = public_functions(ast.parse(text))
    assert raised(function) == {"ValueError"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).with_suffix("").as_posix())
def test_public_functions_name_what_they_raise(path: Path) -> None:
    silent = []
    for function in public_functions(ast.parse(path.read_text(encoding="utf-8"))):
        names, said = raised(function), ast.get_docstring(function) or ""
        if names and not ("Raises" in said or "rror" in said):
            silent.append(f"{function.name}: {', '.join(sorted(names))}")
    assert silent == []
