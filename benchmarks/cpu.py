"""`python -m benchmarks cpu`: satlib against its plain form, which is dense, on one thread of the CPU.

Writes satlib/results/timings/cpu.json and prints the table. Targets are the ratios that the project has set itself.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks import dense
from benchmarks.protocol import Case, Run, compare, machine, peak_growth, save, say
from satlib import SAT, SATConfig, dta, plain
from satlib.dta.sampling import Grid
from satlib.network.attention import SelectiveAggregationAttention
from satlib.network.blocks import Block, ResidualGroup
from satlib.network.geometry import eval_sample, make_geometry


def features(grid: Grid, channels: int) -> Tensor:
    """Return (1, N, C) tokens as a network has them: smooth (bicubic, eightfold), with noise, layer-normed."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, channels, grid[0] // 8 + 2, grid[1] // 8 + 2, generator=generator)
    smooth = functional.interpolate(coarse, size=grid, mode="bicubic")
    noisy = smooth + 0.1 * torch.randn(smooth.shape, generator=generator)
    return functional.layer_norm(noisy.flatten(2).mT.contiguous(), (channels,))


def config(channels: int) -> SATConfig:
    """Return the light network's configuration, or the full one's, with one group of one pair."""
    return SATConfig.preset("sat-light" if channels == 40 else "sat", scale=4, groups=(1, 1), drop_path=0.0)


def block(channels: int, number: int) -> Block:
    """Return a block in eval mode: 0 local, 1 SAA of the first group; local ones of the second are shifted."""
    torch.manual_seed(0)
    model = SAT(config(channels)).eval()
    group = model.groups[1 if number == 0 else 0]
    assert isinstance(group, ResidualGroup)
    found = group.blocks[number]
    assert isinstance(found, Block)
    return found


def aggregation(grid: Grid, channels: int, *, check: bool = True) -> tuple[Run, Run]:
    """Return aggregation alone, forward."""
    x, c = features(grid, channels), config(channels)
    k = c.n_centers(x.shape[1])
    sample = eval_sample(c, grid, 0)
    return both(
        lambda y: plain.aggregate(y, k, sample, c).tokens,
        lambda y: dta.aggregate(y, k, grid=grid, sample=sample).tokens,
        x,
        check=check,
    )


def saa(grid: Grid, channels: int, *, backward: bool = False, check: bool = True) -> tuple[Run, Run]:
    """Return the SAA layer, forward, or forward and backward."""
    module = block(channels, 1).attention
    assert isinstance(module, SelectiveAggregationAttention)
    x, at = features(grid, channels), make_geometry(config(channels), grid, "cpu", training=False)
    slow = dense.on_tokens(partial(plain.selective_attention, config=config(channels), layer=0), module, grid)
    return both(slow, lambda y: module(y, at)[0], x, backward=backward, check=check)


def local(grid: Grid, channels: int) -> tuple[Run, Run]:
    """Return a shifted local block with its MLP, forward."""
    module, x = block(channels, 0), features(grid, channels)
    at = make_geometry(config(channels), grid, "cpu", training=False)
    attention = partial(plain.window_attention, config=config(channels), shifted=True)
    return both(dense.on_tokens(partial(plain.block, attention=attention), module, grid), lambda y: module(y, at), x)


def body(grid: Grid, *, backward: bool = False) -> tuple[Run, Run]:
    """Return the residual groups of `sat-light`."""
    torch.manual_seed(0)
    model, x = SAT(SATConfig.preset("sat-light", scale=4)).eval(), features(grid, 40)

    at = model.geometry(grid)

    def ours(y: Tensor) -> Tensor:
        for group in model.groups:
            y = group(y, at)
        return y

    return both(dense.body(model, grid), ours, x, backward=backward)


