"""SAT computed the way the released code computes it: every matrix whole, every cluster sampled in a loop.

Baseline of the benchmarks and oracle of the fast code. It uses the weights of satlib's modules, so that both compute
the same function with the same numbers. What it keeps from the released code is the way of working: S x S similarity
matrices with masks beside them, an N x K similarity, an N x K one-hot merge by einsum, attention maps written out,
shifted windows with one mask per window, features copied to (B, C, H, W) for convolutions. What it takes from satlib
is the choice of options (aggregation, norm restoration, neighbours, fixed samples), so that results can be compared.

Shapes: B images, N = H*W tokens, C channels, S samples, K centres, W windows of n tokens.
"""

import torch
from torch import Tensor
from torch.nn import functional

from satlib.dta import EPS, n_neighbors
from satlib.dta.sampling import Grid, n_samples
from satlib.network.attention import PositionBias, RectangleWindowAttention, SelectiveAggregationAttention
from satlib.network.blocks import Block, GatedMLP
from satlib.network.geometry import eval_sample
from satlib.network.model import SAT


def sample_in_strips(n_tokens: int, n_centers: int, size: int, device: torch.device) -> Tensor:
    """Draw S // K tokens from each of K raster runs with one small permutation per run, (S',) int64."""
    length, chosen = n_tokens // n_centers, []
    for strip in range(n_centers):
        start = strip * length
        stop = start + length if strip < n_centers - 1 else n_tokens
        chosen.append(start + torch.randperm(stop - start, device=device)[: size // n_centers])
    return torch.cat(chosen)


def aggregate(
    x: Tensor,
    n_centers: int,
    sample: Tensor,
    *,
    neighbors: float | int = 0.1,
    aggregation: str = "similarity",
    temperature: float = 0.1,
    norm_restoration: str = "max",
) -> Tensor:
    """Aggregate (B, N, C) tokens into (B, K, C) with a sample (S,): :func:`satlib.dta.aggregate`, whole matrices.

    With m = 1 the two may differ: two tokens nearest to each other are equally dense, and here rounding decides.
    """
    sample, unit = sample.to(x.device), functional.normalize(x, dim=-1)
    sampled = unit[:, sample]  # (B, S, C)
    similarity = sampled @ sampled.transpose(1, 2)  # (B, S, S)
    torch.diagonal(similarity, dim1=1, dim2=2).fill_(-1)
    density = similarity.topk(n_neighbors(neighbors, n_centers, len(sample)), dim=-1).values.mean(-1)
    place = torch.arange(len(sample), device=x.device)  # breaks ties, as satlib does; noise does as released
    tie = (density[:, None, :] == density[:, :, None]) & (place < place[:, None])
    denser = ((density[:, None, :] > density[:, :, None]) | tie).to(x.dtype)
    masked = similarity * denser - 1e9 * (1 - denser)
    separation = 1 - masked.max(-1).values
    densest = denser.sum(-1) == 0
    separation = torch.where(densest, 1 - similarity.min(-1).values, separation).clamp(min=0)
    centers = sample[(density * separation).topk(n_centers, dim=-1).indices]  # (B, K)
    center_units = unit.gather(1, centers[..., None].expand(-1, -1, x.shape[-1]))
    to_centers = unit @ center_units.transpose(1, 2)  # (B, N, K)
    one_hot = functional.one_hot(to_centers.argmax(-1), n_centers).to(x.dtype)  # (B, N, K)
    counts = one_hot.sum(1, keepdim=True)  # (B, 1, K)
    if aggregation == "mean":
        weight = one_hot / counts.clamp(min=EPS)
    elif aggregation == "similarity":
        logits = (to_centers / temperature).masked_fill(one_hot == 0, -torch.inf)
        weight = logits.softmax(1).nan_to_num()
    else:
        raise ValueError(f"the dense baseline aggregates by similarity or mean, got {aggregation!r}")
    tokens = torch.einsum("bnc,bnk->bkc", x, weight)
    if norm_restoration == "none":
        return tokens
    norms = x.norm(dim=-1)  # (B, N)
    if norm_restoration == "max":
        target = norms.max(-1, keepdim=True).values[..., None]
    else:
        target = (torch.einsum("bn,bnk->bk", norms, one_hot) / counts[:, 0].clamp(min=EPS))[..., None]
    norm = tokens.norm(dim=-1, keepdim=True)
    return torch.where(norm > EPS, tokens / (norm + EPS) * target, tokens)


def selective_attention(module: SelectiveAggregationAttention, x: Tensor, grid: Grid) -> Tensor:
    """SAA with attention maps of N x K written out; (B, N, C) -> (B, N, C)."""
    c, n_tokens = module.config, x.shape[1]
    n_centers = max(1, int(c.keep_ratio * n_tokens))
    size = n_samples(n_tokens, n_centers, c.subsample)
    sample_in_strips(n_tokens, n_centers, size, x.device)  # what the released code spends on drawing; here fixed:
    sample = eval_sample(c, grid, module.layer)
    tokens = aggregate(
        x, n_centers, sample, neighbors=c.neighbors, aggregation=c.aggregation, temperature=c.temperature,
        norm_restoration=c.norm_restoration,
    )  # fmt: skip
    q, k, v = (
        t.reshape(*t.shape[:2], c.heads, -1).permute(0, 2, 1, 3).contiguous()
        for t in (module.query(x), module.key(tokens), module.value(tokens))
    )
    attention = (q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5).softmax(-1)  # (B, heads, N, K)
    return module.project((attention @ v).transpose(1, 2).reshape(x.shape))


def window_attention(module: RectangleWindowAttention, x: Tensor, grid: Grid) -> Tensor:
    """Local attention by padding, rolling, cutting and one mask per window; (B, N, C) -> (B, N, C)."""
    (height, width), (n_images, _, channels) = grid, x.shape
    multiple = max(module.window)
    padded = (-(-height // multiple) * multiple, -(-width // multiple) * multiple)
    qkv = module.qkv(x).reshape(n_images, height, width, 3, channels).permute(3, 0, 4, 1, 2)  # (3, B, C, H, W)
    local = module.local(qkv[2].contiguous()).permute(0, 2, 3, 1)
    qkv = functional.pad(qkv, (0, padded[1] - width, 0, padded[0] - height))
    halves, windows = [], (module.window, module.window[::-1])
    for part, window, bias in zip(qkv.chunk(2, dim=2), windows, module.biases, strict=True):
        shift = (window[0] // 2, window[1] // 2) if module.shifted else (0, 0)
        rolled = torch.roll(part, (-shift[0], -shift[1]), dims=(3, 4))
        mask = window_mask(grid, padded, window, shift, mask_padding=module.mask_padding, device=x.device).to(x)
        out = _attend(rolled, window, bias, mask, module.heads)  # (B, Hp, Wp, C/2)
        halves.append(torch.roll(out, shift, dims=(1, 2))[:, :height, :width])
    return module.project((torch.cat(halves, dim=-1) + local).reshape(x.shape))


def _attend(qkv: Tensor, window: Grid, bias: PositionBias, mask: Tensor, heads: int) -> Tensor:
    """Attend in every window of (3, B, C/2, Hp, Wp) with a mask (W, n, n); returns (B, Hp, Wp, C/2)."""
    _, n_images, channels, height, width = qkv.shape
    down, across, n = height // window[0], width // window[1], window[0] * window[1]
    cut = qkv.reshape(3, n_images, channels, down, window[0], across, window[1]).permute(0, 1, 3, 5, 4, 6, 2)
    q, k, v = cut.reshape(3, n_images * down * across, n, heads, -1).permute(0, 1, 3, 2, 4).contiguous()
    logits = q * q.shape[-1] ** -0.5 @ k.transpose(-2, -1) + bias()  # (B*W, heads, n, n)
    logits = logits.view(n_images, down * across, heads, n, n) + mask[:, None]
    out = logits.view(-1, heads, n, n).softmax(-1) @ v
    out = out.transpose(1, 2).reshape(n_images, down, across, *window, channels)
    return out.permute(0, 1, 3, 2, 4, 5).reshape(n_images, height, width, channels)


def window_mask(
    grid: Grid, padded: Grid, window: Grid, shift: Grid, *, mask_padding: bool, device: torch.device
) -> Tensor:
    """Return 0 where a pair of a window may meet and -100 where not, (W, n, n)."""
    region = torch.zeros(padded, dtype=torch.int64, device=device)
    region[padded[0] - shift[0] :] += 1
    region[:, padded[1] - shift[1] :] += 2
    if mask_padding:
        inside = torch.zeros(padded, dtype=torch.bool, device=device)
        inside[: grid[0], : grid[1]] = True
        region[~inside.roll((-shift[0], -shift[1]), dims=(0, 1))] = 4
    cut = region.view(padded[0] // window[0], window[0], padded[1] // window[1], window[1])
    cut = cut.transpose(1, 2).reshape(-1, window[0] * window[1])
    return torch.where(cut[:, None] == cut[:, :, None], 0.0, -100.0)


def gated_mlp(module: GatedMLP, x: Tensor, grid: Grid) -> Tensor:
    """Run the gated MLP with its depthwise convolution on a contiguous (B, C, H, W) copy; (B, N, C) -> (B, N, C)."""
    kept, gate = functional.gelu(module.expand(x)).chunk(2, dim=-1)
    image = module.norm(gate).transpose(1, 2).contiguous().view(len(x), -1, *grid)
    gate = module.gate(image).flatten(2).transpose(-1, -2).contiguous()
    return module.reduce(kept * gate)


def block(module: Block, x: Tensor, grid: Grid) -> Tensor:
    """Run one block, (B, N, C) -> (B, N, C)."""
    attend = selective_attention if isinstance(module.attention, SelectiveAggregationAttention) else window_attention
    y = x + attend(module.attention, module.norm1(x), grid)
    y = y + gated_mlp(module.mlp, module.norm2(y), grid)
    return y + x * module.gamma


def body(model: SAT, x: Tensor, grid: Grid) -> Tensor:
    """Run the residual groups, (B, N, C) -> (B, N, C)."""
    for group in model.groups:
        y = x
        for module in group.blocks:
            y = block(module, y, grid)
        image = group.conv(y.transpose(1, 2).reshape(*y.shape[::2], *grid))
        x = x + image.flatten(2).transpose(1, 2)
    return x


def sat(model: SAT, image: Tensor) -> Tensor:
    """Run the whole network, (B, 3, H, W) -> (B, 3, sH, sW); :meth:`satlib.SAT.forward` in eval mode."""
    grid = (image.shape[2], image.shape[3])
    shallow = model.head(image - model.mean)
    tokens = model.norm_out(body(model, model.norm_in(shallow.flatten(2).transpose(1, 2)), grid))
    deep = model.body_conv(tokens.transpose(1, 2).reshape(shallow.shape)) + shallow
    return model.upsampler(model.features(deep)) + model.mean
