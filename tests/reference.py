"""SAT again, in slow and obvious loops: what the fast code is held against, and an exact description of it.

Written from the definitions (the paper's section 3, the appendix's A.2, and what the released code settles), in
float64, one token, one pixel or one query at a time. Nothing here is shared with `satlib` but the weights:
:func:`sat` reads them off a `satlib.SAT`.

Shapes: a token is a vector (C,); tokens of one image are (N, C) in raster order, N = H*W; an image is (C, H, W).
There is no batch anywhere.
"""

from math import ceil, erf, exp, log, sqrt

import torch

EPS = 1e-6


# Density-driven token aggregation -----------------------------------------------------------------------------------


def n_centers(keep_ratio, n_tokens):
    """K."""
    return max(1, int(keep_ratio * n_tokens))


def n_samples(n_tokens, k, subsample):
    """S."""
    return min(n_tokens, max(2 * k, int(subsample * k)))


def n_neighbors(neighbors, k, s):
    """m: an int is m itself, a float a share of K; at least 1, at most S - 1."""
    m = neighbors if isinstance(neighbors, int) else int(neighbors * k)
    return min(max(m, 1), s - 1)


def norm(token):
    return sqrt(sum(v * v for v in token.tolist()))


def direction(token):
    """The token divided by its norm; a token (almost) zero has no direction and gives zero."""
    length = norm(token)
    return token / length if length > EPS else torch.zeros_like(token)


def cosine(a, b):
    return sum(u * v for u, v in zip(direction(a).tolist(), direction(b).tolist(), strict=True))


def density(tokens, m):
    """Step 2: the mean of the m largest similarities to the other tokens; 0 for a token alone."""
    rho = []
    for i in range(len(tokens)):
        others = sorted((cosine(tokens[i], tokens[j]) for j in range(len(tokens)) if j != i), reverse=True)
        rho.append(sum(others[:m]) / m if m else 0.0)
    return rho


def is_denser(j, i, rho):
    """A strict total order: by density, equal densities by position (the first is the denser)."""
    return rho[j] > rho[i] or (rho[j] == rho[i] and j < i)


def separation(tokens, rho):
    """Step 3: 1 - the largest similarity to a denser token; for the densest, 1 - its smallest; 0 for a token alone."""
    delta = []
    for i in range(len(tokens)):
        denser = [cosine(tokens[i], tokens[j]) for j in range(len(tokens)) if is_denser(j, i, rho)]
        others = [cosine(tokens[i], tokens[j]) for j in range(len(tokens)) if j != i]
        if denser:
            delta.append(1 - max(denser))
        else:
            delta.append(1 - min(others) if others else 0.0)
    return [min(max(d, 0.0), 2.0) for d in delta]


def centers(sample, score, k):
    """Step 4: the sampled positions of the K best scores, best first, ties to the first in the sample."""
    places = sorted(range(len(sample)), key=lambda place: (-score[place], place))
    return [sample[place] for place in places[:k]]


def assign(tokens, center_positions):
    """Step 4: for every token the number of its most similar centre, ties to the first centre."""
    assignment = []
    for token in tokens:
        similarity = [cosine(token, tokens[c]) for c in center_positions]
        assignment.append(similarity.index(max(similarity)))
    return assignment


def members(assignment, cluster):
    return [i for i, c in enumerate(assignment) if c == cluster]


def merge(tokens, center_positions, assignment, method, temperature):
    """Step 5: one token for each cluster; zeros for a cluster without members (with "center", its centre)."""
    merged = []
    for k, center in enumerate(center_positions):
        inside = members(assignment, k)
        if method == "center":
            merged.append(tokens[center])
            continue
        if method == "mean":
            weight = [1.0] * len(inside)
        else:
            weight = [exp(cosine(tokens[i], tokens[center]) / temperature) for i in inside]
        total = torch.zeros_like(tokens[0])
        for w, i in zip(weight, inside, strict=True):
            total = total + w / sum(weight) * tokens[i]
        merged.append(total)
    return torch.stack(merged)


