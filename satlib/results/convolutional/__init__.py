"""The convolutional network that is compared with "sat-tiny-x2": its weights, what it gave, and what was expected.

It was trained by `runs/train/convolutional-x2.yaml`, which is the training of "sat-tiny-x2" with another network. The
numbers were written by `python -m benchmarks convolutional`; the images of test sets are not part of this package.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

from satlib.results.reading import read_results

NAME = "convolutional-x2"
"""What :func:`satlib.upscaling.models.get_model` calls the network."""


class Predicted(NamedTuple):
    """A number that was written down before the training, and the range that was given with it."""

    value: float
    low: float
    high: float


PREDICTED = {
    "diffusion index": Predicted(1.9, 1.6, 2.2),
    "% beyond 12 pixels": Predicted(0.03, 0.0, 0.08),
    "dB, held-out photographs": Predicted(-0.05, -0.15, 0.05),
}
"""Of `runs/experiments/convolutional.md`; decibels are those above "sat-tiny-x2"."""


def weights() -> Path:
    """Return the file of the network, for :func:`satlib.weights.convolutional.load_convolutional`."""
    return Path(str(files(__name__) / f"{NAME}.safetensors"))


def results() -> Mapping[str, Any]:
    """Return what was measured.

    "networks", by name: "params", and PSNR in dB and SSIM of Y under "held out", at the end of each training, and under
    "Set5" and "Set14", of the kept weights. Of the training: "curve", step and PSNR of each validation, and "seconds"
    of its steps. "sha256" of the weights.
    """
    return read_results(__name__, NAME)
