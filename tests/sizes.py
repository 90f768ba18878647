"""The geometry of a size, for layers that are tested alone."""

from torch import nn

from satlib.config import SATConfig
from satlib.dta.sampling import Grid
from satlib.network.geometry import Geometry, make_geometry


def geometry(config: SATConfig, grid: Grid, layer: nn.Module | None = None) -> Geometry:
    """Return the geometry of a grid on the CPU, in the mode of a layer; ``None``: in eval mode."""
    return make_geometry(config, grid, "cpu", training=layer is not None and layer.training)
