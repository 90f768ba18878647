"""*What SAT costs* and *Counted alike*: costs as Markdown tables. T is 10^12 multiply-adds, G 10^9.

``printed`` is Table 1 of the paper: FLOPs in T by (network, scale). ``costs`` is what we count, by the same.
"""

from collections.abc import Mapping, Sequence

from satlib.complexity.count import QUADRATIC, WINDOW_PRODUCTS, Complexity
from satlib.complexity.peers.arithmetic import Cost
from satlib.figures.cost.bars import stage_label
from satlib.results import paper
from satlib.results.paper import Peer
from satlib.support.tables import table

Costs = Mapping[tuple[str, int], Complexity | Peer | Cost]
Printed = Mapping[tuple[str, int], float]

HOW: dict[type, str] = {Complexity: "formula, counter", Peer: "counter", Cost: "formula"}
"""How each kind of cost was counted."""


def stages(cost: Complexity) -> str:
    """Return a table of parameters and multiply-adds of every stage; products have no parameters."""
    rows = []
    for stage, macs in cost.macs.items():
        params = f"{cost.params[stage]:,}" if stage in cost.params else "none: a product"
        rows.append((stage_label(stage), params, f"{macs / 1e9:,.2f}", f"{macs / cost.total:.1%}"))
    return table(("stage", "parameters", "multiply-adds, G", "share of all"), rows, align="lr")


def table_a(ours: Mapping[int, Complexity]) -> str:
    """Return SAT's rows of the paper's Table A beside ours, by scale."""
    rows = []
    for scale, cost in ours.items():
        sat: paper.Row = {"method": "SAT", "scale": scale}
        flops, params = (paper.table("A").number(sat, name) for name in ("FLOPs (T)", "params (M)"))
        counted = (f"{cost.published / 1e12:.3f}", f"{cost.total / 1e12:.2f}", f"{cost.total / cost.published:.1f}")
        size, own = f"{cost.grid[1]}×{cost.grid[0]}", f"{cost.params['total'] / 1e6:.3f}"
        rows.append((f"x{scale}", size, f"{params:.1f}", own, f"{flops:.2f}", *counted))
    head = ("scale", "input", "params (M), paper", "here", "FLOPs (T), paper")
    return table((*head, "here", "here, all", "ratio"), rows, align="llr")


def left_out(ours: Mapping[int, Complexity]) -> str:
    """Return a table of the products that the published FLOPs leave out, by scale, in T."""
    names = {"window attention": WINDOW_PRODUCTS} | {stage_label(stage): (stage,) for stage in QUADRATIC}
    rows = []
    for name, products in names.items():
        rows.append((name, *(f"{sum(cost.macs[s] for s in products) / 1e12:.2f}" for cost in ours.values())))
    return table(("products", *(f"x{scale}" for scale in ours)), rows, align="lr")


def networks(costs: Costs, printed: Printed, scales: Sequence[int]) -> str:
    """Return a table of all networks at some scales, counted in both conventions, beside Table 1's FLOPs."""
    rows = []
    for (name, scale), cost in sorted(costs.items(), key=lambda item: item[0]):
        if scale in scales:
            params = cost.params["total"] if isinstance(cost, Complexity) else cost.params
            counted = (f"{cost.published / 1e12:.2f}", f"{cost.total / 1e12:.2f}")
            flops = printed.get((name, scale), "")
            rows.append((name, f"x{scale}", HOW[type(cost)], f"{params / 1e6:.1f}", flops, *counted))
    head = ("network", "scale", "counted by", "params (M)", "FLOPs (T), Table 1", "layers alone", "all")
    return table(head, rows, align="lllr")


def fewer(costs: Costs, printed: Printed, own: Mapping[int, float], alike: Mapping[int, float]) -> str:
    """Return a table of how many FLOPs fewer than PFT SAT takes, in four readings.

    ``own`` and ``alike`` are what PFT's own method counts, by scale: at the sizes of its example, and at SAT's.
    """
    rows = []
    for s in own:
        sat, pft = costs["SAT", s], costs["PFT", s]
        pairs = ((printed["SAT", s], printed["PFT", s]), (sat.published, alike[s]), (sat.published, pft.published))
        methods = (f"{own[s] / 1e12:.2f}", f"{alike[s] / 1e12:.2f}")
        shares = (f"{1 - ours / theirs:.1%}" for ours, theirs in pairs)
        rows.append((f"x{s}", printed["PFT", s], *methods, *shares, f"{sat.total / pft.total:.1f}"))
    theirs = ("scale", "PFT in Table 1 (T)", "PFT's own method, 1280 × 720", "the same, 1280 × 640")
    ours = (
        "SAT fewer, as printed",
        "fewer, PFT's method at SAT's size",
        "fewer, layers alone",
        "SAT / PFT, all products",
    )
    return _turned((*theirs, *ours), rows)


