"""What a trained network is measured by: PSNR on held-out images, the swap test, and what it gains from afar.

Differences are taken image by image within one network, so that they can be seen where PSNR itself varies by decibels.
Each has an error, which is the standard error of its mean over the images. PSNR is of Y, in dB, with as many pixels as
the scale shaved from each side, of the output as 8-bit pixels; in parts nothing is shaved.

Shapes: P side of a scene.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from satlib.analysis.swapping import swapped
from satlib.data.scenes import SCALE, Scene
from satlib.images.degradation import downscale
from satlib.images.picture import Picture
from satlib.images.tensors import to_pixels, to_tensor
from satlib.metrics.fidelity import psnr
from satlib.network.model import SAT
from satlib.resize import imresize
from satlib.training.trials.experiment import Scenes
from satlib.training.validation import Example
from satlib.upscaling.run import upscale_picture

Image = npt.NDArray[np.uint8]
Measures = dict[str, float]


def on_examples(model: SAT, examples: Sequence[Example]) -> Measures:
    """Measure on photographs, two at least.

    Returns
    -------
    dict
        "psnr", "bicubic", and "swap": what is lost when SAA reads the next photograph's tokens.
    """
    s = model.config.scale
    found: dict[str, list[float]] = {"psnr": [], "bicubic": [], "swap": []}
    for number, example in enumerate(examples):
        other = examples[(number + 1) % len(examples)]
        own = psnr(_upscale(model, example.lr), example.hr, border=s)
        found["psnr"].append(own)
        found["bicubic"].append(psnr(imresize(example.lr, s), example.hr, border=s))
        found["swap"].append(own - psnr(_upscale(model, example.lr, other.lr), example.hr, border=s))
    return _means(found, with_error=("swap",))


def on_scenes(model: SAT, scenes: Scenes) -> Measures:
    """Measure on held-out scenes.

    Returns
    -------
    dict
        "psnr" and "bicubic" of whole scenes; "parts" and "parts_bicubic" of the parts of interest together; "swap" and
        "swap_parts", what is lost there when SAA reads the next scene's tokens; and "gain", by how much the judged
        parts are better than in the broken scene.
    """
    seed, n = scenes.held_out
    drawn = [scenes.draw(seed, number) for number in range(n)]
    names = ("psnr", "bicubic", "parts", "parts_bicubic", "swap", "swap_parts", "gain")
    found: dict[str, list[float]] = {name: [] for name in names}
    for number, own in enumerate(drawn):
        low, foreign = downscale(own.hr, SCALE), downscale(drawn[(number + 1) % n].hr, SCALE)
        upscaled, read, interpolated = _upscale(model, low), _upscale(model, low, foreign), imresize(low, SCALE)
        alone = _upscale(model, downscale(scenes.draw(seed, number, broken=True).hr, SCALE))
        whole, parts = partial(psnr, hr=own.hr, border=SCALE), _in_parts(own, len(own.corners))
        judged = _in_parts(own, own.judged)
        found["psnr"].append(whole(upscaled))
        found["bicubic"].append(whole(interpolated))
        found["parts"].append(parts(upscaled))
        found["parts_bicubic"].append(parts(interpolated))
        found["swap"].append(whole(upscaled) - whole(read))
        found["swap_parts"].append(parts(upscaled) - parts(read))
        found["gain"].append(judged(upscaled) - judged(alone))
    return _means(found, with_error=("swap", "swap_parts", "gain"))


def _in_parts(own: Scene, n: int) -> Callable[[Image], float]:
    """Return the PSNR in the first n parts of a scene, taken together."""

    def measure(image: Image) -> float:
        return psnr(np.concatenate(own.parts(image)[:n]), np.concatenate(own.parts(own.hr)[:n]))

    return measure


def _upscale(model: SAT, low: Image, other: Image | None = None) -> Image:
    """Upscale (H, W, I), reading the tokens of another image if there is one."""
    if other is not None:
        own, foreign = (to_tensor(image, model.in_channels) for image in (low, other))
        return to_pixels(swapped(model, own, foreign).cpu(), np.uint8)
    upscaled: Image = upscale_picture(Picture(low), model).pixels
    return upscaled


def _means(found: dict[str, list[float]], with_error: Sequence[str]) -> Measures:
    """Return the mean of each measure, and of some the standard error of it."""
    means = {name: float(np.mean(values)) for name, values in found.items()}
    errors = {f"{name}_error": float(np.std(found[name], ddof=1) / len(found[name]) ** 0.5) for name in with_error}
    return means | errors
