"""Which tokens a draw looks at: :func:`satlib.dta.sampling.draw_sample` on a sequence, with a seed for each draw."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from satlib.dta.options import Sampling
from satlib.dta.sampling import draw_sample
from satlib.theory.arrays import Integers, check_count, choice

METHODS: dict[str, Sampling] = {"uniform": "random", "stratified": "stratified", "grid": "grid"}
"""The theorem's words for the samplings of :mod:`satlib.dta.sampling`."""


def sample_indices(n_tokens: int, n_samples: int, *, method: str = "uniform", seed: int = 0) -> Integers:
    """Draw S of N tokens without replacement.

    Parameters
    ----------
    n_tokens, n_samples
        N and S, 1 <= S <= N.
    method
        "uniform" (the theorem's), "stratified" (one of each of S runs of equal length) or "grid" (their middles).
    seed
        Same seed, same draw.

    Returns
    -------
    Integers
        (S,) int64 positions, ascending and distinct.
    """
    return np.asarray(draw(n_tokens, n_samples, method, seed).numpy())


def draw(n_tokens: int, n_samples: int, method: str, seed: int) -> Tensor:
    """Return what :func:`sample_indices` returns, as a tensor."""
    check_count("n_tokens", n_tokens, 1)
    check_count("n_samples", n_samples, 1, n_tokens)
    choice("method", method, tuple(METHODS))
    generator = torch.Generator().manual_seed(int(seed))
    return draw_sample((1, n_tokens), n_samples, sampling=METHODS[method], generator=generator)[0]


def draw_many(n_tokens: int, n_samples: int, method: str, seeds: Sequence[int]) -> Tensor:
    """Return one draw for each seed, (R, S)."""
    return torch.stack([draw(n_tokens, n_samples, method, seed) for seed in seeds])
