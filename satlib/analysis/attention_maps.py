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
from torch import Tensor, nn

from satlib import dta
from satlib.analysis.tracing import LayerTrace, trace
from satlib.dta.clusters import cluster_softmax
from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.model import SAT


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
    modules = [module for module in model.modules() if isinstance(module, SelectiveAggregationAttention)]
    if not modules:
        raise ValueError("the network has no SAA layer: its configuration has selective='none'")
    seen: list[tuple[Tensor, Tensor]] = []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...], output: tuple[Tensor, dta.Aggregation]) -> None:
        seen.append((inputs[0], output[0]))

    handles = [module.register_forward_hook(keep) for module in modules]
    try:
        layers = trace(model, image)
    finally:
        for handle in handles:
            handle.remove()
    _check(queries, *seen[0][0].shape[:2])
    with torch.inference_mode():
        return [
            _attended(module, layer, x[0], queries.to(x.device), own[0])
            for module, layer, (x, own) in zip(modules, layers, seen, strict=True)
        ]


def _attended(
    module: SelectiveAggregationAttention, layer: LayerTrace, x: Tensor, queries: Tensor, own: Tensor
) -> Attended:
    """Attend from the tokens ``queries`` of ``x`` (N, C), which came out as ``own`` (N, C), to the layer's clusters."""
    made, config = layer.aggregation, module.config
    tokens, counts = made.tokens[0], made.counts[0]
    q, k, v = (
        t.unflatten(-1, (config.heads, -1)).transpose(0, 1)
        for t in (module.query(x[queries]), module.key(tokens), module.value(tokens))
    )  # each (heads, Q or K, d)
    bias = (counts if config.size_bias else counts.clamp(max=1)).to(q.dtype).log()  # log(0) = -inf: never read
    weights = (q @ k.mT * q.shape[-1] ** -0.5 + bias).softmax(-1)
    output = module.project((weights @ v).transpose(0, 1).flatten(1))
    merging = merging_weights(x, made, method=config.aggregation, temperature=config.temperature)
    return Attended(layer, queries, weights, merging, output, own[queries])


def merging_weights(
    x: Tensor, made: dta.Aggregation, *, method: str = "similarity", temperature: float = 0.1
) -> Tensor:
    """Return the weight of each token in the aggregated token of its cluster, (N,); 1 in sum over a cluster.

    Parameters
    ----------
    x
        (N, C) tokens.
    made
        What DTA chose of them, a batch of one.
    method, temperature
        The aggregation: "similarity", "mean" or "center", and the temperature of the first.
    """
    assignment, centers, counts = made.assignment, made.centers, made.counts
    if method == "mean":
        return (1 / counts.gather(1, assignment)[0]).to(x.dtype)
    if method == "center":
        return torch.zeros_like(x[:, 0]).index_fill(0, centers[counts > 0], 1)
    if method != "similarity":
        raise ValueError(f"unknown aggregation {method!r}; choose similarity, mean or center")
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
