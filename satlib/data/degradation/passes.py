"""One or two passes of blur, resizing, noise and JPEG: what is drawn, in which order, and from which ranges.

The order and the ranges follow Real-ESRGAN (see :mod:`satlib.data.degradation.steps`): a photograph on the web was
often taken, shrunk and compressed by one person, and once more by the next. In the last pass the image comes to its
final size, before or after the JPEG. All that is random comes from one generator, so that a seed fixes the result.

Shapes: a photograph is (C, sH, sW), what is made of it (C, H, W), s the scale.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from math import pi
from typing import Any

import torch
from torch import Tensor

from satlib.data.degradation.steps import (
    INTERPOLATIONS,
    blur,
    gaussian_kernel,
    gaussian_noise,
    jpeg,
    poisson_noise,
    resize,
    to_bytes,
)
from satlib.support.checks import is_int, real, require

Range = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One pass; the defaults are those of Real-ESRGAN's first.

    Raises
    ------
    ValueError
        If a field has a value that cannot be; the message names the field and the value.
    """

    blur: float = 1.0
    """Probability of the blur."""
    sigma: Range = (0.2, 3.0)
    """Its standard deviation along each axis, in pixels: lowest and highest."""
    anisotropic: float = 0.36
    """Probability that the two axes have different ones, and a direction."""
    kernel: int = 21
    """Side of the blur's kernel in pixels, odd."""
    resize: Range = (0.15, 1.5)
    """Factors of the resizing, lowest and highest, with 1 between them."""
    up: float = 0.2
    """Probability that it enlarges."""
    down: float = 0.7
    """Probability that it shrinks; else the size stays."""
    noise: float = 1.0
    """Probability of the noise."""
    gaussian: Range = (1.0, 30.0)
    """Standard deviation of Gaussian noise, in levels of 8 bits."""
    poisson: Range = (0.05, 3.0)
    """Scale of Poisson noise."""
    poisson_share: float = 0.5
    """Probability that noise is Poisson's and not Gaussian."""
    gray: float = 0.4
    """Probability that noise is the same in all channels."""
    jpeg: tuple[int, int] | None = (30, 95)
    """Quality of the JPEG, lowest and highest; ``None``: no JPEG."""

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("blur", "anisotropic", "up", "down", "noise", "poisson_share", "gray"):
            real(name, getattr(self, name), 0, 1, closed=True)
        require(self.up + self.down <= 1, "up", self.up, f"at most 1 - down = {1 - self.down:g}")
        for name, low in (("sigma", 1e-3), ("resize", 1e-2), ("gaussian", 0.0), ("poisson", 0.0)):
            self._check_range(name, low)
        require(self.resize[0] <= 1 <= self.resize[1], "resize", self.resize, "two factors with 1 between them")
        require(is_int(self.kernel) and self.kernel > 0 and self.kernel % 2 == 1, "kernel", self.kernel, "odd")
        if self.jpeg is not None:
            self._check_range("jpeg", 1)
            good = all(is_int(quality) for quality in self.jpeg) and self.jpeg[1] <= 95
            require(good, "jpeg", self.jpeg, "two integers in 1..95")

    def _check_range(self, name: str, low: float) -> None:
        """Make a field a tuple of two numbers, the first not below ``low``, the second not below the first."""
        value = getattr(self, name)
        require(isinstance(value, (list, tuple)) and len(value) == 2, name, value, "two numbers, lowest and highest")
        for number in value:
            real(name, number, low, closed=True)
        require(value[0] <= value[1], name, value, "the lowest number first")
        object.__setattr__(self, name, tuple(value))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of JSON values."""
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}


FIRST = Pass()
SECOND = Pass(
    blur=0.8, sigma=(0.2, 1.5), resize=(0.3, 1.2), up=0.3, down=0.4, gaussian=(1.0, 25.0), poisson=(0.05, 2.5)
)
MILD = Pass(
    blur=0.8,
    sigma=(0.1, 1.5),
    kernel=11,
    resize=(0.5, 1.0),
    up=0.0,
    noise=0.8,
    gaussian=(0.0, 10.0),
    poisson=(0.0, 0.9),
    jpeg=(50, 95),
)
PRESETS: dict[str, tuple[Pass, ...]] = {"one-pass": (FIRST,), "two-passes": (FIRST, SECOND), "mild": (MILD,)}
"""Passes by name: Real-ESRGAN's first, both of them, and a milder one of ours that a small network can undo."""


def passes_of(value: object) -> tuple[Pass, ...]:
    """Return passes as a configuration writes them: a name of `PRESETS`, or a list of fields of each; () for None.

    Raises
    ------
    ValueError
        If it is something else, has more than two passes, or a field that is unknown or bad; the message names it.
    """
    if value is None:
        return ()
    if isinstance(value, str):
        require(value in PRESETS, "degradation", value, f"one of {', '.join(PRESETS)}, or a list of passes")
        return PRESETS[value]
    good = isinstance(value, (list, tuple)) and len(value) <= 2
    require(good, "degradation", value, f"one of {', '.join(PRESETS)}, or a list of one or two passes")
    assert isinstance(value, (list, tuple))
    return tuple(_pass_of(part) for part in value)


