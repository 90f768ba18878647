"""Steps 2 to 5 of DTA by kernels: the functions of `satlib.dta` and `satlib.dta.clusters` of the same names.

Everything is float32. `satlib.dta.kernels` decides when these are called.

Shapes: B images, N tokens, C channels, S sampled tokens, K centres, m neighbours.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable
from triton.runtime.jit import JITFunction

from satlib.dta.kernels.largest import density_of_largest
from satlib.dta.kernels.merging import merge_by_similarity
from satlib.dta.kernels.nearest import nearest
from satlib.dta.kernels.segments import weighted_sum
from satlib.dta.kernels.tiles import products
from satlib.dta.vectors import comparable_, take

__all__ = [
    "COMPILED",
    "assign",
    "cluster_sum",
    "density",
    "merge_by_similarity",
    "nearest",
    "separation",
    "weighted_sum",
]

COMPILED = isinstance(products, JITFunction)
"""Whether kernels are compiled for a GPU; otherwise Triton's interpreter runs them, on any device."""


def assign(x: Tensor, center_units: Tensor) -> Tensor:
    """Return the most similar centre of every token: :func:`satlib.dta.assign`."""
    return nearest(x, center_units, "tokens")[1]


def density(unit: Tensor, m: int) -> Tensor:
    """Return the mean of the m largest similarities to the others: :func:`satlib.dta.density`."""
    if m == 0:
        return unit.new_zeros(unit.shape[:2])
    if m > 1:
        return density_of_largest(unit, m)
    rho, place = nearest(unit, unit, "others")
    return rho.scatter_reduce(1, place, rho, "amax")  # two tokens nearest to each other are equally dense


def separation(unit: Tensor, rho: Tensor) -> Tensor:
    """Return 1 - the largest similarity to a denser token: :func:`satlib.dta.separation`."""
    if unit.shape[1] == 1:
        return torch.zeros_like(rho)
    order = comparable_(rho.clone()).argsort(dim=1, descending=True, stable=True)
    ranked = take(unit, order)
    highest = nearest(ranked, ranked, "before")[0]
    highest[:, 0] = -nearest(ranked[:, 1:], -ranked[:, :1], "all")[0].amax(1)  # the densest: its smallest similarity
    return torch.zeros_like(rho).scatter(1, order, (1 - highest).clamp(0, 2))


class _Context(FunctionCtx):
    saved_tensors: tuple[Tensor, ...]


class _ClusterSum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: _Context, values: Tensor, assignment: Tensor, n_clusters: int) -> Tensor:
        ctx.save_for_backward(assignment)
        return weighted_sum(values.unsqueeze(-1), torch.ones_like(values), assignment, n_clusters).squeeze(-1)

    @staticmethod
    @once_differentiable
    def backward(ctx: _Context, grad: Tensor) -> tuple[Tensor, None, None]:
        return grad.gather(1, ctx.saved_tensors[0]), None, None


cluster_sum: Callable[[Tensor, Tensor, int], Tensor] = _ClusterSum.apply
"""(B, N) values, (B, N) clusters, K -> (B, K): :func:`satlib.dta.clusters.cluster_sum`."""
