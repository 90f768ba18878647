"""The function of a SAT, written for the exporter: an image of any size in, the picture and what each layer chose out.

Why is this not `satlib.plain`, which reads better? Norms, blocks, MLP, convolutions and upsampler below are plain's own
functions. Four of its parts cannot be taken over.

* `plain.draw` counts in Python's numbers: torch.export keeps the sample size of its example, and stops at the cells of
  `satlib.dta.sampling`. `torch.Generator` has no counterpart in ONNX. The sample and the sizes are inputs here, and
  `satlib.weights.portable.sampler` makes them in the file.
* `plain.aggregate` holds a membership and a softmax for each of N * K pairs. At 128 x 128 the page as a whole takes
  several times as long as the fast network; a file shall not. Here a cluster's sum is a scatter over N tokens.
* `plain.window_attention` can be exported, but its masks of pairs and its position networks make the file of two pairs
  of blocks half as large again (409 KB to 270), 7 % slower at 128 x 128 and twice as long to export; that of six pairs
  would be above 0.8 MB. See `satlib.weights.portable.windows`.
* `plain.attend` adds the bias of a cluster to each of heads * N * K logits. ONNX Runtime makes a pass of its own of it.

So: one image, no loop over tokens, no write into a tensor, no cache. The tests hold it against the network.

Shapes: H x W input pixels of I channels, N = H*W tokens, C channels, L SAA layers, S sampled tokens, K centres, m
neighbors, n = h*w tokens of a window, d channels of a head, s the scale.
"""

import copy
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm
from torch.nn import functional

from satlib import plain
from satlib.config import SATConfig
from satlib.network.attention import PositionBias, RectangleWindowAttention
from satlib.network.model import SAT
from satlib.plain import EPS, RGB_MEAN, Weights, conv, layer_norm, linear, part
from satlib.weights.portable.windows import NEVER, window_attention

STEP = 2.0**20
"""Similarities are compared in steps of 1 / STEP, as `satlib.dta.vectors.comparable_` does."""

INTEGERS = 1.5 * 2.0**23
"""Between 2^23 and 2^24, of which this is the middle, float32 has the integers alone."""


class Choice(NamedTuple):
    """What one SAA layer chose. Its fields, stacked over the layers, are the outputs of an exploring file."""

    centers: Tensor
    """(K,) int64 positions of the centers."""
    assignment: Tensor
    """(N,) int64 cluster of each token."""
    counts: Tensor
    """(K,) members of each cluster, whole numbers in float32."""
    density: Tensor
    """(S,) rho."""
    separation: Tensor
    """(S,) delta."""
    score: Tensor
    """(S,) gamma = rho * delta."""
    merging: Tensor
    """(N,) weight of each token in its cluster; 1 in sum over the members, where clusters are weighted means."""


@dataclass(frozen=True)
class Knobs:
    """The inputs of every layer."""

    n_centers: int
    """K"""
    n_neighbors: int
    """m, at least 1"""
    one_neighbor: Tensor
    """() whether m is 1"""
    temperature: Tensor
    """() tau"""
    place: Tensor
    """(S,) 0, 1, 2, ..."""


class Portable(nn.Module):
    """A SAT for the exporter, made of a copy of a network in float32; its position biases are tables."""

    def __init__(self, model: SAT) -> None:
        super().__init__()
        self.model = copy.deepcopy(model)
        for module in self.model.modules():
            if isinstance(module, RectangleWindowAttention):
                tables = [bias_table(bias) for bias in module.biases if isinstance(bias, PositionBias)]
                module.register_buffer("table", torch.stack(tables))

    def forward(
        self, image: Tensor, samples: Tensor, n_centers: Tensor, n_neighbors: Tensor, temperature: Tensor
    ) -> tuple[Tensor, ...]:
        """Upscale one image.

        Parameters
        ----------
        image
            (1, I, H, W) float32 in [0, 1].
        samples
            (L, S) int64 positions, ascending.
        n_centers, n_neighbors, temperature
            () K in 1..S and m in 1..S, int64; tau, float32.

        Returns
        -------
        tuple[Tensor, ...]
            (1, I, sH, sW), and the fields of `Choice` with a first axis of L.
        """
        weights = {**dict(self.model.named_parameters()), **dict(self.model.named_buffers())}
        k, m = (torch.sym_int(size.item()) for size in (n_centers, n_neighbors))  # symbols for the exporter
        n_sampled = samples.shape[1]
        for size in (k, m):
            torch._check(size >= 1)
            torch._check(size <= n_sampled)
        knobs = Knobs(k, m, n_neighbors == 1, temperature, torch.arange(n_sampled))
        picture, chosen = sat(image, weights, self.model.config, samples, knobs)
        parts = [torch.stack(values) for values in zip(*chosen, strict=True)]
        return picture, *parts