def _pass_of(value: object) -> Pass:
    if isinstance(value, Pass):
        return value
    known = [field.name for field in fields(Pass)]
    require(isinstance(value, dict), "degradation", value, "a list of passes, each with fields and values")
    assert isinstance(value, dict)
    for key in value:
        require(key in known, "degradation", key, f"made of the fields {', '.join(known)}")
    return Pass(**value)


def degrade(photograph: Tensor, scale: int, passes: Sequence[Pass], generator: torch.Generator) -> Tensor:
    """Make a low-resolution image of a photograph.

    Parameters
    ----------
    photograph
        (C, sH, sW) floating point in [0, 1], C 1 or 3, on the CPU.
    scale
        s, which divides its sides; 1 leaves its size.
    passes
        One or two.
    generator
        Of all that is drawn.

    Returns
    -------
    Tensor
        (C, H, W) in [0, 1].

    Raises
    ------
    ValueError
        If the scale does not divide the sides, or there is no pass.
    """
    height, width = photograph.shape[1:]
    fits = is_int(scale) and scale >= 1 and height % scale == 0 and width % scale == 0
    require(fits, "scale", scale, f"a divisor of {height} and {width}")
    require(len(passes) > 0, "passes", passes, "at least one")
    image, final = photograph, (height // scale, width // scale)
    for number, chosen in enumerate(passes):
        image = _one_pass(image, chosen, final if number == len(passes) - 1 else None, generator)
    return image.clamp(0, 1)


def degrade_bytes(photograph: Tensor, scale: int, passes: Sequence[Pass], generator: torch.Generator) -> Tensor:
    """Do the same with 8 bits: (C, sH, sW) uint8 -> (C, H, W) uint8."""
    return to_bytes(degrade(photograph.float() / 255, scale, passes, generator))


def _one_pass(image: Tensor, chosen: Pass, final: tuple[int, int] | None, generator: torch.Generator) -> Tensor:
    """Blur, resize, add noise and compress; ``final`` is the size in the end, if it is the last pass."""
    image = _blurred(image, chosen, generator)
    image = _resized(image, chosen, generator)
    image = _noisy(image, chosen, generator).clamp(0, 1)
    how = INTERPOLATIONS[int(_uniform((0, len(INTERPOLATIONS)), generator))]
    early, place = _uniform((0, 1), generator) < 0.5, _uniform((0, 1), generator)
    if final is not None and early:
        image = resize(image, final, how)
    if chosen.jpeg is not None:
        low, high = chosen.jpeg
        image = jpeg(image, min(high, low + int(place * (high - low + 1))))
    return resize(image, final, how) if final is not None and not early else image


def _blurred(image: Tensor, chosen: Pass, generator: torch.Generator) -> Tensor:
    applied, uneven = (_uniform((0, 1), generator) for _ in range(2))
    along, across = (_uniform(chosen.sigma, generator) for _ in range(2))
    angle = _uniform((0, pi), generator)
    if applied >= chosen.blur:
        return image
    other = across if uneven < chosen.anisotropic else along
    return blur(image, gaussian_kernel(chosen.kernel, along, other, angle))


def _resized(image: Tensor, chosen: Pass, generator: torch.Generator) -> Tensor:
    kind, place = (_uniform((0, 1), generator) for _ in range(2))
    how = INTERPOLATIONS[int(_uniform((0, len(INTERPOLATIONS)), generator))]
    if kind >= chosen.up + chosen.down:
        return image
    end = chosen.resize[1] if kind < chosen.up else chosen.resize[0]
    factor = 1 + place * (end - 1)
    height, width = (max(1, round(factor * side)) for side in image.shape[1:])
    return resize(image, (height, width), how)


def _noisy(image: Tensor, chosen: Pass, generator: torch.Generator) -> Tensor:
    applied, kind, gray = (_uniform((0, 1), generator) for _ in range(3))
    sigma, scale = _uniform(chosen.gaussian, generator) / 255, _uniform(chosen.poisson, generator)
    if applied >= chosen.noise:
        return image
    if kind < chosen.poisson_share:
        return poisson_noise(image, scale, generator, gray=gray < chosen.gray)
    return gaussian_noise(image, sigma, generator, gray=gray < chosen.gray)


def _uniform(between: Range, generator: torch.Generator) -> float:
    """Draw a number evenly from [low, high)."""
    low, high = between
    return low + (high - low) * float(torch.rand((), generator=generator, dtype=torch.float64))
