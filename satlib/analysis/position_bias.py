"""The position bias that a network has learned, as tables, and how much any could tell."""

import torch
from torch import Tensor

from satlib.dta.sampling import Grid
from satlib.network.attention import PositionBias
from satlib.network.model import SAT, as_sat


def position_tables(model: SAT, pair: int) -> list[Tensor]:
    """Return the position bias of one local block by offset: two tensors (heads/2, 2h-1, 2w-1), the second transposed.

    Parameters
    ----------
    model
        A network.
    pair
        Which of its pairs of blocks, from 0.

    Raises
    ------
    ValueError
        If there is no such pair.
    """
    model = as_sat(model)
    pairs = sum(model.config.groups)
    if not 0 <= pair < pairs:
        raise ValueError(f"pair must lie in 0..{pairs - 1}, got {pair}")
    biases = [module for module in model.modules() if isinstance(module, PositionBias)]
    windows = (model.config.window, model.config.window[::-1])
    with torch.inference_mode():
        return [
            bias.layers(bias.project(bias.offsets)).T.unflatten(1, (2 * h - 1, 2 * w - 1))
            for bias, (h, w) in zip(biases[2 * pair :], windows, strict=False)
        ]


def bias_map(table: Tensor, read: Tensor, token: int, grid: Grid) -> Tensor:
    """Return the position bias for each token that one token reads, (H, W); NaN elsewhere.

    ``table`` (2h-1, 2w-1) has the bias by the offset of query minus key, ``read`` (N,) the tokens that are read.
    """
    keys = read.nonzero().flatten()
    middle = [(side - 1) // 2 for side in table.shape]
    down, right = (
        torch.tensor(at) - key + zero
        for at, key, zero in zip(divmod(token, grid[1]), (keys // grid[1], keys % grid[1]), middle, strict=True)
    )
    bias = torch.full((grid[0] * grid[1],), torch.nan)
    bias[keys] = table[down, right].float().cpu()
    return bias.view(grid)


def random_bias_spread(window: tuple[int, int], width: int, seed: int = 0) -> float:
    """Return how much a position bias can tell: the largest difference between two offsets, for random parameters.

    Parameters
    ----------
    window
        (h, w).
    width
        p, of the bias's network. All of its parameters, gains and shifts too, are drawn from a normal distribution.
    seed
        Of the draw.
    """
    random = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        bias = PositionBias(window, width, heads=1)
    with torch.no_grad():
        for parameter in bias.parameters():
            parameter.normal_(generator=random)
        pairs = bias()
    return float(pairs.max() - pairs.min())
