"""The typed parameters of a notebook: read from the text of its cell tagged ``parameters``, and values checked by them.

The cell holds lines such as ``steps: int = 200  # optimiser steps`` and nothing else, so that what a notebook takes is
known without running it. papermill has its own way to find this out, which overlooks some annotations and checks no
values.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from satlib.runner.parameter_types import PLAIN, fits, type_of
from satlib.support.yaml_files import parse_yaml


@dataclass(frozen=True)
class Parameter:
    """A name, the text of its annotation, and the value that it has in the notebook."""

    name: str
    type: str
    default: object


def read_parameters(cell: str) -> dict[str, Parameter]:
    """Return the parameters of a cell by name, in their order.

    A line without an annotation has the type of its value.

    Raises
    ------
    ValueError
        If a line is anything but ``name: type = literal``, a name comes twice, or a value does not fit its type.
    """
    try:
        statements = ast.parse(cell).body
    except SyntaxError as error:
        raise ValueError(f"the parameters cell is not Python: {error.msg} in line {error.lineno}") from None
    found: dict[str, Parameter] = {}
    for statement in statements:
        parameter = _read(statement)
        if parameter is None:
            continue
        if parameter.name in found:
            raise ValueError(f"the parameter {parameter.name} is set twice in the parameters cell")
        found[parameter.name] = parameter
    return found


def _read(statement: ast.stmt) -> Parameter | None:
    match statement:
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=ast.expr() as literal):
            default = _literal(literal, name)
            parameter = Parameter(name, ast.unparse(annotation), default)
        case ast.Assign(targets=[ast.Name(id=name)], value=literal):
            default = _literal(literal, name)
            parameter = Parameter(name, type_of(default), default)
        case ast.Expr(value=ast.Constant()):
            return None
        case _:
            text = ast.unparse(statement).splitlines()[0]
            raise ValueError(f"a line of the parameters cell is not `name: type = literal`: {text}")
    if parameter.type == "None" or parameter.type not in PLAIN and isinstance(statement, ast.Assign):
        raise ValueError(f"the parameter {name} needs a type, such as {name}: str | None = None")
    if not fits(default, parameter.type):
        raise ValueError(f"the parameter {name}: {parameter.type} has a value of another type in the cell: {default!r}")
    return parameter


def _literal(node: ast.expr, name: str) -> object:
    try:
        value: object = ast.literal_eval(node)
    except (ValueError, TypeError):
        raise ValueError(f"the parameter {name} must be a literal, not {ast.unparse(node)}") from None
    return value


def check_values(values: Mapping[str, object], known: Mapping[str, Parameter], source: str) -> None:
    """Check that each value belongs to a parameter and has its type.

    Parameters
    ----------
    source
        Where the values come from, for the message.

    Raises
    ------
    ValueError
        Naming the parameter, the value, the type and the parameters there are.
    """
    for name, value in values.items():
        there_are = ", ".join(f"{p.name}: {p.type}" for p in known.values()) or "none"
        if name not in known:
            raise ValueError(f"{source}: there is no parameter {name} (for {value!r}); the parameters are {there_are}")
        if not fits(value, known[name].type):
            got = f"{value!r} ({type_of(value)})"
            raise ValueError(f"{source}: {name} must be {known[name].type}, got {got}; the parameters are {there_are}")


def parse_text(text: str, annotation: str) -> object:
    """Return the value that a text on the command line means for a parameter of this type.

    It is what YAML makes of the text, if that fits; else the text itself or the number it spells, if one of these does;
    so "7" is a number for an ``int`` and text for a ``str``. If nothing fits, what YAML makes of it.
    """
    try:
        value = parse_yaml(text, "the value")
    except ValueError:
        value = text
    candidates = [text if isinstance(value, str) else value, text, _as_float(text)]
    return next((candidate for candidate in candidates if fits(candidate, annotation)), value)


def _as_float(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text
