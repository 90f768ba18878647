"""YAML files and texts: numbers as people write them, and faults told in one line."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from satlib.support.paths import as_path

MERGE = "tag:yaml.org,2002:merge"
"""Of the key "<<", which takes what another mapping has."""


class _Loader(yaml.SafeLoader):
    """YAML whose numbers may be written 2e-4; YAML 1.1, which PyYAML reads, takes that for a text.

    A key that stands twice in a mapping is an error; PyYAML keeps the last one.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a mapping, whose keys are all different."""
        seen = set()
        for key, _ in node.value:
            if key.tag != MERGE and isinstance(key, yaml.ScalarNode):
                name = self.construct_object(key, deep=deep)
                if name in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"key {name!r} stands twice", key.start_mark)
                seen.add(name)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)


def read_yaml(path: str | Path) -> object:
    """Return what a YAML file says, None for an empty one.

    Raises
    ------
    OSError
        If it cannot be read.
    ValueError
        If it is not YAML; the message names the file, and the line and column of the fault.
    """
    try:
        text = as_path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not YAML: it is not text in UTF-8") from None
    return parse_yaml(text, str(path))


def parse_yaml(text: str, what: str) -> object:
    """Return what a YAML text says, or raise a ValueError that begins with ``what``."""
    try:
        value: object = yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f"line {mark.line + 1}, column {mark.column + 1}: "
        raise ValueError(f"{what} is not YAML: {place}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{what} is not YAML: {' '.join(str(error).split())}") from None
    return value


def read_mapping(path: str | Path) -> dict[str, object]:
    """Return what a YAML file says; an empty file is an empty mapping.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, is not YAML, or is no mapping from names.
    """
    content = read_yaml(path)
    return as_mapping({} if content is None else content, str(path))


def as_mapping(value: object, what: str) -> dict[str, object]:
    """Return a value that must be a mapping from names, or raise a ValueError that says ``what`` should be one."""
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise ValueError(f"{what} must be a mapping from names to values, got {value!r}")
    return value
