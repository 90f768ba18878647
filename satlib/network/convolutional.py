"""A plain convolutional network in SAT's frame, to be compared with it: it sees a fixed number of pixels and no more.

The frame is SAT's, with the same names: the mean colour taken off, a first convolution, a body with a convolution and
the first features added, features, the upsampler "onestep", the mean colour. The body is one of residual blocks as in
EDSR (Lim et al., CVPR workshops 2017), a SRResNet without batch normalisation: no attention, no LayerNorm. Weights are
drawn as torch draws those of convolutions.

Shapes: B images of I channels and H x W input pixels, C channels, s the scale.
"""

from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from satlib.config import MAX_CHANNELS, SCALES, SATConfig, Upsampler
from satlib.network.model import SAT, mean_color, onestep_upsampler
from satlib.support.checks import one_of, positive_int, require


@dataclass(frozen=True, kw_only=True)
class ConvolutionalConfig:
    """All choices that define the network; the defaults give SAT's preset "sat-tiny" its width, and about its size.

    Raises
    ------
    ValueError
        If a field has a value that no network can have; the message names the field and the value.
    """

    scale: int
    """Upscaling factor: 1, 2, 3, 4 or 8."""
    in_channels: int = 3
    """Of the images; the output has as many."""
    channels: int = 32
    """C."""
    blocks: int = 7
    """Residual blocks of two convolutions each."""
    upsampler_channels: int = 32
    """Of the features that the upsampler takes in."""
    upsampler: ClassVar[Upsampler] = "onestep"
    """The one that it has."""

    def __post_init__(self) -> None:
        """Check every field."""
        one_of("scale", self.scale, SCALES)
        for name in ("in_channels", "channels", "blocks", "upsampler_channels"):
            positive_int(name, getattr(self, name))
        require(self.in_channels <= MAX_CHANNELS, "in_channels", self.in_channels, f"at most {MAX_CHANNELS}")

    @property
    def reach(self) -> int:
        """Input pixels to each side that an output pixel can depend on: one for each convolution of 3 x 3 in a row."""
        return 2 * self.blocks + 4

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "ConvolutionalConfig":
        """Build a configuration from a dict, as :meth:`to_dict` returns it.

        Raises
        ------
        ValueError
            If ``scale`` is missing, a key is unknown, or a value out of range.
        """
        known = [f.name for f in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"unknown ConvolutionalConfig field {key!r}; the fields are {', '.join(known)}")
        if "scale" not in values:
            raise ValueError("scale is missing")
        return cls(**values)


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x))), both convolutions 3 x 3 and C wide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        added: Tensor = self.second(torch.relu(self.first(x)))
        return x + added


class Convolutional(nn.Module):
    """The whole network; an :class:`satlib.upscaling.models.Upscaler`.

    Parameters
    ----------
    config
        All of its choices; kept as ``model.config``. Weights are drawn from torch's global generator.
    """

    mean: Tensor

    def __init__(self, config: ConvolutionalConfig) -> None:
        super().__init__()
        self.config = config
        channels, features = config.channels, config.upsampler_channels
        self.register_buffer("mean", mean_color(config.in_channels), persistent=False)
        self.head = nn.Conv2d(config.in_channels, channels, 3, padding=1)
        self.blocks = nn.Sequential(*(ResidualBlock(channels) for _ in range(config.blocks)))
        self.body_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.features = nn.Sequential(nn.Conv2d(channels, features, 3, padding=1), nn.LeakyReLU(0.01))
        self.upsampler = onestep_upsampler(features, config.in_channels, config.scale)

    @property
    def name(self) -> str:
        """What to call it where nobody has given it a name: "convolutional x2"."""
        return f"convolutional x{self.scale}"

    @property
    def scale(self) -> int:
        """The factor s by which it upscales."""
        return self.config.scale

    @property
    def in_channels(self) -> int:
        """Channels I of the images that it takes and gives."""
        return self.config.in_channels

    @property
    def n_params(self) -> int:
        """Number of parameters."""
        return sum(parameter.numel() for parameter in self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        """Upscale a batch: (B, I, H, W) floats in [0, 1] -> (B, I, sH, sW), about [0, 1], not clipped.

        As SAT's, the output is at scale 1 what is added to the input, and else to the mean colour.

        Raises
        ------
        ValueError
            If the images have another shape or are no floats.
        """
        fits = x.ndim == 4 and x.shape[1] == self.in_channels and 0 not in x.shape and x.is_floating_point()
        if not fits:
            wanted = f"(B, {self.in_channels}, H, W)"
            raise ValueError(f"the network takes floats of shape {wanted}, not empty; got {x.dtype} {tuple(x.shape)}")
        shallow = self.head(x - self.mean.to(x.dtype))
        deep = self.body_conv(self.blocks(shallow)) + shallow
        upscaled: Tensor = self.upsampler(self.features(deep))
        return upscaled + (x if self.scale == 1 else self.mean.to(x.dtype))


Network = SAT | Convolutional
"""What can be trained here."""
NetworkConfig = SATConfig | ConvolutionalConfig
"""The configuration of one."""
