"""Small networks whose attributions and receptive fields are known, and an image for them."""

import torch
from torch import Tensor, nn

from satlib import samples
from satlib.config import SATConfig
from satlib.images.degradation import low_resolution
from satlib.network.model import SAT

IMAGE = low_resolution(samples.load("coffee"), side=24).double()[:, 4:20]
"""(3, 16, 24)."""


class Net(nn.Module):
    """Two convolutions and a pixel shuffle in float64: a receptive field of 5 x 5 input pixels."""

    name, scale = "net", 2

    def __init__(self, between: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), between, nn.Conv2d(8, 12, 3, padding=1), nn.PixelShuffle(2)
        ).double()

    @property
    def n_params(self) -> int:
        return sum(p.numel() for p in self.parameters())

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layers(x)
        return out


def tiny() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", 2, groups=(1, 1)))
