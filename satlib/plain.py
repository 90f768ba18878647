"""SAT on one page: the whole network of the paper as functions of an image and the weights of `satlib.SAT`.

Read this file first. ``sat(image, model.state_dict(), model.config)`` is what ``model(image)`` gives in eval mode. Here
every similarity, mask and attention map is a whole matrix that can be looked at. The rest of the package computes the
same faster and in less memory, and is tested against this page. Left out are training (stochastic depth, a new sample
in every call), half precision and checks of the input.

SAT alternates attention in local windows (LTB) with attention of all N tokens to K aggregated ones, about 3 % (SATB).
Density-driven token aggregation (DTA) makes these K in six steps (section 3 of the paper, appendix A.2).

Shapes: B images of I channels and H x W tokens, N = H*W in raster order, C channels, K centres, S sampled tokens,
m neighbours, L windows of n = h*w tokens, p channels of the position bias, d channels of a head, s the scale.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.linalg import vector_norm
from torch.nn import functional

from satlib.config import SATConfig
from satlib.dta.sampling import Grid, draw_sample

Weights = Mapping[str, Tensor]  # of the network or a part of it, by their names in the state dict
EPS = 1e-6  # the paper's epsilon: a norm at or below it counts as zero
RGB_MEAN = (0.4488, 0.4371, 0.4040)  # mean colour of DIV2K; images that are not RGB have a mean of 0


class Aggregation(NamedTuple):
    """What DTA chose and made of one batch."""

    tokens: Tensor  # (B, K, C) aggregated tokens
    centers: Tensor  # (B, K) positions of the centres among the N tokens, best score first
    assignment: Tensor  # (B, N) cluster of each token, in 0..K-1
    counts: Tensor  # (B, K) members of each cluster
    sample: Tensor  # (B, S) positions of the sampled tokens
    density: Tensor  # (B, S) rho
    separation: Tensor  # (B, S) delta
    score: Tensor  # (B, S) gamma = rho * delta


def aggregate(x: Tensor, n_centers: int, sample: Tensor, config: SATConfig) -> Aggregation:
    """Make K tokens of N by DTA, (B, N, C) -> (B, K, C). Step 1, :func:`draw`, gives ``sample``, (S,) or (B, S)."""
    sample = sample.to(x.device).expand(len(x), -1)  # (B, S)
    sampled = x.take_along_dim(sample[..., None], 1)  # (B, S, C)
    m = config.neighbors if isinstance(config.neighbors, int) else config.neighbors * n_centers
    s = similarity(sampled, sampled)  # (B, S, S)
    rho = density(s, int(min(max(m, 1), sample.shape[1] - 1)))  # (B, S)
    delta = separation(s, rho)  # (B, S)
    centers = choose_centers(sample, rho * delta, n_centers)  # (B, K)
    c = x.take_along_dim(centers[..., None], 1)  # (B, K, C)
    s = similarity(x, c)  # (B, N, K)
    assignment = assign(s)  # (B, N)
    member = functional.one_hot(assignment, n_centers).bool()  # (B, N, K); a choice, up to here, has no gradient
    tokens = merge(x, c, s, member, config.aggregation, config.temperature)  # (B, K, C)
    tokens = restore_norm(tokens, x, member, config.norm_restoration)
    return Aggregation(tokens, centers, assignment, member.sum(1), sample, rho, delta, rho * delta)


def draw(grid: Grid, n_centers: int, config: SATConfig, layer: int) -> Tensor:
    """Step 1: sample S = min(N, max(2K, beta K)) tokens, (S,): one at random in each of S near-square cells."""
    size = int(min(grid[0] * grid[1], max(2 * n_centers, config.subsample * n_centers)))
    # Seed, layer and grid fix the draw: equal images give equal results. `SATConfig.sampling` names other ways to draw.
    generator = torch.Generator("cpu").manual_seed((config.seed * 1_000_003 + layer) % 2**63)
    return draw_sample(grid, size, sampling=config.sampling, n_strips=n_centers, generator=generator)[0]


@torch.no_grad()
def density(s: Tensor, m: int) -> Tensor:
    """Step 2: rho_i, the mean of the m largest similarities to other sampled tokens; (B, S, S) -> (B, S)."""
    oneself = torch.eye(s.shape[1], device=s.device).bool()
    return s.masked_fill(oneself, -torch.inf).topk(m).values.sum(-1) / max(m, 1)


@torch.no_grad()
def separation(s: Tensor, rho: Tensor) -> Tensor:
    """Step 3: delta_i = 1 - the largest similarity to a denser sampled token; for the densest, 1 - its smallest."""
    rank = comparable(rho).argsort(descending=True, stable=True).argsort()  # (B, S): 0 is the densest, ties by place
    denser = rank[:, None, :] < rank[:, :, None]  # (B, S, S), whether token j (column) is denser than i (row)
    nearest = torch.where(rank == 0, s.amin(-1), s.masked_fill(~denser, -torch.inf).amax(-1))
    return (1 - nearest).clamp(0, 2) * (s.shape[1] > 1)  # a token alone: 0


def choose_centers(sample: Tensor, score: Tensor, n_centers: int) -> Tensor:
    """Step 4: the K sampled tokens of the best score gamma = rho * delta: dense, and far from denser ones; (B, K)."""
    return sample.gather(1, comparable(score).argsort(descending=True, stable=True)[:, :n_centers])


def assign(s: Tensor) -> Tensor:
    """Step 4: every token, sampled or not, joins its most similar centre; (B, N, K) -> (B, N)."""
    return comparable(s).argmax(-1)


def merge(x: Tensor, c: Tensor, s: Tensor, member: Tensor, method: str, temperature: float) -> Tensor:
    """Step 5: a cluster becomes the mean of its members, weighted by softmax(s(x_i, c_k) / tau); (B, K, C)."""
    if method == "center":
        return c
    logits = s / temperature if method == "similarity" else torch.zeros_like(s)  # (B, N, K)
    weight = logits.masked_fill(~member, -torch.inf).softmax(1)
    return weight.nan_to_num().mT @ x  # nan: a cluster without members, as a better centre has the same direction


def restore_norm(tokens: Tensor, x: Tensor, member: Tensor, method: str) -> Tensor:
    """Step 6: averaging shortens tokens; give them the largest norm of the image ("max") or their members' mean."""
    norms, norm = (vector_norm(t, dim=-1, keepdim=True) for t in (x, tokens))  # (B, N, 1), (B, K, 1)
    target = norms.amax(1, keepdim=True)  # (B, 1, 1)
    if method == "mean":
        target = member.to(x.dtype).mT @ norms / member.sum(1).clamp(min=1)[..., None]  # (B, K, 1)
    restored = torch.where(norm > EPS, tokens * target / (norm + EPS), tokens)
    return tokens if method == "none" else restored


def similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return s(x_i, y_j), the cosine, of each pair, 0 for a zero token: (B, N, C) and (B, M, C) -> (B, N, M)."""
    norms = (vector_norm(t, dim=-1, keepdim=True) for t in (x, y))
    a, b = (torch.where(norm > EPS, t / norm.clamp(min=EPS), 0) for t, norm in zip((x, y), norms, strict=True))
    return a @ b.mT


def comparable(x: Tensor) -> Tensor:
    """Round to steps of 2^-20 (float64: 2^-40): what is equal but for rounding, as duplicate tokens are, is a tie."""
    return (x * 2 ** (40 if x.dtype == torch.float64 else 20)).round()


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int, bias: Tensor) -> Tensor:
    """Attend from N queries to M keys: softmax(q k^T / sqrt(d) + bias) v in each head; (..., N, C)."""
    q, k, v = (t.unflatten(-1, (heads, -1)).transpose(-3, -2) for t in (q, k, v))  # (..., heads, N or M, d)
    weight: Tensor = (q / q.shape[-1] ** 0.5 @ k.mT + bias).softmax(-1)  # (..., heads, N, M), the attention map
    return (weight @ v).transpose(-3, -2).flatten(-2)


def selective_attention(x: Tensor, w: Weights, config: SATConfig, layer: int) -> Tensor:
    """SAA: queries from all N tokens, keys and values from K aggregated ones; (B, H, W, C) -> (B, H, W, C)."""
    grid, x = (x.shape[1], x.shape[2]), x.flatten(1, 2)  # (B, N, C)
    tokens, counts = x, torch.ones_like(x[..., 0])  # "exact", a control of ours: all tokens are read
    if config.selective == "aggregate":
        n_centers = config.n_centers(x.shape[1])
        made = aggregate(x, n_centers, draw(grid, n_centers, config, layer), config)
        tokens, counts = made.tokens, made.counts.to(x.dtype)  # (B, K, C), (B, K)
    # log 0 = -inf: an empty cluster is not read. With size_bias, ours, a cluster weighs as much as its members.
    bias = (counts if config.size_bias else counts.clamp(max=1)).log()[:, None, None]  # (B, 1, 1, K)
    q, k, v = linear(x, w, "query"), linear(tokens, w, "key"), linear(tokens, w, "value")  # q and k: C * r_c channels
    return linear(attend(q, k, v, config.heads, bias), w, "project").view(len(x), *grid, -1)


def window_attention(x: Tensor, w: Weights, config: SATConfig, shifted: bool) -> Tensor:
    """Attend in h x w windows with half of the channels and heads, in w x h windows with the others; (B, H, W, C)."""
    qkv = linear(x, w, "qkv")
    local = conv(qkv.chunk(3, -1)[2], w, "local")  # a depthwise convolution of v lets neighbouring windows touch
    wide, high = qkv.unflatten(-1, (3, 2, -1)).unbind(-2)  # (B, H, W, [q k v], C/2) each
    wide = attend_in_windows(wide, part(w, "biases.0"), config, config.window, shifted)
    high = attend_in_windows(high, part(w, "biases.1"), config, config.window[::-1], shifted)
    return linear(torch.cat((wide, high), -1) + local, w, "project")


def attend_in_windows(qkv: Tensor, w: Weights, config: SATConfig, window: Grid, shifted: bool) -> Tensor:
    """Attend among the tokens of each window, with half of the channels: (B, H, W, 3, C/2) -> (B, H, W, C/2)."""
    (height, width), side = qkv.shape[1:3], max(window)
    shift = (window[0] // 2, window[1] // 2) if shifted else (0, 0)
    bias = position_bias(window, w) + window_mask((height, width), window, shift, config.mask_padding, qkv.device)
    qkv = functional.pad(qkv, (0, 0, 0, 0, 0, -width % side, 0, -height % side))  # zeros at the right and bottom
    q, k, v = cut(qkv.roll((-shift[0], -shift[1]), (1, 2)), window).unbind(-2)  # each (B, L, n, C/2)
    out = attend(q, k, v, config.heads // 2, bias).view(len(qkv), -1, qkv.shape[2] // window[1], *window, v.shape[-1])
    return out.transpose(2, 3).flatten(3, 4).flatten(1, 2).roll(shift, (1, 2))[:, :height, :width]  # cut, undone


def cut(x: Tensor, window: Grid) -> Tensor:
    """Cut images into windows: (B, H', W', ...) -> (B, L, n, ...)."""
    x = x.unflatten(1, (-1, window[0])).unflatten(3, (-1, window[1]))  # (B, H'/h, h, W'/w, w, ...)
    return x.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def window_mask(grid: Grid, window: Grid, shift: Grid, mask_padding: bool, device: torch.device) -> Tensor:
    """Return 0 for pairs of tokens that may read each other, -inf for those that the roll or the padding has joined."""
    row, column = (torch.arange(length + -length % max(window), device=device) for length in grid)
    region = (row < shift[0])[:, None] + 2 * (column < shift[1])  # (H', W'); the roll takes these to the other side
    if mask_padding:
        region = torch.where((row < grid[0])[:, None] & (column < grid[1]), region, 4)
    region = cut(region.roll((-shift[0], -shift[1]), (0, 1))[None], window)[0]  # (L, n)
    return torch.where(region[:, None, :, None] == region[:, None, None, :], 0.0, -torch.inf)  # (L, 1, n, n)


def position_bias(window: Grid, w: Weights) -> Tensor:
    """Dynamic position bias: a small network from each offset, query minus key, to a logit per head; (heads, n, n)."""
    offsets = torch.cartesian_prod(*(torch.arange(1 - side, side) for side in window))
    y = linear(offsets.to(w["project.weight"]), w, "project")  # (all (2h - 1)(2w - 1) offsets, p)
    for i in range(3):
        y = linear(layer_norm(y, w, f"layers.{i}.0").relu(), w, f"layers.{i}.2")
    place = torch.cartesian_prod(*(torch.arange(side) for side in window))  # (n, 2)
    row, column = (place[:, None] - place + torch.tensor(window) - 1).unbind(-1)  # (n, n) each
    table: Tensor = y.mT.unflatten(-1, (2 * window[0] - 1, -1))  # (heads, 2h - 1, 2w - 1)
    return table[:, row, column]


def gated_mlp(x: Tensor, w: Weights) -> Tensor:
    """Linear and GELU; half of the channels gated by a depthwise convolution of the other half; Linear."""
    kept, gate = functional.gelu(linear(x, w, "expand")).chunk(2, -1)
    return linear(kept * conv(layer_norm(gate, w, "norm"), w, "gate"), w, "reduce")


def block(x: Tensor, w: Weights, attention: Callable[[Tensor, Weights], Tensor] | None) -> Tensor:
    """LTB or SATB: add attention and gated MLP, each of the normalised input; then the input again, times gamma."""
    y = x if attention is None else x + attention(layer_norm(x, w, "norm1"), part(w, "attention"))
    y = y + gated_mlp(layer_norm(y, w, "norm2"), part(w, "mlp"))
    return y + x * w["gamma"]  # not in the paper, but in its code; gamma starts at 1e-4


def group(x: Tensor, w: Weights, config: SATConfig, number: int) -> Tensor:
    """Residual group: pairs of LTB and SATB, a convolution, and the group's input; (B, H, W, C) -> (B, H, W, C)."""
    y, first = x, sum(config.groups[:number])
    for pair in range(config.groups[number]):
        local = partial(window_attention, config=config, shifted=(number + pair) % 2 == 1)
        selective = partial(selective_attention, config=config, layer=first + pair)
        y = block(y, part(w, f"blocks.{2 * pair}"), local)  # every second LTB is shifted
        y = block(y, part(w, f"blocks.{2 * pair + 1}"), None if config.selective == "none" else selective)
    return x + conv(y, w, "conv")