def restore_norm(merged, tokens, assignment, method):
    """Step 6: every merged token to the largest norm of the image, or to the mean norm of its members."""
    restored = []
    for k, token in enumerate(merged):
        inside = members(assignment, k)
        if method == "max":
            target = max(norm(t) for t in tokens)
        else:
            target = sum(norm(tokens[i]) for i in inside) / max(1, len(inside))
        length = norm(token)
        keep = method == "none" or length <= EPS
        restored.append(token if keep else token / (length + EPS) * target)
    return torch.stack(restored)


def aggregate(tokens, k, sample, *, neighbors, aggregation, temperature, norm_restoration):
    """Steps 2 to 6 with a given sample: tokens (K, C), centres, assignment, counts, density, separation, score."""
    sampled = [tokens[i] for i in sample]
    rho = density(sampled, n_neighbors(neighbors, k, len(sample)))
    delta = separation(sampled, rho)
    score = [r * d for r, d in zip(rho, delta, strict=True)]
    chosen = centers(sample, score, k)
    assignment = assign(tokens, chosen)
    counts = [len(members(assignment, c)) for c in range(k)]
    merged = merge(tokens, chosen, assignment, aggregation, temperature)
    return restore_norm(merged, tokens, assignment, norm_restoration), chosen, assignment, counts, rho, delta, score


# Attention ----------------------------------------------------------------------------------------------------------


def softmax(logits):
    top = max(logits)
    weight = [exp(v - top) for v in logits]
    return [w / sum(weight) for w in weight]


