"""Networks in files: safetensors with their configuration, and the authors' PyTorch checkpoints.

Nothing is unpickled but tensors. What the authors' files do not say (they hold no configuration) is read off the
shapes of their tensors, and the rest is taken from their released YAML, the preset "sat-released".
"""

import json
from collections.abc import Mapping
from importlib import resources
from os import PathLike
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from satlib._version import __version__
from satlib.config import PRESETS, SCALES
from satlib.network.model import SAT, as_sat
from satlib.support.devices import check_device, move
from satlib.support.errors import first_line
from satlib.support.files import replacing
from satlib.support.paths import as_path
from satlib.weights.hub import fetch, is_address
from satlib.weights.tensors import (
    CONFIG_TENSOR,
    Named,
    build,
    check_own,
    find_network,
    from_released,
    pack_config,
    read_config,
    without_config,
)
from satlib.weights.torch_files import read_torch_file

FORMAT, CONVOLUTIONAL = "satlib", "satlib convolutional"
"""What the header calls a SAT, and a network of :mod:`satlib.weights.convolutional`."""


def load(name_or_path: str | PathLike[str], *, device: torch.device | str = "cpu", **overrides: object) -> SAT:
    """Load a network, in eval mode.

    Parameters
    ----------
    name_or_path
        A bundled network, "<preset>-x<scale>" as in "sat-tiny-x4", or "sat-tiny-real-x2", the one for degraded
        photographs; a .safetensors file written by :func:`save`; or weights under the names of the authors' code, in a
        .pth or a .safetensors file, of a wrapped network, too; or "hf://owner/name" on the Hugging Face hub,
        "hf://owner/name@revision" for a branch, tag or commit of it.
    device
        Where the network goes; checked before anything is read.
    overrides
        Fields of :class:`SATConfig` to change, by name, where the weights allow it.

    Returns
    -------
    SAT
        With float64 weights if the file has them, else float32.

    Raises
    ------
    FileNotFoundError
        No such file, or no weights bundled under this name.
    OSError
        What is on the hub cannot be had; the message says what to do.
    ValueError
        Not a name and not a file; damaged; foreign; weights that do not fit the configuration, or are not finite; a
        device that cannot be used.
    """
    place = check_device(device)
    if isinstance(name_or_path, str) and is_address(name_or_path):
        return move(_load_from_hub(name_or_path, overrides), place)
    path = as_path(name_or_path, "model")
    if not path.exists():
        path = _bundled_or_given(str(name_or_path), path)
    if path.suffix not in (".safetensors", ".pth", ".pt"):
        raise ValueError(
            f"unknown model {str(name_or_path)!r}: give <preset>-x<scale> (presets {', '.join(PRESETS)}; scales "
            f"{', '.join(map(str, SCALES))}) or a .safetensors or .pth file"
        )
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    config, state = _read_safetensors(path) if path.suffix == ".safetensors" else _read_released(path)
    return move(build(config.replace(**overrides), state, path), place)


def save(model: SAT | nn.Module, path: str | PathLike[str]) -> None:
    """Write a network to a .safetensors file with its configuration and the version of satlib in the header.

    The configuration is a tensor of the file as well (`satlib.weights.tensors`), for programs that drop the header.
    The file appears whole or not at all; the same network gives the same bytes. Tensors keep their dtype. Of a network
    in a wrapper (:func:`satlib.network.model.as_sat`) the network itself is written.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If ``model`` is no network, has no values, or other weights than its configuration says, as parametrized layers
        have; or ``path`` has another extension.
    """
    target, network = as_path(path), as_sat(model)
    if target.suffix != ".safetensors":
        raise ValueError(f"networks are saved as .safetensors, got {str(path)!r}")
    header = {"format": FORMAT, "version": __version__, "config": json.dumps(network.config.to_dict())}
    check_own(network, lambda: SAT(network.config))
    state = {**network.state_dict(), CONFIG_TENSOR: pack_config(network.config)}
    content = to_bytes(state, header)
    with replacing(target) as temporary:
        temporary.write_bytes(content)  # into this very file: another one in its place would not be locked


