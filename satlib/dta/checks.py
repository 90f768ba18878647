"""Checks of what :func:`satlib.dta.aggregate` is given.

Each returns its argument, or raises a ValueError that names it; :func:`check_options` has the choices that a
configuration, or a layer, makes long before there are tokens.
"""

from numbers import Real

import torch
from torch import Tensor

from satlib.dta.options import AGGREGATIONS, NORM_RESTORATIONS, SAMPLINGS, AggregationOptions
from satlib.dta.sampling import Grid
from satlib.support.checks import integers, is_int, one_of, real, require


def check_options(options: AggregationOptions) -> AggregationOptions:
    """Return the options of :func:`satlib.dta.aggregate` after checking each.

    "neighbors" is an int >= 1 (m itself) or a positive finite float (a share of K).

    Raises
    ------
    ValueError
        If a field is out of its range.
    """
    real("subsample", options["subsample"], 1, closed=True)
    if is_int(options["neighbors"]):
        require(options["neighbors"] >= 1, "neighbors", options["neighbors"], "at least 1")
    else:
        real("neighbors", options["neighbors"], 0)
    one_of("aggregation", options["aggregation"], AGGREGATIONS)
    real("temperature", options["temperature"], 0)
    one_of("norm_restoration", options["norm_restoration"], NORM_RESTORATIONS)
    one_of("sampling", options["sampling"], SAMPLINGS)
    return options


def check_tokens(x: Tensor) -> torch.Size:
    """Return the shape of ``x`` after checking that it is (B, N, C), floating point and not empty.

    Raises
    ------
    ValueError
        If it is not.
    """
    require(isinstance(x, Tensor), "x", type(x).__name__, "a tensor (B, N, C)")
    if x.ndim != 3 or 0 in x.shape or not x.is_floating_point():
        raise ValueError(f"x must be floating point of shape (B, N, C), not empty; got {x.dtype} {tuple(x.shape)}")
    return x.shape


def check_grid(grid: Grid | None, n_tokens: int) -> Grid:
    """Return (H, W) after checking that it holds ``n_tokens``; ``None`` is one row of them.

    Raises
    ------
    ValueError
        If it does not.
    """
    if grid is None:
        return 1, n_tokens
    require(isinstance(grid, (tuple, list)), "grid", grid, "(H, W)")
    integers("grid", *grid)
    if len(grid) != 2 or min(grid) < 1 or grid[0] * grid[1] != n_tokens:
        raise ValueError(f"grid must be (H, W) with H * W = {n_tokens} tokens, got {grid}")
    return grid


def check_subsample(subsample: float) -> float:
    """Return beta after checking that it is a number >= 1.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(subsample, (Real, Tensor)) or not 1 <= subsample < float("inf"):
        raise ValueError(f"subsample must be a number >= 1, got {subsample!r}")
    return subsample


def check_temperature(temperature: float) -> float:
    """Return tau after checking that it is a positive number.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not isinstance(temperature, (Real, Tensor)) or not 0 < temperature < float("inf"):
        raise ValueError(f"temperature must be a positive number, got {temperature!r}")
    return temperature


def check_sample(sample: Tensor, n_images: int, n_tokens: int, n_centers: int) -> Tensor:
    """Return ``sample`` as (B, S) int64 after checking that its positions are distinct and in range.

    Positions are looked at on the CPU alone, and not while torch compiles: on a GPU a look would wait for all the work
    before it, and a position out of range stops torch's own kernels there.

    Raises
    ------
    ValueError
        If its shape or dtype is another, or it has fewer positions than there are centres.
    """
    require(isinstance(sample, Tensor), "sample", type(sample).__name__, f"a tensor (S,) or ({n_images}, S)")
    integer = not (sample.is_floating_point() or sample.is_complex() or sample.dtype == torch.bool)
    if not integer or sample.ndim not in (1, 2) or (sample.ndim == 2 and sample.shape[0] != n_images):
        raise ValueError(
            f"sample must hold integers of shape (S,) or ({n_images}, S), got {sample.dtype} {tuple(sample.shape)}"
        )
    sample = sample.long().expand(n_images, -1).clone()
    if sample.shape[1] < n_centers:
        raise ValueError(f"sample must have at least n_centers={n_centers} positions, got {sample.shape[1]}")
    if sample.device.type == "cpu" and not torch.compiler.is_compiling():
        _check_positions(sample, n_tokens)
    return sample


def _check_positions(sample: Tensor, n_tokens: int) -> None:
    """Raise ValueError unless all rows of (B, S) hold distinct positions in 0..N-1."""
    if sample.min() < 0 or sample.max() >= n_tokens:
        raise ValueError(f"sample must hold positions in 0..{n_tokens - 1}, got {sample.min()}..{sample.max()}")
    if (sample.sort(dim=1).values.diff(dim=1) == 0).any():
        raise ValueError("sample must hold distinct positions; some occur twice")
