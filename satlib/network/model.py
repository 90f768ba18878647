"""SAT, the Selective Aggregation Transformer: convolution, residual groups of local and SAA blocks, upsampler.

The network of the paper's section 3 as the released code completes it (stochastic depth, a gain on each block's
input, LayerNorm before the groups). It maps tensors to tensors; files and images are the matter of `satlib.upscaling`.

Shapes: B images of I channels and H x W input pixels, N = H*W tokens, C channels, s the scale.
"""

from collections.abc import Sequence
from math import log2
from os import PathLike
from typing import TypeVar

import torch
from torch import Tensor, nn

from satlib.config import SATConfig
from satlib.dta.aggregation import Aggregation
from satlib.dta.sampling import Grid
from satlib.network.attention import SelectiveAggregationAttention, to_image, to_tokens
from satlib.network.blocks import Layer, ResidualGroup
from satlib.network.geometry import Geometries, Geometry

ModuleT = TypeVar("ModuleT", bound=nn.Module)

SAME_IN_BOTH_MODES = (nn.Linear, nn.Conv2d, nn.LayerNorm, nn.LeakyReLU, nn.PixelShuffle, nn.ReLU, Geometries)
"""Modules that never look at their mode."""

RGB_MEAN = (0.4488, 0.4371, 0.4040)
"""Mean colour of DIV2K, taken from RGB and given back to the output; other images have a mean of 0, as released."""