def readable(pixel, grid, window, shifted, mask_padding):
    """The pixels (row, column) that the query at ``pixel`` reads; those outside the grid are zero padding.

    The grid is padded on the right and bottom to a multiple of the longer window side, then rolled by half a window
    towards the origin, then cut into windows. Two pixels of one window read each other unless the roll has brought one
    of them, and not the other, from the opposite border.
    """
    sides = [ceil(length / max(window)) * max(window) for length in grid]
    shift = [side // 2 if shifted else 0 for side in window]

    def window_and_wrap(position):
        rolled = [(p - s) % side for p, s, side in zip(position, shift, sides, strict=True)]
        wrapped = [r >= side - s for r, s, side in zip(rolled, shift, sides, strict=True)]
        return [r // w for r, w in zip(rolled, window, strict=True)], wrapped

    own = window_and_wrap(pixel)
    found = []
    for row in range(sides[0]):
        for column in range(sides[1]):
            padding = row >= grid[0] or column >= grid[1]
            if window_and_wrap((row, column)) == own and not (padding and mask_padding):
                found.append((row, column))
    return found


def position_bias(bias, offset):
    """The logits (heads,) that the network of the position bias gives an offset, query minus key (rows, columns)."""
    hidden = linear(torch.tensor(offset, dtype=torch.float64), bias.project)
    for layer in bias.layers:
        hidden = linear(layer_norm(hidden, layer[0]).clamp(min=0), layer[2])
    return hidden


def window_attention(q, k, v, bias, grid, window, shifted, mask_padding):
    """Attention in windows for tokens (N, C) with as many heads as ``bias`` gives logits, one query at a time."""
    out = torch.zeros_like(v)
    for row in range(grid[0]):
        for column in range(grid[1]):
            query = (row, column)
            keys = readable(query, grid, window, shifted, mask_padding)
            biases = [position_bias(bias, (row - key[0], column - key[1])) for key in keys]
            heads = len(biases[0])
            width = q.shape[1] // heads
            for head in range(heads):
                part = slice(head * width, (head + 1) * width)
                key_values = [_at(k, key, grid)[part] for key in keys]
                values = [_at(v, key, grid)[part] for key in keys]
                here = _at(q, query, grid)[part]
                logits = [
                    float(here @ key) / sqrt(width) + float(b[head]) for key, b in zip(key_values, biases, strict=True)
                ]
                for weight, value in zip(softmax(logits), values, strict=True):
                    out[row * grid[1] + column, part] += weight * value
    return out


def _at(tokens, pixel, grid):
    inside = pixel[0] < grid[0] and pixel[1] < grid[1]
    return tokens[pixel[0] * grid[1] + pixel[1]] if inside else torch.zeros_like(tokens[0])


def local_attention(x, grid, layer, config, shifted):
    """LTB's attention: two orientations of windows for the halves of the channels, and a 3x3 of the values."""
    q, k, v = linear(x, layer.qkv).chunk(3, dim=-1)
    half = config.channels // 2
    parts = []
    for i, window in enumerate((config.window, config.window[::-1])):
        part = slice(i * half, (i + 1) * half)
        parts.append(
            window_attention(
                q[:, part], k[:, part], v[:, part], layer.biases[i], grid, window, shifted, config.mask_padding
            )
        )
    local = to_tokens(depthwise(to_image(v, grid), layer.local))
    return linear(torch.cat(parts, dim=1) + local, layer.project)


def selective_attention(x, sample, layer, config):
    """SAA: queries from all tokens, keys and values from the aggregated ones; empty clusters are not read."""
    if config.selective == "exact":
        return linear(cross_attention(x, x, [1] * len(x), layer, config.heads, config.size_bias), layer.project)
    tokens, _, _, counts, *_ = aggregate(
        x, n_centers(config.keep_ratio, len(x)), sample, neighbors=config.neighbors,
        aggregation=config.aggregation, temperature=config.temperature, norm_restoration=config.norm_restoration,
    )  # fmt: skip
    return linear(cross_attention(x, tokens, counts, layer, config.heads, config.size_bias), layer.project)


def cross_attention(x, tokens, counts, layer, heads, size_bias):
    q, k, v = linear(x, layer.query), linear(tokens, layer.key), linear(tokens, layer.value)
    full = [c for c, count in enumerate(counts) if count > 0]
    width_qk, width_v = q.shape[1] // heads, v.shape[1] // heads
    out = torch.zeros(len(x), v.shape[1], dtype=torch.float64)
    for i in range(len(x)):
        for head in range(heads):
            part = slice(head * width_qk, (head + 1) * width_qk)
            part_v = slice(head * width_v, (head + 1) * width_v)
            logits = [float(q[i, part] @ k[c, part]) / sqrt(width_qk) for c in full]
            if size_bias:
                logits = [logit + log(counts[c]) for logit, c in zip(logits, full, strict=True)]
            for weight, c in zip(softmax(logits), full, strict=True):
                out[i, part_v] += weight * v[c, part_v]
    return out


# Layers -------------------------------------------------------------------------------------------------------------


def linear(x, layer):
    out = x @ layer.weight.T
    return out if layer.bias is None else out + layer.bias


def layer_norm(x, layer):
    centred = x - x.mean(-1, keepdim=True)
    return centred / (centred.square().mean(-1, keepdim=True) + 1e-5).sqrt() * layer.weight + layer.bias


def gelu(x):
    return torch.tensor([v / 2 * (1 + erf(v / sqrt(2))) for v in x.flatten().tolist()], dtype=x.dtype).view(x.shape)


def to_image(tokens, grid):
    """(N, C) -> (C, H, W)."""
    return torch.stack([tokens[:, c].view(grid) for c in range(tokens.shape[1])])


def to_tokens(image):
    """(C, H, W) -> (N, C)."""
    return torch.stack([image[:, r, c] for r in range(image.shape[1]) for c in range(image.shape[2])])


def patch(image, row, column, side):
    """The (C, side, side) neighbourhood of a pixel, zeros outside the image."""
    out = torch.zeros(image.shape[0], side, side, dtype=image.dtype)
    for i in range(side):
        for j in range(side):
            r, c = row + i - side // 2, column + j - side // 2
            if 0 <= r < image.shape[1] and 0 <= c < image.shape[2]:
                out[:, i, j] = image[:, r, c]
    return out


def convolution(image, layer):
    """Every output channel reads every input channel."""
    side = layer.weight.shape[-1]
    out = torch.zeros(layer.weight.shape[0], *image.shape[1:], dtype=image.dtype)
    for r in range(image.shape[1]):
        for c in range(image.shape[2]):
            out[:, r, c] = (layer.weight * patch(image, r, c, side)).sum((1, 2, 3)) + layer.bias
    return out


def depthwise(image, layer):
    """Every channel by itself."""
    side = layer.weight.shape[-1]
    out = torch.zeros_like(image)
    for r in range(image.shape[1]):
        for c in range(image.shape[2]):
            out[:, r, c] = (layer.weight[:, 0] * patch(image, r, c, side)).sum((1, 2)) + layer.bias
    return out


def pixel_shuffle(image, step):
    """(C * step^2, H, W) -> (C, step * H, step * W): channel c * step^2 + i * step + j fills (i, j) of each cell."""
    channels = image.shape[0] // step**2
    out = torch.zeros(channels, step * image.shape[1], step * image.shape[2], dtype=image.dtype)
    for channel in range(channels):
        for i in range(step):
            for j in range(step):
                out[channel, i::step, j::step] = image[channel * step**2 + i * step + j]
    return out


# The network --------------------------------------------------------------------------------------------------------


def gated_mlp(x, grid, mlp):
    kept, gate = gelu(linear(x, mlp.expand)).chunk(2, dim=-1)
    return linear(kept * to_tokens(depthwise(to_image(layer_norm(gate, mlp.norm), grid), mlp.gate)), mlp.reduce)


def is_shifted(group, pair):
    """Pair 1 of even groups; pairs 0 and 2 of odd ones."""
    return pair in (1, 3, 5) if group % 2 == 0 else pair in (0, 2, 4)


def block(x, grid, layer, attended):
    """The residual frame of a block around ``attended``, the attention of its normalised input."""
    y = x + attended
    y = y + gated_mlp(layer_norm(y, layer.norm2), grid, layer.mlp)
    return y + x * layer.gamma


def upsample(image, layers, config):
    if config.upsampler == "onestep":
        return pixel_shuffle(convolution(image, layers[0]), config.scale)
    for i, step in enumerate({2: [2], 3: [3], 4: [2, 2], 8: [2, 2, 2]}[config.scale]):
        image = pixel_shuffle(convolution(image, layers[2 * i]), step)
    return convolution(image, layers[len(layers) - 1])


@torch.no_grad()
def sat(model, image, samples):
    """The whole network in eval mode: (3, H, W) float64 -> (3, sH, sW), with the sample of each SAA layer given."""
    config, grid, samples = model.config, image.shape[1:], iter(samples)
    mean = model.mean
    shallow = convolution(image - mean, model.head)
    x = layer_norm(to_tokens(shallow), model.norm_in)
    for number, group in enumerate(model.groups):
        before = x
        for pair in range(config.groups[number]):
            local, selective = group.blocks[2 * pair], group.blocks[2 * pair + 1]
            normed = layer_norm(x, local.norm1)
            shifted = is_shifted(number, pair)
            x = block(x, grid, local, local_attention(normed, grid, local.attention, config, shifted))
            if config.selective == "none":
                x = block(x, grid, selective, torch.zeros_like(x))
                continue
            normed = layer_norm(x, selective.norm1)
            x = block(x, grid, selective, selective_attention(normed, next(samples), selective.attention, config))
        x = before + to_tokens(convolution(to_image(x, grid), group.conv))
    deep = convolution(to_image(layer_norm(x, model.norm_out), grid), model.body_conv) + shallow
    features = convolution(deep, model.features[0])
    features = torch.where(features > 0, features, 0.01 * features)
    return upsample(features, model.upsampler, config) + mean
