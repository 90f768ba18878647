"""Two compressions that anyone could write down, to compare SAA's error with.

Shapes: N tokens, d dimensions, R draws.
"""

from collections.abc import Sequence

import numpy as np
import torch

from satlib.dta.options import AggregationMethod, NormRestoration
from satlib.theory.arrays import ArrayLike, Floats, as_matrix, check_count
from satlib.theory.compression import attend, attend_exactly, compress
from satlib.theory.draws import draw_many


def trivial_error(x: ArrayLike, w_q: ArrayLike, w_k: ArrayLike, w_v: ArrayLike) -> float:
    """Return ||O - O*||_F when every token gets the mean value: one token kept of N, and no query read."""
    tokens, queries, keys, values = (as_matrix(n, v) for n, v in (("x", x), ("w_q", w_q), ("w_k", w_k), ("w_v", w_v)))
    exact = attend_exactly(tokens, queries, keys, values)
    return float((exact - (tokens @ values).mean(0)).norm())


def random_center_errors(
    x: ArrayLike,
    w_q: ArrayLike,
    w_k: ArrayLike,
    w_v: ArrayLike,
    *,
    n_centers: int,
    aggregation: AggregationMethod = "similarity",
    temperature: float = 0.1,
    norm_restoration: NormRestoration = "max",
    size_bias: bool = False,
    seeds: Sequence[int] = (0,),
) -> Floats:
    """Return ||O - O*||_F of SAA with K tokens drawn at random for centres, one draw for each seed: (R,)."""
    tokens, queries, keys, values = (as_matrix(n, v) for n, v in (("x", x), ("w_q", w_q), ("w_k", w_k), ("w_v", w_v)))
    check_count("n_centers", n_centers, 1, len(tokens))
    exact = attend_exactly(tokens, queries, keys, values)
    errors = []
    for centers in draw_many(len(tokens), n_centers, "uniform", seeds).split(1):
        parts = compress(
            tokens, centers, aggregation=aggregation, temperature=temperature, norm_restoration=norm_restoration
        )
        errors.append((attend(tokens @ queries, parts, keys, values, size_bias=size_bias) - exact).norm())
    return np.asarray(torch.stack(errors).numpy())
