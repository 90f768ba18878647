"""What depends on the size of an image alone: windows, and the samples of DTA. Made once for a size, handed down.

A network makes it for itself and keeps the last few sizes (`SAT.geometry`). Whoever runs one size many times, a
recorded or compiled network, makes it and hands it in.

Shapes: N = H*W tokens, S samples.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from satlib.config import SATConfig
from satlib.dta.options import Sampling
from satlib.dta.sampling import Cells, Grid, draw_sample, make_cells, n_samples
from satlib.network.windows import HalvesPlan, plan_halves


class Geometry(NamedTuple):
    """A size, and what every layer needs of it."""

    grid: Grid
    """(H, W) in tokens."""
    windows: tuple[HalvesPlan, HalvesPlan]
    """The local windows in place, and shifted by half a window."""
    samples: tuple[Tensor, ...] | None
    """(S,) tokens that each SAA layer looks at; ``None`` where each image draws its own, or nothing is sampled."""
    cells: Cells | None
    """What each image of a training batch draws its sample from; ``None`` outside of training."""


SIZES = 4
"""How many sizes of images a network keeps the geometry of: those of tiles, inside and at the borders."""


class Geometries(nn.Module):
    """What a network keeps of the last sizes that it has seen; a module, so that it hears when the network moves.

    It has no weights, and no mode of its own: it is always in eval mode, and asked for either. Networks that share
    their weights share it.
    """

    def __init__(self, config: SATConfig) -> None:
        super().__init__()
        self.config = config
        self.training = False
        self.kept: dict[tuple[Grid, bool], Geometry] = {}

    def find(self, grid: Grid, device: torch.device, *, training: bool) -> Geometry:
        """Return the geometry of an H x W image, made on ``device`` if it is not kept; the last `SIZES` are."""
        key = (grid, training)
        found = self.kept.get(key)
        if found is None:
            found = make_geometry(self.config, grid, device, training=training)
        # A new dict, not a changed one: another thread may be reading the old one.
        self.kept = dict([*((k, v) for k, v in self.kept.items() if k != key)][1 - SIZES :] + [(key, found)])
        return found

    def train(self, mode: bool = True) -> Self:
        """Stay as it is."""
        return self

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        self.kept = {}  # the network moves, or changes its type
        return self

    def __getstate__(self) -> dict[str, object]:
        """Leave out what can be made again."""
        return {**self.__dict__, "kept": {}}


@torch.inference_mode(False)  # one made while upscaling must serve training, too
def make_geometry(config: SATConfig, grid: Grid, device: torch.device | str, *, training: bool) -> Geometry:
    """Make the geometry of an H x W image for a network.

    Parameters
    ----------
    config
        The network's.
    grid
        (H, W).
    device
        Where its tensors live.
    training
        In training every image draws samples of its own. Otherwise the configuration's seed fixes one for each layer,
        so that a result depends on nothing but the image.
    """
    in_place, shifted = (
        plan_halves(grid, config.window, shifted=shifted, mask_padding=config.mask_padding, device=device)
        for shifted in (False, True)
    )
    samples = cells = None
    if config.selective == "aggregate" and training and config.sampling != "grid":
        n_centers, size = sample_sizes(config, grid)
        cells = make_cells(grid, size, sampling=config.sampling, n_strips=n_centers, device=device)
    elif config.selective == "aggregate":
        samples = tuple(eval_sample(config, grid, layer).to(device) for layer in range(sum(config.groups)))
    return Geometry(grid, (in_place, shifted), samples, cells)


def eval_sample(config: SATConfig, grid: Grid, layer: int) -> Tensor:
    """Return the (S,) sample of one SAA layer of a network outside of training."""
    n_centers, size = sample_sizes(config, grid)
    return fixed_sample(grid, size, sampling=config.sampling, n_strips=n_centers, seed=config.seed, layer=layer)


def fixed_sample(grid: Grid, size: int, *, sampling: Sampling, n_strips: int, seed: int, layer: int) -> Tensor:
    """Return a sample (S,) that its arguments fix, drawn on the CPU.

    They are those of :func:`satlib.dta.sampling.draw_sample`; seed and layer replace its generator.
    """
    generator = torch.Generator("cpu").manual_seed(layer_seed(seed, layer))
    with torch.device("cpu"):
        return draw_sample(grid, size, sampling=sampling, n_strips=n_strips, generator=generator)[0]


def layer_seed(seed: int, layer: int) -> int:
    """Return the seed of a layer's sample: a multiple of a prime far above any number of layers, plus the layer.

    Layers of networks with neighbouring seeds then never share one.
    """
    return (seed * 1_000_003 + layer) % 2**63


def sample_sizes(config: SATConfig, grid: Grid) -> tuple[int, int]:
    """Return K and S on a grid."""
    n_tokens = grid[0] * grid[1]
    n_centers = config.n_centers(n_tokens)
    return n_centers, n_samples(n_tokens, n_centers, config.subsample)