def sat(image: Tensor, w: Weights, config: SATConfig, samples: Tensor, knobs: Knobs) -> tuple[Tensor, list[Choice]]:
    """Upscale as `plain.sat` does, (1, I, H, W) -> (1, I, sH, sW), and tell what each layer chose."""
    mean = torch.tensor(RGB_MEAN if config.in_channels == 3 else 0.0, dtype=torch.float32)
    shallow = conv(image.movedim(1, -1) - mean, w, "head")  # (1, H, W, C)
    x, chosen = layer_norm(shallow, w, "norm_in"), list[Choice]()
    for number, pairs in enumerate(config.groups):
        first, inside = x, part(w, f"groups.{number}")
        for pair in range(pairs):
            local = partial(window_attention, config=config, shifted=(number + pair) % 2 == 1)
            few = partial(selective, config=config, sample=samples[len(chosen)], knobs=knobs, chosen=chosen)
            x = plain.block(x, part(inside, f"blocks.{2 * pair}"), local)
            x = plain.block(x, part(inside, f"blocks.{2 * pair + 1}"), few)
        x = first + conv(x, inside, "conv")
    deep = conv(layer_norm(x, w, "norm_out"), w, "body_conv") + shallow
    y = plain.upsample(functional.leaky_relu(conv(deep, w, "features.0")), part(w, "upsampler"), config)
    return (y + (image.movedim(1, -1) if config.scale == 1 else mean)).movedim(-1, 1), chosen


def selective(x: Tensor, w: Weights, config: SATConfig, sample: Tensor, knobs: Knobs, chosen: list[Choice]) -> Tensor:
    """SAA, (1, H, W, C) -> (1, H, W, C); what it chose is added to a list."""
    flat = x.flatten(0, 2)  # (N, C)
    choice, tokens = aggregate(flat, sample, config, knobs)
    chosen.append(choice)
    bias = choice.counts.log().clamp_min(NEVER) if config.size_bias else torch.where(choice.counts > 0, 0.0, NEVER)
    q, k, v = linear(flat, w, "query"), linear(tokens, w, "key"), linear(tokens, w, "value")
    return linear(attend(q, k, v, config.heads, bias), w, "project").view_as(x)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, bias: Tensor) -> Tensor:
    """Attend as `plain.attend` does, (N, C) queries to K keys with a bias (K,) of each key; (N, C).

    The bias is one more channel of the keys, which meets a 1: engines add it in the product, and need no pass over
    heads * N * K logits for it.
    """
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(0, 1) for t in (q, k, v))  # (heads, N or K, d)
    q = torch.cat((q * q.shape[-1] ** -0.5, torch.ones_like(q[..., :1])), -1)
    k = torch.cat((k, bias[:, None].expand(heads, -1, 1)), -1)
    return ((q @ k.mT).softmax(-1) @ v).transpose(0, 1).flatten(1)