def both(
    slow: Callable[[Tensor], Tensor],
    fast: Callable[[Tensor], Tensor],
    x: Tensor,
    *,
    backward: bool = False,
    check: bool = True,
) -> tuple[Run, Run]:
    """Return the two runs, after checking that they compute the same but where near-ties fall differently in float32.

    tests/test_plain.py compares them in float64, where they agree to rounding.
    """
    if check:
        with torch.no_grad():
            agree = torch.isclose(fast(x), slow(x), rtol=1e-3, atol=1e-3).double().mean()
        if agree < 0.99:
            raise AssertionError(f"the two agree in {agree:.1%} of their values only")
    if not backward:
        return no_grad(lambda: slow(x)), no_grad(lambda: fast(x))
    y = x.clone().requires_grad_()
    return (lambda: slow(y).square().sum().backward()), (lambda: fast(y).square().sum().backward())


def no_grad(run: Run) -> Run:
    """Return the call without gradients."""
    return torch.no_grad()(run)


SMALL, MEDIUM, LARGE = (64, 64), (128, 128), (160, 320)

TIMES: list[tuple[str, Callable[[], tuple[Run, Run]], float, float]] = [
    ("aggregation, C=40, 128x128", lambda: aggregation(MEDIUM, 40), 3, 6),
    ("aggregation, C=40, 160x320", lambda: aggregation(LARGE, 40), 4, 8),
    ("aggregation, C=228, 128x128", lambda: aggregation(MEDIUM, 228), 2, 3.5),
    ("SAA, C=40, 128x128", lambda: saa(MEDIUM, 40), 3.5, 6),
    ("SAA, C=40, 160x320", lambda: saa(LARGE, 40), 4.5, 8),
    ("SAA with backward, C=40, 128x128", lambda: saa(MEDIUM, 40, backward=True), 3.5, 6),
    ("local block, C=40, 128x128", lambda: local(MEDIUM, 40), 4, 5),
    ("local block, C=228, 128x128", lambda: local(MEDIUM, 228), 2, 2.5),
    ("sat-light body, 64x64", lambda: body(SMALL), 1.7, 2.5),
    ("sat-light body, 128x128", lambda: body(MEDIUM), 2.8, 4),
    ("sat-light body with backward, 64x64", lambda: body(SMALL, backward=True), 1, 1.4),
    ("sat-light body with backward, 128x128", lambda: body(MEDIUM, backward=True), 2, 3),
]
"""Name, what runs, the ratio of CPU time that must be reached, the one aimed at."""

MEMORY = {
    "aggregation, C=40, 128x128": Case(lambda grid: aggregation(grid, 40, check=False), MEDIUM),
    "aggregation, C=40, 160x320": Case(lambda grid: aggregation(grid, 40, check=False), LARGE),
    "SAA with backward, C=40, 128x128": Case(lambda grid: saa(grid, 40, backward=True, check=False), MEDIUM),
    "SAA with backward, C=228, 128x128": Case(lambda grid: saa(grid, 228, backward=True, check=False), MEDIUM),
}
"""What is compared in memory."""

LESS_MEMORY = dict(zip(MEMORY, (15, 100, 20, 7), strict=True))
"""The ratio of memory growth that must be reached."""


def main() -> None:
    """Measure everything, print the table, write the results."""
    torch.set_num_threads(1)
    started_on = machine()
    rows: list[dict[str, object]] = []
    for name, make, must, aim in TIMES:
        found = compare(*make())
        low, high = found.spread
        rows.append({"what": name, "unit": "s", "dense": found.dense, "ours": found.ours, "must": must, "aim": aim})
        say(f"{name:<40} {found.ratio:6.2f}x  ({low:.2f} to {high:.2f})  must {must}, aim {aim}")
    for name, must in LESS_MEMORY.items():
        slow, fast = (peak_growth("benchmarks.cpu", name, which) for which in (0, 1))
        rows.append({"what": name, "unit": "bytes", "dense": slow, "ours": fast, "must": must})
        say(f"{name:<40} {slow / fast:6.1f}x  ({slow / 1e6:,.0f} MB, {fast / 1e6:,.1f} MB)  must {must}")
    save("cpu", started_on, {"rows": rows})