class SAT(nn.Module):
    """The whole network.

    Parameters
    ----------
    config
        All of its choices; kept as ``model.config``. Weights are drawn from torch's global generator.
    """

    mean: Tensor

    def __init__(self, config: SATConfig) -> None:
        super().__init__()
        self.config = config
        channels, features = config.channels, config.upsampler_channels
        self.register_buffer("mean", mean_color(config.in_channels), persistent=False)
        self.head = nn.Conv2d(config.in_channels, channels, 3, padding=1)
        self.norm_in = nn.LayerNorm(channels)
        self.groups = nn.ModuleList(ResidualGroup(config, g) for g in range(len(config.groups)))
        self.norm_out = nn.LayerNorm(channels)
        self.body_conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.features = nn.Sequential(nn.Conv2d(channels, features, 3, padding=1), nn.LeakyReLU(0.01))
        if config.upsampler == "classic":
            self.upsampler = _classic_upsampler(config)
        else:
            self.upsampler = onestep_upsampler(features, config.in_channels, config.scale)
        self.apply(_init_linear)
        self._sizes = Geometries(config)

    @property
    def name(self) -> str:
        """What to call it where nobody has given it a name: "SAT x2"."""
        return f"SAT x{self.scale}"

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

    def forward(
        self,
        x: Tensor,
        geometry: Geometry | None = None,
        *,
        generator: torch.Generator | None = None,
        read: Sequence[Aggregation] | None = None,
        kept: list[Layer] | None = None,
    ) -> Tensor:
        """Upscale a batch: (B, I, H, W) floats in [0, 1] -> (B, I, sH, sW), about [0, 1], not clipped.

        At scale 1 the output is the input and what the network adds to it, as in the denoising networks of SwinIR: it
        learns the noise, and begins near its input. Every other scale has the mean colour in place of the input.

        Parameters
        ----------
        x
            The images.
        geometry
            Of their size; ``None``: the network's own.
        generator
            Source of what is random in training, the samples and stochastic depth; ``None``: torch's global one.
        read
            An aggregation for each SAA layer, to be read instead of its own; of as many images, of any size.
        kept
            A list to which every SAA layer adds itself at work.
        """
        shallow, tokens = self._shallow(x)
        geometry = self.geometry((x.shape[2], x.shape[3])) if geometry is None else geometry
        for group in self.groups:
            tokens = group(tokens, geometry, generator=generator, read=read, kept=kept)
        deep = self.body_conv(to_image(self.norm_out(tokens), geometry.grid)) + shallow
        upscaled: Tensor = self.upsampler(self.features(deep))
        return upscaled + (x if self.scale == 1 else self.mean.to(x.dtype))

    def layers(self, x: Tensor, *, n_groups: int | None = None) -> list[Layer]:
        """Return the SAA layers at work on images (B, I, H, W), first to last; of the first groups alone if asked.

        What comes after the last of these groups is not computed.
        """
        _, tokens = self._shallow(x)
        kept: list[Layer] = []
        geometry = self.geometry((x.shape[2], x.shape[3]))
        for group in self.groups[:n_groups]:
            tokens = group(tokens, geometry, kept=kept)
        return kept

    def _shallow(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the first features of images, (B, C, H, W), and the tokens (B, N, C) that the groups take in."""
        fits = x.ndim == 4 and x.shape[1] == self.in_channels and 0 not in x.shape and x.is_floating_point()
        if not fits:
            wanted = f"(B, {self.in_channels}, H, W)"
            raise ValueError(f"SAT takes floats of shape {wanted}, not empty; got {x.dtype} {tuple(x.shape)}")
        shallow = self.head(x - self.mean.to(x.dtype))
        # Under autocast the first convolution gives half precision; what is added up over the blocks stays wide.
        return shallow, self.norm_in(to_tokens(shallow).to(self.norm_in.weight.dtype))

    def geometry(self, grid: Grid) -> Geometry:
        """Return the geometry of an H x W image; those of the last sizes are kept until the network moves."""
        return self._sizes.find(grid, self.mean.device, training=self.training)

    def with_config(self, config: SATConfig) -> "SAT":
        """Return a network of another configuration that shares the weights of this one.

        Raises
        ------
        RuntimeError
            If a network of that configuration has other weights.
        """
        with torch.device("meta"):
            other = SAT(config)
        other.load_state_dict(self.state_dict(), assign=True)
        for theirs, own in zip(other.modules(), self.modules(), strict=True):
            for name, buffer in own.named_buffers(recurse=False):
                setattr(theirs, name, buffer)
        return other.train(self.training)

    def saa_layers(self) -> list[SelectiveAggregationAttention]:
        """Return the SAA layers, first to last; none with ``config.selective`` "none"."""
        return [module for module in self.modules() if isinstance(module, SelectiveAggregationAttention)]


def mean_color(channels: int) -> Tensor:
    """Return the colour that is taken from images of ``channels`` I, (I, 1, 1) float32: :data:`RGB_MEAN`, or 0."""
    mean = RGB_MEAN if channels == 3 else (0.0,) * channels
    return torch.tensor(mean, dtype=torch.float32).view(-1, 1, 1)


def _classic_upsampler(config: SATConfig) -> nn.Sequential:
    """Return steps of convolution and pixel shuffle (one of 3 for x3, none for x1, else of 2), then a convolution."""
    features = config.upsampler_channels
    step, steps = (3, 1) if config.scale == 3 else (2, int(log2(config.scale)))
    layers: list[nn.Module] = []
    for _ in range(steps):
        layers += [nn.Conv2d(features, step**2 * features, 3, padding=1), nn.PixelShuffle(step)]
    return nn.Sequential(*layers, nn.Conv2d(features, config.in_channels, 3, padding=1))


def onestep_upsampler(features: int, channels: int, scale: int) -> nn.Sequential:
    """Return one convolution from ``features`` to I s^2 channels and one pixel shuffle; I is ``channels``."""
    return nn.Sequential(nn.Conv2d(features, channels * scale**2, 3, padding=1), nn.PixelShuffle(scale))


def _init_linear(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def as_sat(model: object) -> SAT:
    """Return the network that a user hands in: a SAT, or what wraps one, which computes the same without the wrapper.

    Wrappers are those that keep what they wrap as ``module`` (``DataParallel``, ``DistributedDataParallel``, Lightning
    Fabric, ``AveragedModel``) or as ``_orig_mod`` (``torch.compile``), one around the other in any order.

    Raises
    ------
    ValueError
        If it is none; the message names what it is.
    """
    found = _unwrapped(model)
    if found is None:
        given = f"{model!r:.100}" if isinstance(model, (str, PathLike)) else type(model).__name__
        raise ValueError(f"model must be a SAT, or a SAT in a wrapper such as DataParallel, got {given}")
    return found


def is_sat(model: object) -> bool:
    """Tell whether :func:`as_sat` takes a model."""
    return _unwrapped(model) is not None


def _unwrapped(model: object) -> SAT | None:
    """Return the SAT in a model, None if there is none."""
    while isinstance(model, nn.Module) and not isinstance(model, SAT):
        inside = model._modules
        model = inside.get("_orig_mod", inside.get("module", inside.get("_forward_module")))
    return model if isinstance(model, SAT) else None


def in_eval(model: object) -> SAT:
    """Return a network in eval mode that shares the weights and hooks of the one given.

    The one given is not touched, so that others may train it or change its mode meanwhile, from any thread.

    Raises
    ------
    ValueError
        As :func:`as_sat`.
    """
    return evaluating(as_sat(model))


def evaluating(module: ModuleT) -> ModuleT:
    """Return a module in eval mode that shares everything with another but the mode, all the way down."""
    if type(module) in SAME_IN_BOTH_MODES:
        return module
    twin = type(module).__new__(type(module))
    children = {name: child and evaluating(child) for name, child in module._modules.items()}
    twin.__dict__.update(module.__dict__, _modules=children, training=False)
    return twin
