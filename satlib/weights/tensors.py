"""A network out of named tensors: ours, whose configuration is one of the tensors, or the authors'.

Programs that read a .safetensors file often keep its tensors alone and drop the header, in which :func:`satlib.save`
writes the configuration. So it is written a second time, as a tensor: the bytes of its JSON text.
"""

import json
import re
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from satlib.config import SATConfig
from satlib.network.model import SAT
from satlib.support.errors import first_line
from satlib.weights.released import infer_config, rename

CONFIG_TENSOR = "satlib_config"
"""What the tensor is called that holds the configuration, in files alone: no network has it."""

Named = tuple[SATConfig, dict[str, Tensor]]
"""A configuration, and the weights under the names of :class:`satlib.SAT`."""


def pack_config(config: SATConfig) -> Tensor:
    """Return a configuration as the bytes of its JSON text, (n,) uint8."""
    return torch.tensor(list(json.dumps(config.to_dict()).encode()), dtype=torch.uint8)


def unpack_config(tensor: Tensor) -> SATConfig:
    """Return the configuration that :func:`pack_config` wrote.

    The tensor may have any dtype: programs convert all tensors of a file at once.

    Raises
    ------
    ValueError
        If the tensor is something else.
    """
    values = tensor.detach().cpu().double()
    if tensor.ndim != 1 or not bool(((values >= 0) & (values <= 255) & (values == values.round())).all()):
        raise ValueError(f"it is no text: {tuple(tensor.shape)}, {str(tensor.dtype).removeprefix('torch.')}")
    return read_config(bytes(int(value) for value in values.tolist()))


def read_config(text: str | bytes) -> SATConfig:
    """Return the configuration of a JSON text.

    Raises
    ------
    ValueError
        If it is none, in one line.
    """
    try:
        return SATConfig.from_dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise ValueError(first_line(error)) from error


def find_network(tensors: Mapping[str, Tensor], source: object) -> Named:
    """Return configuration and weights of tensors that nothing else describes.

    Parameters
    ----------
    tensors
        Ours with the configuration among them, or the authors', of a wrapped network or not.
    source
        What a message calls them: a path.

    Raises
    ------
    ValueError
        If they are neither, or the configuration is damaged.
    """
    plain = unwrapped(tensors)
    if CONFIG_TENSOR not in plain:
        return from_released(plain, source)
    try:
        config = unpack_config(plain[CONFIG_TENSOR])
    except ValueError as error:
        raise ValueError(f"{source} has an unusable configuration, the tensor {CONFIG_TENSOR}: {error}") from error
    return config, without_config(plain)


def unwrapped(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return tensors under the names that they have in the network itself, without those of wrappers around it."""
    return {re.sub(r"^((module|_orig_mod)\.)+", "", str(name)): tensor for name, tensor in tensors.items()}


def without_config(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that are weights."""
    return {name: tensor for name, tensor in tensors.items() if name != CONFIG_TENSOR}


def from_released(tensors: Mapping[str, Tensor], source: object) -> Named:
    """Return the configuration and the weights of tensors under the authors' names, wrapped or not.

    Raises
    ------
    ValueError
        If they are no such tensors.
    """
    plain = unwrapped(tensors)
    try:
        return infer_config(plain), rename(plain)
    except KeyError as error:
        raise ValueError(f"{source} is not a SAT checkpoint: it has no tensor {error.args[0]!r}") from error
    except (ValueError, IndexError) as error:
        raise ValueError(f"{source} is not a SAT checkpoint: {first_line(error)}") from error


def build(config: SATConfig, weights: Mapping[str, Tensor], source: object) -> SAT:
    """Build the network of a configuration around weights, in eval mode, after comparing names and shapes.

    Raises
    ------
    ValueError
        If they do not fit, or have values that are not finite.
    """
    with torch.random.fork_rng(devices=[]):
        model = SAT(config)
    check_weights(model.state_dict(), weights, source)
    double = all(tensor.dtype == torch.float64 for tensor in weights.values())
    model.to(torch.float64 if double else torch.float32).load_state_dict(weights)
    return model.eval()


def check_weights(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor], source: object) -> None:
    """Compare the weights of a file with those that a network has, by name and shape.

    Raises
    ------
    ValueError
        If they do not fit, or have values that are not finite.
    """
    check_fit(expected, weights, f"the weights in {source} do not fit the configuration")
    for name, tensor in weights.items():
        if not tensor.isfinite().all():
            raise ValueError(f"the weights in {source} are not finite: {name} has NaN or infinite values")


def check_own(network: nn.Module, like: Callable[[], nn.Module]) -> None:
    """Require that a network has the weights of its configuration, so that what is saved of it can be loaded.

    Parametrized and pruned layers have others in their place.

    Parameters
    ----------
    like
        Makes a network of that configuration; called without storage.

    Raises
    ------
    ValueError
        If it has not.
    """
    with torch.device("meta"):
        expected = like().state_dict()
    check_fit(
        expected, network.state_dict(), "the network cannot be saved, its weights are not those of its configuration"
    )


def check_fit(expected: Mapping[str, Tensor], weights: Mapping[str, Tensor], what: str) -> None:
    """Compare weights with expected ones by name and shape.

    Raises
    ------
    ValueError
        If they differ: ``what``, and the first difference.
    """
    problems = [f"{name} is missing" for name in expected if name not in weights]
    problems += [f"{name} is not part of the network" for name in weights if name not in expected]
    problems += [
        f"{name} is {tuple(weights[name].shape)}, not {tuple(expected[name].shape)}"
        for name in expected
        if name in weights and weights[name].shape != expected[name].shape
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ValueError(f"{what}: {problems[0]}{more}")
