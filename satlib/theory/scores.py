"""Density, separation and score with the theorem's similarity s = (1 + cos) / 2, which lies in [0, 1].

:mod:`satlib.dta` works with the cosine. Both are the same algorithm up to a shift: with s, a density is (1 + rho) / 2,
a separation is delta / 2, and the temperature of the weights tau becomes 2 tau (softmax ignores the constant).
Shapes: R draws, S sampled tokens, n tokens, m neighbours.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from satlib import dta
from satlib.theory.arrays import ArrayLike, Floats, as_matrix, as_tensor, check_count, choice


class Scores(NamedTuple):
    """What steps 2 and 3 give, all (R, S)."""

    density: Tensor
    """rho, in [0, 1]."""
    separation: Tensor
    """delta, in [0, 1]."""
    score: Tensor
    """gamma = rho * delta."""


def scores(unit: Tensor, m: int) -> Scores:
    """Score unit vectors (R, S, d) by :mod:`satlib.dta`, in the theorem's similarity."""
    rho = dta.density(unit, m)
    delta = dta.separation(unit, rho) / 2
    rho = (1 + rho) / 2
    return Scores(rho, delta, rho * delta)


def score_changes(x: ArrayLike, sample: ArrayLike, neighbors: int) -> Scores:
    """Return how densities, separations and scores of sampled tokens differ between the sample and all tokens.

    The quantities of Lemmas 1, 3 and 4: what S tokens give, minus what all N give.

    Parameters
    ----------
    x
        (N, d) tokens.
    sample
        (S,) distinct positions, as :func:`satlib.theory.sample_indices` returns them.
    neighbors
        m in 1..S-1.

    Returns
    -------
    Scores
        Differences for each sampled token, tensors of shape (S,).

    Raises
    ------
    ValueError
        If ``sample`` has another shape, or positions that are not distinct or not among the tokens.
    """
    unit = dta.normalize(as_matrix("x", x))
    places = torch.as_tensor(np.asarray(sample))
    if places.ndim != 1 or len(places.unique()) != len(places) or places.is_floating_point():
        raise ValueError(f"sample must be distinct positions (S,), got shape {tuple(places.shape)}")
    if len(places) == 0 or int(places.min()) < 0 or int(places.max()) >= len(unit):
        raise ValueError(f"sample must be positions in 0..{len(unit) - 1}")
    check_count("neighbors", neighbors, 1, len(places) - 1)
    sampled, full = scores(unit[places][None], neighbors), scores(unit[None], neighbors)
    return Scores(*(a[0] - b[0, places] for a, b in zip(sampled, full, strict=True)))


def similarity(x: ArrayLike) -> Floats:
    """Return s = (1 + cos) / 2 of all pairs of tokens (n, d): (n, n), in [0, 1]."""
    unit = dta.normalize(as_matrix("x", x))
    return np.asarray(((1 + unit @ unit.T) / 2).clamp(0, 1).numpy())


def separation(similarity: ArrayLike, density: ArrayLike, *, ties: str = "rank") -> Floats:
    """Return delta_i = 1 - the largest similarity to a denser token, from a similarity matrix.

    The definition itself, for small examples with similarities of one's own choice; :func:`satlib.dta.separation` is
    the same for tokens.

    Parameters
    ----------
    similarity, density
        (n, n) and (n,).
    ties
        "rank": of two equal densities the earlier one counts as denser, as in :mod:`satlib.dta`; "strict": neither, as
        the theorem is written.

    Returns
    -------
    Floats
        (n,). A token with no denser one takes 1 - its smallest similarity to another token (0 when alone).

    Raises
    ------
    ValueError
        If the shapes do not fit.
    """
    choice("ties", ties, ("rank", "strict"))
    s = as_matrix("similarity", similarity)
    rho = as_tensor(density)
    if s.shape != (len(rho), len(rho)) or rho.ndim != 1:
        raise ValueError(f"similarity must be (n, n) and density (n,), got {tuple(s.shape)} and {tuple(rho.shape)}")
    denser = rho[None, :] > rho[:, None]  # [i, j]: j is denser than i
    if ties == "rank":
        denser |= (rho[None, :] == rho[:, None]).tril(-1)
    if len(rho) == 1:
        return np.zeros(1)
    nearest = s.masked_fill(~denser, -torch.inf).amax(1)
    farthest = s.masked_fill(torch.eye(len(rho), dtype=torch.bool), torch.inf).amin(1)
    return np.asarray((1 - torch.where(denser.any(1), nearest, farthest)).numpy())
