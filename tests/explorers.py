"""The explorers of the tests: each of a small photograph and a tiny network."""

from collections.abc import Callable
from typing import Any

import torch

from satlib import SAT, SATConfig, explore, samples

PHOTO = samples.load("coffee").resize((32, 24))


def tiny() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1, 2), window=(4, 8))).eval()


EXPLORERS: dict[str, Callable[[Any], Any]] = {
    "density": lambda image: explore.density(tiny(), image),
    "centers": lambda image: explore.centers(tiny(), image),
    "aggregation": lambda image: explore.aggregation(tiny(), image),
    "attention": lambda image: explore.attention(tiny(), image),
    "windows": lambda image: explore.windows(tiny(), image),
    "attribution": lambda image: explore.attribution(tiny(), image),
    "compare": lambda image: explore.compare(tiny(), image),
    "theorem": lambda image: explore.theorem(),
}
