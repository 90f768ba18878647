"""One small image, upscaled by several models: what `compare` compares.

A model is a network of this package, the name of one, or anything that is called with a batch (1, 3, H, W) in [0, 1]
and returns (1, 3, sH, sW), as the models that spandrel loads do.
"""

from collections.abc import Callable, Mapping, Sequence
from os import PathLike

import torch
from torch import Tensor

from satlib.analysis.layer_tokens import at_home, batch_for
from satlib.metrics.fidelity import psnr
from satlib.network.model import as_sat, in_eval, is_sat
from satlib.upscaling.models import Bicubic, Upscaler, get_model

BICUBIC = "bicubic"
HIGH = "high resolution"

Model = str | PathLike[str] | Upscaler | Callable[[Tensor], Tensor]
Models = Model | Sequence[Model] | Mapping[str, Model]


def upscale_by_all(models: Models, image: Tensor) -> dict[str, Tensor]:
    """Return an image (3, H, W), upscaled by bicubic interpolation and by each model, (3, sH, sW) by name, in [0, 1].

    Raises
    ------
    ValueError, OSError
        If there is no model, one is unknown or fails, or the factors differ or are 1.
    """
    found = {name: _upscale(name, model, image) for name, model in named(models).items()}
    factors = {name: _factor(name, image, out) for name, out in found.items()}
    if len(set(factors.values())) != 1:
        raise ValueError(f"all models must upscale by one factor, got {factors}")
    scale = next(iter(factors.values()))
    if scale == 1:
        raise ValueError(
            "all models must enlarge: beside bicubic interpolation, a network of scale 1 has no counterpart"
        )
    return {BICUBIC: _upscale(BICUBIC, Bicubic(scale), image)} | found


def named(models: Models) -> dict[str, Model]:
    """Return models by name: a mapping as it is; of others a name, or what kind of thing they are, numbered.

    Raises
    ------
    ValueError
        If there is no model.
    """
    if isinstance(models, Mapping):
        every = dict(models)
    else:
        several = models if isinstance(models, Sequence) and not isinstance(models, str) else [models]
        every = {}
        for model in several:
            name = _name(model)
            same = sum(known == name or known.startswith(f"{name} (") for known in every)
            every[f"{name} ({same + 1})" if same else name] = model
    if not every:
        raise ValueError("models must hold at least one model, got none")
    return every


def _name(model: Model) -> str:
    if is_sat(model):
        return as_sat(model).name
    if isinstance(model, (str, PathLike)):
        return str(model)
    return str(getattr(model, "name", getattr(model, "__name__", type(model).__name__)))


def _upscale(name: str, model: Model, image: Tensor) -> Tensor:
    """Run one model on an image (3, H, W)."""
    if isinstance(model, (str, PathLike)):
        model = get_model(model)
    if is_sat(model):
        model = as_sat(model)
        with torch.inference_mode():
            return at_home(in_eval(model)(batch_for(model, image))[0]).clamp(0, 1)
    if not callable(model):
        raise ValueError(f"model {name!r} must be a network, a name or callable, got {type(model).__name__}")
    try:
        with torch.inference_mode():
            out = model(image.unsqueeze(0))
    except Exception as error:
        raise ValueError(f"model {name!r} failed on a batch {(1, *image.shape)}: {error}") from error
    if not isinstance(out, Tensor) or out.ndim != 4 or out.shape[:2] != (1, 3) or not out.is_floating_point():
        what = tuple(out.shape) if isinstance(out, Tensor) else type(out).__name__
        raise ValueError(f"model {name!r} must return floats (1, 3, sH, sW), got {what}")
    return at_home(out[0]).nan_to_num(0).clamp(0, 1)


def _factor(name: str, image: Tensor, out: Tensor) -> int:
    """Return s of an image (3, H, W) and what a model made of it, which must be (3, sH, sW)."""
    scale = out.shape[1] // image.shape[1]
    if scale < 1 or out.shape[1:] != (scale * image.shape[1], scale * image.shape[2]):
        raise ValueError(f"model {name!r} must return {tuple(image.shape)} enlarged s times, got {tuple(out.shape)}")
    return scale


def decibels(outputs: Mapping[str, Tensor], high: Tensor, scale: int) -> dict[str, float]:
    """Return the PSNR of images (3, sH, sW) against the high resolution, on Y of 8-bit pixels.

    ``scale`` pixels are shaved at each border, as papers do, unless that would leave none.

    Raises
    ------
    ValueError
        If the high resolution has another size.
    """
    border = scale if min(high.shape[1:]) > 2 * scale else 0
    for name, out in outputs.items():
        if out.shape != high.shape:
            raise ValueError(f"hr must be {tuple(out.shape)}, the size that {name} makes, got {tuple(high.shape)}")
    return {name: psnr(_eight_bits(out), _eight_bits(high), border=border) for name, out in outputs.items()}


def _eight_bits(image: Tensor) -> Tensor:
    return image.mul(255).round().to(torch.uint8)
