"""Which networks the trainer knows, SAT and the convolutional one: how each is made, kept and read again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from satlib.config import SATConfig
from satlib.network.convolutional import Convolutional, ConvolutionalConfig, Network, NetworkConfig
from satlib.network.model import SAT
from satlib.weights.checkpoint import load, save
from satlib.weights.convolutional import load_convolutional, save_convolutional


def config_of(values: Mapping[str, Any]) -> NetworkConfig:
    """Return the configuration of a network by its fields: the convolutional one is the one that has ``blocks``.

    ``preset`` names a preset of SAT to take the others from.

    Raises
    ------
    ValueError
        If a field is missing, unknown or out of range.
    """
    fields = dict(values)
    if "blocks" in fields:
        return ConvolutionalConfig.from_dict(fields)
    preset = fields.pop("preset", None)
    if preset is None:
        return SATConfig.from_dict(fields)
    if "scale" not in fields:
        raise ValueError("network.scale is missing")
    return SATConfig.preset(preset, **fields)


def build_network(config: NetworkConfig) -> Network:
    """Return a network with weights in float32 that are drawn from torch's global generator."""
    return (SAT(config) if isinstance(config, SATConfig) else Convolutional(config)).float()


def load_network(config: NetworkConfig, path: str | Path) -> Network:
    """Return the network of a file, which is to be of the same kind as that of a configuration.

    Raises
    ------
    OSError, ValueError
        As :func:`satlib.load` and :func:`satlib.weights.convolutional.load_convolutional`.
    """
    return load(path) if isinstance(config, SATConfig) else load_convolutional(path)


def save_network(model: Network, path: Path) -> None:
    """Write a network to a .safetensors file.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    if isinstance(model, SAT):
        save(model, path)
    else:
        save_convolutional(model, path)
