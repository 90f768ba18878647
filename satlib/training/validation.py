"""Validation: mean Y-PSNR and SSIM over whole images, each process taking its share of them.

Shapes: H, W of an image, I its channels, s the scale.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric

from satlib.data.degradation import Pass
from satlib.data.store import Store
from satlib.evaluation import protocol as protocols
from satlib.evaluation.protocol import Protocol, check_measurable, compare
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.images.files import write
from satlib.images.folder import image_files, read_8bit, with_channels
from satlib.images.picture import Picture
from satlib.support.checks import require
from satlib.support.devices import widest
from satlib.support.paths import as_path
from satlib.training.config import TrainConfig
from satlib.training.patches import split
from satlib.upscaling.models import Upscaler
from satlib.upscaling.run import upscale_picture

Image = npt.NDArray[np.uint8]


class Example(NamedTuple):
    """A validation image in both resolutions."""

    name: str
    lr: Image
    """(H, W, I)."""
    hr: Image
    """(sH, sW, I)."""


class Validation(NamedTuple):
    """Means over the images."""

    psnr: float
    """dB, on Y (of grey images: on themselves), with s pixels shaved from each side (at scale 1: none)."""
    ssim: float


def data_of(config: TrainConfig, store: Store) -> tuple[list[int], list[Example]]:
    """Return the photographs of a store that a run trains on, and the examples that it validates on.

    Raises
    ------
    OSError, ValueError
        If the folder for validation cannot be read, no photograph would be left to train on, low resolution would be
        degraded that the store has files of, the store's channels are not the network's, or nothing is restored at
        scale 1.
    """
    if config.degradation and store.paired:
        raise ValueError(f"{config.store} has low-resolution files of its own: degradation must be None with it")
    scale, channels = config.network.scale, config.network.in_channels
    if store.channels != channels:
        raise ValueError(
            f"network.in_channels must be {store.channels}, as the images of {config.store}, got {channels}"
        )
    if scale == 1 and not config.degradation:
        if not store.paired:
            raise ValueError(
                "degradation must say what is restored at scale 1, got None; or prepare a store of degraded files "
                "(satlib data prepare PHOTOS --scale 1 --low DEGRADED)"
            )
        require(config.validation is None, "validation", config.validation, "None at scale 1 without a degradation")
    chosen, held = split(len(store), config.holdout)
    if config.validation is not None:
        examples = examples_of_folder(as_path(config.validation, "validation"), scale, channels)
    else:
        examples = examples_of_store(store, held)
    return chosen, degraded(examples, scale, config.degradation) if config.degradation else examples


def examples_of_store(store: Store, indices: Sequence[int]) -> list[Example]:
    """Return held-out photographs of a store."""
    return [
        Example(Path(store.entries[i].name).stem, store.lr(i), crop_to_multiple(store.hr(i), store.scale))
        for i in indices
    ]


def examples_of_folder(folder: Path, scale: int, channels: int = 3) -> list[Example]:
    """Return the images of a folder, all of them RGB or, with 1 channel, grey.

    Raises
    ------
    ValueError
        If the channels are neither.
    """
    found = []
    for path in image_files(folder):
        pixels = with_channels(read_8bit(path), channels)
        found.append(Example(path.stem, downscale(pixels, scale), crop_to_multiple(pixels, scale)))
    return found


def fingerprint(examples: Sequence[Example]) -> str:
    """Return a hash of the examples' names and pixels, to know the set again; "" of none."""
    found = hashlib.sha256()
    for example in examples:
        found.update(repr((example.name, example.hr.shape)).encode() + example.hr.tobytes() + example.lr.tobytes())
    return found.hexdigest()[:16] if examples else ""


def degraded(examples: Sequence[Example], scale: int, passes: Sequence[Pass]) -> list[Example]:
    """Return examples whose low resolution is made by passes of degradation, the same for all seeds of a run."""
    return [e._replace(lr=protocols.degraded(e.hr, scale, passes, number)) for number, e in enumerate(examples)]


def check_examples(examples: Sequence[Example], scale: int) -> None:
    """Raise ValueError if examples are too small to be measured; the message names each of them."""
    protocol, problems = Protocol(scale=scale), []
    for example in examples:
        try:
            check_measurable((example.hr.shape[0], example.hr.shape[1]), protocol)
        except ValueError as error:
            problems.append(f"{example.name}: {error}")
    if problems:
        raise ValueError(f"too small for validation: {'; '.join(problems)}")


def validate(
    model: Upscaler, examples: Sequence[Example], fabric: Fabric, *, samples: int = 0, folder: Path | None = None
) -> Validation:
    """Upscale all examples, each in one process, and return the means, the same in all processes.

    The upscaled versions of the first ``samples`` are written into ``folder``. Photographs of several folders may have
    one name: the later ones are written with their number behind it.
    """
    protocol = Protocol(scale=model.scale)
    sums = torch.zeros(2, dtype=widest(fabric.device), device=fabric.device)
    for number in range(fabric.global_rank, len(examples), fabric.world_size):
        example = examples[number]
        upscaled = upscale_picture(Picture(example.lr), model)
        values = compare(upscaled.pixels, example.hr, protocol)
        sums += torch.tensor([values["psnr"], values["ssim"]], dtype=sums.dtype, device=fabric.device)
        if folder is not None and number < samples:
            folder.mkdir(parents=True, exist_ok=True)
            again = example.name in [other.name for other in examples[:number]]
            write(upscaled, folder / f"{example.name}{f'-{number}' if again else ''}.png")
    if fabric.world_size > 1:
        sums = torch.as_tensor(fabric.all_reduce(sums, reduce_op="sum"))
    psnr, ssim = (sums / len(examples)).tolist()
    return Validation(psnr, ssim)
