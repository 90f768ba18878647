"""Convolutional networks in files: safetensors with the configuration in the header, under a format of their own.

The one that the package has was trained by the recipe of "sat-tiny-x2", to be compared with it.
"""

import json
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from satlib._version import __version__
from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.support.devices import check_device, move
from satlib.support.errors import first_line
from satlib.support.files import replacing
from satlib.support.paths import as_path
from satlib.weights.checkpoint import CONVOLUTIONAL, header_and_tensors, to_bytes
from satlib.weights.tensors import check_own, check_weights


def save_convolutional(model: Convolutional, path: str | PathLike[str]) -> None:
    """Write a network to a .safetensors file; tensors keep their dtype, the same network gives the same bytes.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If the network has no values, or other weights than its configuration says; or ``path`` another extension.
    """
    target = as_path(path)
    if target.suffix != ".safetensors":
        raise ValueError(f"networks are saved as .safetensors, got {str(path)!r}")
    header = {"format": CONVOLUTIONAL, "version": __version__, "config": json.dumps(model.config.to_dict())}
    check_own(model, lambda: Convolutional(model.config))
    content = to_bytes(model.state_dict(), header)
    with replacing(target) as temporary:
        temporary.write_bytes(content)


def is_convolutional(path: str | PathLike[str]) -> bool:
    """Tell whether a file is one of :func:`save_convolutional`, by its header; False if there is none."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format") == CONVOLUTIONAL
    except (SafetensorError, OSError):
        return False


def load_convolutional(path: str | PathLike[str], *, device: torch.device | str = "cpu") -> Convolutional:
    """Load a network that :func:`save_convolutional` wrote, in eval mode, with weights in float32.

    Raises
    ------
    OSError
        If there is no such file.
    ValueError
        If the file is damaged, foreign, or has weights that do not fit its configuration or are not finite; or the
        device cannot be used.
    """
    path, place = as_path(path), check_device(device)
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    config, state = _read(path)
    with torch.random.fork_rng(devices=[]):
        model = Convolutional(config).float()
    check_weights(model.state_dict(), state, path)
    model.load_state_dict(state)
    return move(model.eval(), place)


def _read(path: Path) -> tuple[ConvolutionalConfig, dict[str, torch.Tensor]]:
    """Return the configuration and the weights of a file."""
    header, state = header_and_tensors(path)
    if header.get("format") != CONVOLUTIONAL:
        raise ValueError(f"{path} holds no convolutional network of satlib")
    try:
        return ConvolutionalConfig.from_dict(json.loads(header["config"])), state
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} has an unusable configuration: {first_line(error)}") from error
