"""Links of a few tokens, each to its nearest denser one, in the order in which they are cut, and a plane to see them.

Shapes: n tokens of one image, all of them sampled; N tokens in the image, C channels.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from satlib.analysis.neighborhoods import nearest_denser
from satlib.dta.aggregation import Aggregation
from satlib.dta.vectors import normalize, take


class Links(NamedTuple):
    """Tokens by their scores, the best first: with K centres these are the first K, and the links of these are cut."""

    tokens: Tensor
    """(n,) positions in the image."""
    denser: Tensor
    """(n,) which of them, in 0..n-1, is the most similar denser one; the densest has itself."""
    plane: Tensor
    """(n, 2) coordinates along the two directions in which the tokens' unit vectors differ most."""
    kept: float
    """Share of the variance of the unit vectors that the plane keeps, in [0, 1]."""
    density: Tensor
    """(n,) rho."""
    separation: Tensor
    """(n,) delta."""


def find_links(x: Tensor, result: Aggregation) -> Links:
    """Return the links between the sampled tokens of (1, N, C) tokens, all of which ``result`` has as centres.

    Raises
    ------
    ValueError
        If it has more images than one, fewer centres than sampled tokens, or fewer than three of them.
    """
    if len(x) != 1 or result.sample.shape != result.centers.shape or result.sample.shape[1] < 3:
        shapes = tuple(result.sample.shape), tuple(result.centers.shape)
        raise ValueError(
            f"one image with all of its sampled tokens, three at least, as centres is needed, got {shapes}"
        )
    order = (result.centers[0, :, None] == result.sample[0]).int().argmax(1)  # (n,) places in the sample, best first
    rank = order.argsort()  # (n,) place in the order of each sampled token
    unit = normalize(take(x, result.sample))[0]  # (n, C)
    denser = rank[nearest_denser(unit, result.density[0])[order]]
    apart = unit[order] - unit.mean(0)
    _, strength, directions = torch.linalg.svd(apart, full_matrices=False)
    kept = float(strength[:2].square().sum() / strength.square().sum().clamp_min(1e-12))
    plane = apart @ directions[:2].T
    return Links(result.centers[0], denser, plane, kept, result.density[0, order], result.separation[0, order])
