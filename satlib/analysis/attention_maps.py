"""What chosen queries read in each SAA layer: weights over the aggregated tokens, and the pixels behind each of them.

A network never holds these weights: a fused kernel makes the layer's output without them. Here they are computed for a
few queries, from what the layer took in and with its own projections. `Attended.output` is what they lead to, and
`Attended.own` what the layer itself gave: the two are equal but for rounding.

Shapes: N = H*W tokens, C channels, K aggregated tokens, Q chosen queries.
"""

from os import PathLike
from typing import Any, NamedTuple

import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from satlib import dta
from satlib.analysis.tracing import LayerTrace, trace
from satlib.dta.clusters import cluster_softmax
from satlib.dta.options import AGGREGATIONS, AggregationMethod, listed
from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.model import SAT, as_sat


class Attended(NamedTuple):
    """What Q queries read in one SAA layer, on one image."""

    layer: LayerTrace
    """Where the layer is, and what DTA chose and made there."""
    queries: Tensor
    """(Q,) int64 positions of the queries among the N tokens."""
    weights: Tensor
    """(heads, Q, K) attention weights; they sum to 1 over K, and are 0 for a cluster without members."""
    merging: Tensor
    """(N,) weight of each token in the aggregated token of its cluster, before the norm is restored."""
    output: Tensor
    """(Q, C) the layer's output at the queries, computed from the weights."""
    own: Tensor
    """(Q, C) the same, as the network computed it."""

    def pixels(self) -> Tensor:
        """Return the weights carried on to the pixels, (heads, Q, N): weight of the cluster times `merging`.

        Values are linear in the tokens, so that this is what each pixel contributes; sums to 1 over N.
        """
        return self.weights[..., self.layer.aggregation.assignment[0]] * self.merging

    def read(self) -> Tensor:
        """Return how many aggregated tokens are read, (heads, Q): exp of the entropy of the weights, in 1..K."""
        entropy: Tensor = torch.special.entr(self.weights).sum(-1)
        return entropy.exp()


def attended(
    model: SAT, image: Tensor | str | PathLike[str] | Image.Image | npt.NDArray[Any], queries: Tensor
) -> list[Attended]:
    """Run a network on one image and return what the queries read in each SAA layer, first to last.

    Parameters
    ----------
    model, image
        As for :func:`satlib.trace`; one image.
    queries
        (Q,) int64 positions of tokens, in raster order.

    Raises
    ------
    ValueError
        If the queries are not positions of the image's tokens, there is more than one image, or no SAA layer.
    """
    model = as_sat(model)
    modules = model.saa_layers()
    if not modules:
        raise ValueError("the network has no SAA layer: its configuration has selective='none'")
    layers = trace(model, image)
    _check(queries, *layers[0].tokens.shape[:2])
    with torch.inference_mode():
        return [_attended(*pair, queries.to(pair[1].tokens.device)) for pair in zip(modules, layers, strict=True)]


def _attended(module: SelectiveAggregationAttention, layer: LayerTrace, queries: Tensor) -> Attended:
    made, options = layer.aggregation, module.options
    weights = module.weights(layer.tokens[:, queries], made)[0]  # (heads, Q, K)
    v = module.value(made.tokens[0]).unflatten(-1, (module.heads, -1)).transpose(0, 1)  # (heads, K, d)
    output = module.project((weights.to(v.dtype) @ v).transpose(0, 1).flatten(1))
    merging = merging_weights(
        layer.tokens[0], made, aggregation=options["aggregation"], temperature=options["temperature"]
    )
    return Attended(layer, queries, weights, merging, output, layer.output[0, queries])


def merging_weights(
    x: Tensor, made: dta.Aggregation, *, aggregation: AggregationMethod = "similarity", temperature: float = 0.1
) -> Tensor:
    """Return the weight of each token in the aggregated token of its cluster, (N,); 1 in sum over a cluster.

    Parameters
    ----------
    x
        (N, C) tokens.
    made
        What DTA chose of them, a batch of one.
    aggregation, temperature
        "similarity", "mean" or "center", and the temperature of the first.

    Raises
    ------
    ValueError
        If ``aggregation`` is none of them.
    """
    assignment, centers, counts = made.assignment, made.centers, made.counts
    if aggregation == "mean":
        return (1 / counts.gather(1, assignment)[0]).to(x.dtype)
    if aggregation == "center":
        return torch.zeros_like(x[:, 0]).index_fill(0, centers[counts > 0], 1)
    if aggregation != "similarity":
        raise ValueError(f"unknown aggregation {aggregation!r}; choose {listed(AGGREGATIONS)}")
    unit = dta.normalize(x).unsqueeze(0)
    own_center = dta.take(unit, centers.gather(1, assignment))
    return cluster_softmax((unit * own_center).sum(-1) / temperature, assignment, centers.shape[1])[0]


def _check(queries: Tensor, n_images: int, n_tokens: int) -> None:
    if n_images != 1:
        raise ValueError(f"one image at a time, got {n_images}")
    if queries.ndim != 1 or queries.dtype != torch.int64 or len(queries) == 0:
        raise ValueError(f"queries must be (Q,) int64, at least one; got {queries.dtype} {tuple(queries.shape)}")
    if queries.min() < 0 or queries.max() >= n_tokens:
        raise ValueError(f"queries must lie in 0..{n_tokens - 1}, got {queries.min()}..{queries.max()}")
