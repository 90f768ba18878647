"""How committed numbers are read: once, and so that nobody can change what others read."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any


@cache
def read_results(package: str, name: str) -> Mapping[str, Any]:
    """Return the JSON object of ``NAME.json`` in a package: mappings that cannot be changed, tuples for lists."""
    return _mapping(json.loads((files(package) / f"{name}.json").read_text(encoding="utf-8")))


def choose_results(package: str, name: str, names: Sequence[str], kind: str) -> Mapping[str, Any]:
    """Return ``NAME.json`` of a package, as :func:`read_results` does.

    Raises
    ------
    ValueError
        If ``name`` is not one of ``names``; ``kind`` says of what.
    """
    if name not in names:
        raise ValueError(f"unknown {kind} {name!r}; choose one of {', '.join(names)}")
    return read_results(package, name)


def _mapping(content: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType({key: _frozen(value) for key, value in content.items()})


def _frozen(value: object) -> object:
    if isinstance(value, dict):
        return _mapping(value)
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
