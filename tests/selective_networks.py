"""Small networks with SAA, its exact control, or none of it; their weights are the same on every call."""

import torch

from satlib import SAT, SATConfig

SMALL = SATConfig(
    scale=2, channels=16, heads=2, groups=(1, 2), window=(2, 4), gate_kernel=3, upsampler_channels=4, keep_ratio=0.1
)


def network(selective, **changes):
    torch.manual_seed(0)
    return SAT(SMALL.replace(selective=selective, **changes)).eval()
