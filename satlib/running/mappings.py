"""YAML files whose content is a mapping from names to values."""

from pathlib import Path

from satlib.yaml_text import read_yaml


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
