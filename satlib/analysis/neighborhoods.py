"""The neighbourhoods behind density and separation, token by token: for pictures and checks, not for the network.

`satlib.dta` computes the numbers in blocks and forgets who the neighbours were. Here they are returned.

Shapes: S tokens of one image, C channels, m neighbours, K tops.
"""

import torch
from torch import Tensor

from satlib.dta.vectors import comparable_


def nearest(unit: Tensor, token: int, m: int) -> Tensor:
    """Return the m tokens most similar to one of the unit vectors (S, C), without itself: (m,), nearest first.

    Raises
    ------
    ValueError
        If ``token`` is not in 0..S-1 or ``m`` not in 0..S-1.
    """
    if not (0 <= token < len(unit) and 0 <= m < len(unit)):
        raise ValueError(f"token and m must be in 0..{len(unit) - 1}, got {token} and {m}")
    similarity = unit @ unit[token]
    similarity[token] = -torch.inf
    return similarity.argsort(descending=True, stable=True)[:m]


def nearest_denser(unit: Tensor, rho: Tensor) -> Tensor:
    """Return for each of the unit vectors (S, C) the most similar denser one, (S,); the densest has itself.

    "Denser" is the order of :func:`satlib.dta.separation`: by density ``rho`` (S,), equal densities by position.
    """
    order = comparable_(rho.clone()).argsort(descending=True, stable=True)
    place = torch.arange(len(order))
    similarity = (unit[order] @ unit[order].T).masked_fill(place >= place.unsqueeze(1), -torch.inf)
    best = similarity.argmax(1)  # of the first row too: nothing but -inf, and so 0, itself
    return torch.empty_like(order).scatter(0, order, order[best])


def climb(denser: Tensor, tops: Tensor) -> Tensor:
    """Follow the links of :func:`nearest_denser` (S,) to the first of the ``tops`` (K,); return its place in 0..K-1.

    That is how density peaks clustering assigns a point: to the cluster of its nearest denser one.

    Raises
    ------
    ValueError
        If a token reaches none, because the densest token is not among the tops.
    """
    link = denser.clone()
    link[tops] = tops
    for _ in range(len(link).bit_length()):  # each round doubles the number of steps taken
        link = link[link]
    found = torch.full_like(link, -1)
    found[tops] = torch.arange(len(tops))
    if (found[link] < 0).any():
        raise ValueError("the densest token must be among the tops, or some tokens reach none")
    return found[link]