def aggregate(x: Tensor, sample: Tensor, config: SATConfig, knobs: Knobs) -> tuple[Choice, Tensor]:
    """DTA, (N, C) tokens -> what was chosen and (K, C) aggregated tokens."""
    unit = directions(x)
    rho = density(unit[sample], knobs)
    delta = separation(unit[sample], rho, knobs)
    centers = sample[ranked(rho * delta)[: knobs.n_centers]]
    center_units = unit[centers]
    assignment = in_steps(unit @ (center_units.T * STEP)).argmax(1)
    logit = torch.zeros_like(x[:, 0])
    if config.aggregation == "similarity":
        logit = (center_units[assignment] * unit).sum(-1) / knobs.temperature
    largest = torch.full_like(center_units[:, 0], -torch.inf).scatter_reduce(0, assignment, logit, "amax")
    weight = (logit - largest[assignment]).exp()
    norms = vector_norm(x, dim=-1, keepdim=True)
    row = torch.cat((x * weight[:, None], weight[:, None], torch.ones_like(norms), norms), 1)
    total = torch.zeros_like(row[: knobs.n_centers]).index_put((assignment,), row, accumulate=True)  # (K, C + 3)
    mass, counts = total[:, -3].clamp_min(1e-30), total[:, -2]
    tokens = x[centers] if config.aggregation == "center" else total[:, :-3] / mass[:, None]
    if config.norm_restoration != "none":
        target = norms.amax(0) if config.norm_restoration == "max" else total[:, -1:] / counts.clamp_min(1)[:, None]
        norm = vector_norm(tokens, dim=-1, keepdim=True)
        tokens = torch.where(norm > EPS, tokens * (target / (norm + EPS)), tokens)
    return Choice(centers, assignment, counts, rho, delta, rho * delta, weight / mass[assignment]), tokens


def directions(x: Tensor) -> Tensor:
    """Return x divided by its norm along the last axis, zero where there is none."""
    norm = vector_norm(x, dim=-1, keepdim=True)
    return x * torch.where(norm > EPS, 1 / norm.clamp_min(EPS), 0.0)


def density(unit: Tensor, knobs: Knobs) -> Tensor:
    """Step 2 of S directions, (S, C) -> (S,); 0 of a token alone."""
    itself = 4.0 * (knobs.place[:, None] == knobs.place).float()  # more than any similarity: no neighbor of its own
    largest, nearest = (unit @ unit.T - itself).topk(knobs.n_neighbors, dim=-1, sorted=False)
    rho = largest.mean(-1) * several(knobs)
    equal = rho.scatter_reduce(0, nearest[:, 0], rho, "amax")  # of two nearest to each other, as `satlib.dta` has it
    return torch.where(knobs.one_neighbor, equal, rho)


def separation(unit: Tensor, rho: Tensor, knobs: Knobs) -> Tensor:
    """Step 3 of S directions and their densities, (S, C) and (S,) -> (S,); 0 of a token alone."""
    order, place = ranked(rho), knobs.place
    by_rank = unit[order]
    not_denser = 4.0 * (place[:, None] <= place).float()
    nearest = (by_rank @ by_rank.T - not_denser).amax(1)
    farthest = (by_rank @ by_rank[0]).amin(0)
    distance = (1 - torch.where(place == 0, farthest, nearest)).clamp(0, 2) * several(knobs)
    return torch.zeros_like(rho).scatter(0, order, distance)


def several(knobs: Knobs) -> Tensor:
    """Return 0. if a single token was sampled, else 1."""
    return knobs.place[-1].clamp(max=1).float()


def ranked(score: Tensor) -> Tensor:
    """Return places by falling score, ties to the first place: torch's stable sort does it, ONNX's TopK promises it."""
    return in_steps(score * STEP).sort(dim=0, descending=True, stable=True).indices


def in_steps(x: Tensor) -> Tensor:
    """Round numbers between -2^22 and 2^22, halves to even, plus `INTEGERS`: one addition; they compare alike."""
    return x + INTEGERS


def bias_table(bias: PositionBias) -> Tensor:
    """Return the bias of every offset in a window, (heads, (2h-1)(2w-1)), from the position network."""
    table: Tensor = bias.layers(bias.project(bias.offsets))
    return table.detach().T.contiguous()
