"""Density-driven token aggregation (DTA): from N tokens to K, the paper's section 3.2. Depends on torch alone.

Start with `aggregation`, which has the six steps in order: sample, density, separation, centres and assignment,
aggregation, norm restoration. `sampling` draws the sample, `vectors` and `clusters` have what the steps are made of,
`kernels` the same steps for a GPU.
"""

from satlib.dta.aggregation import (
    Aggregation,
    aggregate,
    assign,
    density,
    highest,
    merge,
    n_neighbors,
    restore_norm,
    separation,
)
from satlib.dta.sampling import n_centers, n_samples
from satlib.dta.vectors import BLOCK_ELEMENTS, BLOCK_ROWS, EPS, normalize, row_blocks, take

__all__ = [
    "Aggregation",
    "BLOCK_ELEMENTS",
    "BLOCK_ROWS",
    "EPS",
    "aggregate",
    "assign",
    "density",
    "highest",
    "merge",
    "n_centers",
    "n_neighbors",
    "n_samples",
    "normalize",
    "restore_norm",
    "row_blocks",
    "separation",
    "take",
]