def sat(image: Tensor, w: Weights, config: SATConfig) -> Tensor:
    """Upscale images with the whole network: (B, I, H, W) in [0, 1] -> (B, I, sH, sW), about [0, 1]."""
    mean = torch.tensor(RGB_MEAN if config.in_channels == 3 else 0.0, dtype=torch.float32).to(image)
    shallow = conv(image.movedim(1, -1) - mean, w, "head")  # (B, H, W, C)
    x = layer_norm(shallow, w, "norm_in")
    for number in range(len(config.groups)):
        x = group(x, part(w, f"groups.{number}"), config, number)
    deep = conv(layer_norm(x, w, "norm_out"), w, "body_conv") + shallow
    y = upsample(functional.leaky_relu(conv(deep, w, "features.0")), part(w, "upsampler"), config)
    return (y + (image.movedim(1, -1) if config.scale == 1 else mean)).movedim(-1, 1)


def upsample(x: Tensor, w: Weights, config: SATConfig) -> Tensor:
    """Convolve and shuffle channels into pixels: at once, or in steps of 2 (x3: of 3, x1: none) and a convolution."""
    classic = config.upsampler == "classic"
    steps = {1: [], 2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}[config.scale] if classic else [config.scale]
    for i, step in enumerate(steps):
        x = functional.pixel_shuffle(conv(x, w, f"{2 * i}").movedim(-1, 1), step).movedim(1, -1)
    return conv(x, w, f"{2 * len(steps)}") if classic else x  # (B, sH, sW, I)


def part(w: Weights, name: str) -> Weights:
    """Return the weights whose names begin with ``name``, by the rest of their names."""
    return {key.removeprefix(name + "."): value for key, value in w.items() if key.startswith(name + ".")}


def linear(x: Tensor, w: Weights, name: str) -> Tensor:
    """Apply a linear layer, with or without a bias, to the last axis."""
    return functional.linear(x, w[name + ".weight"], w.get(name + ".bias"))


def layer_norm(x: Tensor, w: Weights, name: str) -> Tensor:
    """Normalise the last axis."""
    return functional.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"])


def conv(x: Tensor, w: Weights, name: str) -> Tensor:
    """Convolve (B, H, W, .), zeros around it, to as many pixels; the kernel's shape tells the groups."""
    kernel, bias = w[name + ".weight"], w[name + ".bias"]
    groups = x.shape[-1] // kernel.shape[1]
    return functional.conv2d(x.movedim(-1, 1), kernel, bias, padding="same", groups=groups).movedim(1, -1)
