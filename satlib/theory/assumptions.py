"""The assumptions exactly as printed: a margin without rank ties, and the density as a field, not only at tokens.

:mod:`satlib.theory.constants` measures the assumptions' constants as :mod:`satlib.dta` computes: of two equal
densities the earlier token counts as denser, and L is looked for at tokens. The print says otherwise in both.
Shapes: N tokens, d dimensions, K centres, m neighbours, P places.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib import dta
from satlib.theory.arrays import ArrayLike, as_matrix, check_count, check_real
from satlib.theory.scores import scores, separation, similarity


class PrintedMargin(NamedTuple):
    """Assumption (iii) with the strict inequality of the print, all N tokens taken as the sample."""

    margin: float
    """The K-th score minus the next; infinite when K = N."""
    without_denser: int
    """Tokens that no token is strictly denser than; with more than one, that many have the largest separation."""


def printed_margin(x: ArrayLike, *, n_centers: int, neighbors: int) -> PrintedMargin:
    """Return the margin of the scores with delta_i = min over rho_j > rho_i of 1 - s, as printed.

    Parameters
    ----------
    x
        (N, d) tokens, N >= 2; a matrix (N, N) is held.
    n_centers, neighbors
        K in 1..N and m in 1..N-1.
    """
    tokens = as_matrix("x", x)
    check_count("n_centers", n_centers, 1, len(tokens))
    check_count("neighbors", neighbors, 1, len(tokens) - 1)
    density = scores(dta.normalize(tokens)[None], neighbors).density[0]
    gamma = density.numpy() * separation(similarity(tokens), density, ties="strict")
    ordered = np.sort(gamma)[::-1]
    margin = float(ordered[n_centers - 1] - ordered[n_centers]) if n_centers < len(ordered) else float("inf")
    return PrintedMargin(margin, int((density == density.max()).sum()))


def field_lipschitz(x: ArrayLike, *, neighbors: int, places: int = 2000, seed: int = 0) -> float:
    """Return L of the density as a field on the unit sphere: its steepest slope over many places, a lower bound.

    The field is rho(y) = mean of the m largest s(y, x_j) over the tokens, s = (1 + cos) / 2. Its slope along the sphere
    is half the length of the tangential part of the mean of those m tokens. No slope exceeds 1 / 2, which is L_s there.

    Parameters
    ----------
    x
        (N, d) tokens; only their directions matter.
    neighbors
        m in 1..N.
    places
        How many random places are looked at: half of them between two tokens, half anywhere on the sphere.
    seed
        Of the places.
    """
    unit = dta.normalize(as_matrix("x", x))
    check_count("neighbors", neighbors, 1, len(unit))
    check_count("places", places, 2)
    steepest = 0.0
    for part in _places(unit, places, seed).split(256):
        near = (part @ unit.T).topk(neighbors, dim=1).indices
        mean = unit[near].mean(1)
        along = mean - (mean * part).sum(1, keepdim=True) * part
        steepest = max(steepest, float(along.norm(dim=1).max()) / 2)
    return steepest


def _places(unit: Tensor, n: int, seed: int) -> Tensor:
    """Return n unit vectors (n, d): combinations of two tokens each, then random directions."""
    rng = np.random.default_rng(seed)
    first, second = torch.from_numpy(rng.integers(0, len(unit), (2, n // 2)))
    share = torch.from_numpy(rng.random((n // 2, 1)))
    between = share * unit[first] + (1 - share) * unit[second]
    anywhere = torch.from_numpy(rng.standard_normal((n - n // 2, unit.shape[1])))
    both = torch.cat((between, anywhere))
    return dta.normalize(both[both.norm(dim=1) > 1e-6])


def lipschitz_floor(sigma: float, separation: float) -> float:
    """Return epsilon / 8 - 2 sigma^2 / epsilon, below which L of the field cannot be: 0 where that is negative.

    For tokens of norm 1 and s = 1 - distance^2 / 4, m not larger than a cluster. A token's density is at least
    1 - sigma^2. Half-way between the two closest tokens of different clusters every token is at least epsilon / 2 away:
    the density is at most 1 - epsilon^2 / 16 there.
    """
    check_real("sigma", sigma, 0)
    check_real("separation", separation, 0, strict=True)
    return max(0.0, separation / 8 - 2 * sigma**2 / separation)