def is_proportional(printed: Printed, network: str) -> bool:
    """Return whether a network's prints at x2 and x3 are that at x4 times the pixels, within their rounding."""
    smallest = printed[network, 4]
    times = {2: 4.0, 3: 16 / 9}
    return all(abs(printed[network, s] - smallest * n) <= 0.005 * (1 + n) for s, n in times.items())


def growth(costs: Costs, printed: Printed) -> str:
    """Return a table of how much larger than at x4 the prints and our counts are at x2 and x3."""
    rows = []
    for name in (name for name, scale in printed if scale == 4):
        values = []
        for s in (2, 3):
            values += [printed[name, s] / printed[name, 4], costs[name, s].total / costs[name, 4].total]
        rows.append((name, *(f"{x:.2f}" for x in values), "yes" if is_proportional(printed, name) else "no"))
    head = ("network", "×2 / ×4, printed", "all products", "×3 / ×4, printed", "all products")
    return table((*head, "prints in proportion to pixels"), rows, align="lr")


def rates(
    work: Mapping[tuple[str, int], float],
    ms: Mapping[tuple[str, int], float],
    fixed: Mapping[str, float],
    at_x3: Mapping[str, float],
) -> str:
    """Return a table of work, times and rates by network; ``fixed`` and ``at_x3`` are milliseconds of a linear law."""
    rows = []
    for m in fixed:
        sizes = (f"{work[m, 2] / 1e12:.2f}", f"{work[m, 4] / 1e12:.2f}")
        factors = (f"{work[m, 2] / work[m, 4]:.1f}", f"{ms[m, 2] / ms[m, 4]:.2f}")
        speeds = (f"{work[m, s] / ms[m, s] / 1e9:.1f}" for s in (2, 4))
        law = (f"{fixed[m]:.0f} of {ms[m, 4]}", f"{at_x3[m]:.0f} / {ms[m, 3]}")
        rows.append((m, *sizes, *factors, *speeds, *law))
    head = ("network", "×2 (T)", "×4 (T)", "work, ×2 / ×4", "time, ×2 / ×4", "T per second, ×2", "the same, ×4")
    return _turned((*head, "fixed part at ×4 (ms)", "×3 by this law / Table A (ms)"), rows)


def table_d(light: Mapping[float, Complexity]) -> str:
    """Return the paper's Table D beside the costs of the light network, by the ratio r_c."""
    rows = []
    for ratio, cost in light.items():
        params, flops = (paper.table("D").number({"r_c": ratio}, name) for name in ("params (K)", "FLOPs (G)"))
        counted = (f"{cost.published / 1e9:.1f}", f"{cost.macs['SAA QK^T'] / 1e9:.1f}", f"{cost.total / 1e9:.0f}")
        rows.append((ratio, params, f"{cost.params['total'] / 1e3:.1f}", flops, *counted))
    head = ("ratio $r_c$", "params (K), paper", "here", "FLOPs (G), paper", "here, as published")
    return table((*head, "$\\mathbf{Q}\\mathbf{K}'^\\top$, left out", "here, all"), rows, align="lr")


def slopes(found: Mapping[str, Sequence[tuple[float, float]]], of_map: Mapping[str, float]) -> str:
    """Return a table of three slopes (value, what rounding allows) for each column of Table D, also in maps."""
    rows = []
    for name, steps in found.items():
        maps = (f"{value / of_map[name]:.1f}" for value, _ in steps)
        rows.append((name, *(f"{value:.1f} ± {error:.1f}" for value, error in steps), *maps))
    head = ("per unit of $r_c$", "1 → 0.8", "0.8 → 0.5", "0.5 → 0.3", "in maps, 1 → 0.8", "0.8 → 0.5", "0.5 → 0.3")
    return table(head, rows, align="lr")


def largest_inputs(limits: Mapping[tuple[str, str], tuple[int, int]]) -> str:
    """Return a table of the largest square inputs, (dense, satlib), by network and memory."""
    rows = [(f"`{name}`", card, *(f"{side:,} × {side:,}" for side in sides)) for (name, card), sides in limits.items()]
    return table(("network", "memory", "dense", "satlib"), rows, align="llr")


def exponents(powers: Mapping[str, tuple[float, float]], seconds: Mapping[str, Sequence[float]]) -> str:
    """Return a table of the powers (counted, measured) with which layers grow, and of their longest time."""
    rows = [(name, *(f"{p:.2f}" for p in pair), f"{1e3 * seconds[name][-1]:.0f} ms") for name, pair in powers.items()]
    return table(("layer", "$p$, counted", "$p$, measured", "time for the largest"), rows, align="lr")


def _turned(head: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """Return a table with a column for each row: many quantities of few networks fit a page so."""
    first, *others = zip(head, *rows, strict=True)
    return table(first, others, align="lr")
