"""Training configurations as YAML: reading them, changing single fields from the command line, writing them."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from satlib.support.files import replacing
from satlib.support.yaml_files import parse_yaml, read_yaml
from satlib.training.config import TrainConfig

CONFIG = "config.yaml"
"""The file of a training's folder that describes it."""


def read_config(path: str | Path, changes: Sequence[str] = ()) -> TrainConfig:
    """Read a configuration from a YAML file of :class:`TrainConfig` fields.

    Parameters
    ----------
    changes
        "field=value" each, "network.field=value" for the network; they go before the file's. Values are YAML.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no YAML mapping, or holds a bad field; the message names it.
    """
    return build_config(read_yaml(path), changes, str(path))


def build_config(values: object, changes: Sequence[str], what: str) -> TrainConfig:
    """Build a configuration from what a YAML file says; as :func:`read_config`, with ``what`` for its name.

    Raises
    ------
    ValueError
        If it holds something else than fields and values, a field is unknown, or a value out of range.
    """
    if not isinstance(values, dict):
        raise ValueError(f"{what} must hold fields and values, got {values!r}")
    values = {key: dict(value) if isinstance(value, dict) else value for key, value in values.items()}
    for change in changes:
        name, equals, text = change.partition("=")
        if not equals or not name:
            raise ValueError(f"a change is written field=value, got {change!r}")
        target, _, field = name.rpartition(".")
        if target not in ("", "network"):
            raise ValueError(f"unknown field {name!r}")
        inner = values.setdefault("network", {}) if target else values
        if not isinstance(inner, dict):
            raise ValueError(f"{what}: network must hold fields and values, got {inner!r}")
        inner[field] = parse_yaml(text, change)
    try:
        return TrainConfig.from_dict(values)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def write_config(config: TrainConfig, path: Path) -> None:
    """Write a configuration with all of its fields."""
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(config.to_dict(), sort_keys=False, default_flow_style=None))
