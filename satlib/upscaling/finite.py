"""Outputs that are no images: of another size than promised, or not finite, which names the layer they come from."""

import copy
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from satlib.upscaling.models import Upscaler


def check_output(made: object, model: Upscaler, x: Tensor) -> None:
    """Raise ValueError unless what a network has made of a batch ``x`` (B, I, H, W) is a tensor (B, I, sH, sW)."""
    promised = (*x.shape[:2], *(model.scale * side for side in x.shape[2:]))
    got = tuple(made.shape) if isinstance(made, Tensor) else type(made).__name__
    if got != promised:
        raise ValueError(f"{model.name} upscales by {model.scale}, to {promised}, got {got}")


def check_finite(out: Tensor, model: Upscaler, x: Tensor) -> None:
    """Raise ValueError if ``out``, what a network has made of a batch ``x``, has NaN or infinite values.

    The message names the first weight that is not finite, or else the first layer that gives such values; to find it,
    a copy of the network runs again.
    """
    if out.isfinite().all():
        return
    if not isinstance(model, nn.Module):
        raise ValueError(f"the output of {model.name} is not finite")
    for name, weight in model.named_parameters():
        if not weight.isfinite().all():
            raise ValueError(f"the network's weights are not finite: {name} has NaN or infinite values")
    name = _first_layer(copy.deepcopy(model), x)
    raise ValueError(f"the network's output is not finite, and so is what its layer {name} gives")


def _first_layer(model: nn.Module, x: Tensor) -> str:
    """Return the name of the innermost layer that is the first to give values that are not finite; change ``model``."""
    found: list[str] = []
    for name, module in model.named_modules():
        module.__dict__["forward"] = partial(_look, name, module.forward, found)
    model(x)
    return found[0]


def _look(name: str, forward: Callable[..., object], found: list[str], *inputs: object, **options: object) -> object:
    """Run a layer, and note its name if what it gives is not finite."""
    output = forward(*inputs, **options)
    tensors = [value for value in (output if isinstance(output, tuple) else (output,)) if isinstance(value, Tensor)]
    if not all(tensor.isfinite().all() for tensor in tensors):
        found.append(name or "upsampler")  # the network itself adds a mean to what its upsampler gives
    return output
