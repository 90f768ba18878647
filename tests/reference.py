"""DTA and the local windows in slow and obvious loops: what `satlib.plain` and the fast code are both held against.

Written from the definitions (the paper's section 3, the appendix's A.2, and what the released code settles), in
float64, one token or one pixel at a time. Nothing here is shared with `satlib`. The rest of the network has its oracle
in `satlib.plain`.

Shapes: a token is a vector (C,); tokens of one image are (N, C) in raster order, N = H*W. There is no batch anywhere.
"""

from math import ceil, exp, sqrt

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


# Local windows -------------------------------------------------------------------------------------------------------


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