def to_bytes(state: Mapping[str, Tensor], header: dict[str, str]) -> bytes:
    """Return tensors and a header as the content of a safetensors file, the same each time.

    Raises
    ------
    ValueError
        If a tensor has no values, being on the device "meta".
    """
    empty = [name for name, tensor in state.items() if tensor.is_meta]
    if empty:
        raise ValueError(f"the network has no values to save: {empty[0]} is on the device 'meta'")
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    return _with_sorted_metadata(safetensors_bytes(tensors, metadata=header))


def _with_sorted_metadata(content: bytes) -> bytes:
    """Put the metadata of a safetensors file in order: its writer writes them in another order each time.

    The file begins with the length of its header, 8 bytes; the header is JSON, and may end with spaces.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return content[:8] + text.ljust(end - 8) + content[end:]


def parse_name(name: str) -> tuple[str, int] | None:
    """Split "sat-tiny-x4" into ("sat-tiny", 4); ``None`` if it is not a preset and a scale."""
    preset, separator, scale = name.rpartition("-x")
    known = separator and preset in PRESETS and scale in map(str, SCALES)
    return (preset, int(scale)) if known else None


def bundled(name: str) -> Path:
    """Return where the weights of a network would be if the package has them."""
    return Path(str(resources.files("satlib"))) / "weights" / f"{name}.safetensors"


def bundled_names() -> list[str]:
    """Return the names of the networks whose weights the package has."""
    return sorted(path.stem for path in bundled("any").parent.glob("*.safetensors"))


def benchmark_names() -> list[str]:
    """Return those of them that are trained on what benchmarks measure: low resolution by bicubic downscaling."""
    return [name for name in bundled_names() if parse_name(name) is not None]


def _bundled_or_given(name: str, path: Path) -> Path:
    """Return the file of a bundled network, or the path if the name is none.

    Raises
    ------
    FileNotFoundError
        If a preset and a scale are named, and the package has no weights for them.
    """
    if name in bundled_names():
        return bundled(name)
    parsed = parse_name(name)
    if parsed is None:
        return path
    raise FileNotFoundError(
        f"no trained weights are bundled for {name!r}; "
        f"SAT(SATConfig.preset({parsed[0]!r}, scale={parsed[1]})) builds the network untrained"
    )


def _load_from_hub(address: str, overrides: dict[str, object]) -> SAT:
    """Load a network from the Hugging Face hub; its config.json and its file of weights must say the same."""
    path, told = fetch(address)
    config, state = _read_safetensors(path)
    if config != told:
        raise ValueError(f"{address}: config.json and model.safetensors have different configurations")
    return build(config.replace(**overrides), state, path)


def header_and_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return what a safetensors file says in its header, and its tensors by name.

    Raises
    ------
    ValueError
        If it is damaged, or is none.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            names = file.keys()
            return header, {name: file.get_tensor(name) for name in names}
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged or is not a safetensors file: {first_line(error)}") from error


def _read_safetensors(path: Path) -> Named:
    """Read a file of :func:`save`, or one of another trainer with the authors' names."""
    header, state = header_and_tensors(path)
    if header.get("format") == CONVOLUTIONAL:
        raise ValueError(f"{path} holds a convolutional network, not a SAT; satlib.upscaling.models.get_model takes it")
    if header.get("format") != FORMAT or "config" not in header:
        if CONFIG_TENSOR in state:
            return find_network(state, path)
        try:
            return from_released(state, path)
        except ValueError as error:
            raise ValueError(f"{path} was not written by satlib: its header has no configuration; {error}") from error
    try:
        return read_config(header["config"]), without_config(state)
    except ValueError as error:
        version = header.get("version", "unknown")
        raise ValueError(f"{path} has an unusable configuration (satlib {version}): {error}") from error


def _read_released(path: Path) -> Named:
    """Read a checkpoint of the authors' code: a dict with ``params_ema`` or ``params``, or the tensors themselves."""
    content = read_torch_file(path)
    for key in ("params_ema", "params"):
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise ValueError(f"{path} is not a SAT checkpoint: it holds no dict of tensors")
    return find_network(content, path)
