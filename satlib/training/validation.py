"""Validation: mean Y-PSNR and SSIM over whole images, each process taking its share of them.

Shapes: H, W of an image, s the scale.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from lightning_fabric import Fabric

from satlib.data.degradation import Pass, degrade_bytes
from satlib.data.store import Store
from satlib.evaluation.protocol import Protocol, check_measurable, compare
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.images.files import write
from satlib.images.folder import image_files, read_8bit
from satlib.images.picture import Picture
from satlib.network.model import SAT
from satlib.support.paths import as_path
from satlib.training.config import TrainConfig
from satlib.training.patches import split
from satlib.upscaling.run import upscale_picture

Image = npt.NDArray[np.uint8]


class Example(NamedTuple):
    """A validation image in both resolutions."""

    name: str
    lr: Image
    """(H, W, 3)."""
    hr: Image
    """(sH, sW, 3)."""


class Validation(NamedTuple):
    """Means over the images."""

    psnr: float
    """dB, on Y, with s pixels shaved from each side."""
    ssim: float


def data_of(config: TrainConfig, store: Store) -> tuple[list[int], list[Example]]:
    """Return the photographs of a store that a run trains on, and the examples that it validates on.

    Raises
    ------
    OSError, ValueError
        If the folder for validation cannot be read, no photograph would be left to train on, or low resolution would be
        degraded that the store has files of.
    """
    if config.degradation and store.paired:
        raise ValueError(f"{config.store} has low-resolution files of its own: degradation must be None with it")
    chosen, held = split(len(store), config.holdout)
    scale = config.network.scale
    if config.validation is not None:
        examples = examples_of_folder(as_path(config.validation, "validation"), scale)
    else:
        examples = examples_of_store(store, held)
    return chosen, degraded(examples, scale, config.degradation) if config.degradation else examples


def examples_of_store(store: Store, indices: Sequence[int]) -> list[Example]:
    """Return held-out photographs of a store."""
    return [
        Example(Path(store.entries[i].name).stem, store.lr(i), crop_to_multiple(store.hr(i), store.scale))
        for i in indices
    ]


def examples_of_folder(folder: Path, scale: int) -> list[Example]:
    """Return the images of a folder; grey ones become RGB."""
    found = []
    for path in image_files(folder):
        pixels = read_8bit(path)
        rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=2)
        found.append(Example(path.stem, downscale(rgb, scale), crop_to_multiple(rgb, scale)))
    return found


def fingerprint(examples: Sequence[Example]) -> str:
    """Return a hash of the examples' names and pixels, to know the set again; "" of none."""
    found = hashlib.sha256()
    for example in examples:
        found.update(repr((example.name, example.hr.shape)).encode() + example.hr.tobytes() + example.lr.tobytes())
    return found.hexdigest()[:16] if examples else ""


def degraded(examples: Sequence[Example], scale: int, passes: Sequence[Pass]) -> list[Example]:
    """Return examples whose low resolution is made by passes of degradation, the same for all seeds of a run."""
    found = []
    for number, example in enumerate(examples):
        generator = torch.Generator().manual_seed(number)
        high = torch.from_numpy(example.hr.copy()).permute(2, 0, 1)  # (sH, sW, 3) -> (3, sH, sW)
        low = degrade_bytes(high, scale, passes, generator).permute(1, 2, 0).contiguous()
        found.append(example._replace(lr=low.numpy()))
    return found


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
    model: SAT, examples: Sequence[Example], fabric: Fabric, *, samples: int = 0, folder: Path | None = None
) -> Validation:
    """Upscale all examples, each in one process, and return the means, the same in all processes.

    The upscaled versions of the first ``samples`` are written into ``folder``.
    """
    protocol = Protocol(scale=model.config.scale)
    sums = torch.zeros(2, dtype=torch.float64, device=fabric.device)
    for number in range(fabric.global_rank, len(examples), fabric.world_size):
        example = examples[number]
        upscaled = upscale_picture(Picture(example.lr), model)
        values = compare(upscaled.pixels, example.hr, protocol)
        sums += torch.tensor([values["psnr"], values["ssim"]], dtype=torch.float64, device=fabric.device)
        if folder is not None and number < samples:
            folder.mkdir(parents=True, exist_ok=True)
            write(upscaled, folder / f"{example.name}.png")
    if fabric.world_size > 1:
        sums = torch.as_tensor(fabric.all_reduce(sums, reduce_op="sum"))
    psnr, ssim = (sums / len(examples)).tolist()
    return Validation(psnr, ssim)
