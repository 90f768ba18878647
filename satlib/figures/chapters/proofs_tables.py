"""The tables of the appendix on Theorem 3.2: what its assumptions are worth, rates, readings and trained networks.

Each function returns Markdown.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from satlib.analysis.exact_attention import LayerError
from satlib.support.tables import table
from satlib.theory import Constants
from satlib.theory.arrays import Floats
from satlib.theory.study import Results, Row, column, power
from satlib.theory.study.tables import Exponent

WAYS = (
    "SAA, norms restored",
    "norms restored, log n",
    "SAA, norms as merged",
    "norms as merged, log n",
    "mean value everywhere",
    "exact, the other yardstick",
)
"""The fields of :class:`satlib.analysis.exact_attention.LayerError`, in their order."""


def assumptions(constants: Constants, results: Results) -> str:
    """Return the constants of the theorem on a mixture with N = 512 and K = 16, and on features of photographs."""
    names = ("n_tokens", "n_centers", "lipschitz", "margin", "sigma", "separation", "size_ratio")
    measured = {f"{row['name']}, {row['features']}": row for row in results.rows("image_constants")}
    ours = [512, 16, constants.lipschitz, constants.margin, constants.sigma, constants.separation, constants.size_ratio]
    rows = {"mixture": ours} | {who: [_one(row, name) for name in names] for who, row in measured.items()}
    return table(
        ("tokens", "N", "K", "L", "margin Δ", "σ", "ε", "largest : smallest cluster"),
        [
            (who, f"{n:g}", f"{k:g}", f"{slope:.4f}", f"{margin:.1g}", f"{sigma:.3f}", f"{gap:.2f}", f"{ratio:.0f}")
            for who, (n, k, slope, margin, sigma, gap, ratio) in rows.items()
        ],
        align="lr",
    )


def rates(powers: Mapping[tuple[str, str], Exponent], results: Results) -> str:
    """Return how the clustering error follows L, by kind of aggregation; ``powers`` by quantity and variable."""
    high, middle, alone = (
        powers[f"cluster error, {which}", "L"].slope for which in ("95 % quantile", "median", "centre alone, median")
    )
    flat = column(results.rows("lipschitz", aggregation="mean"), "median").max()
    rows = [
        ("similarity weights, the paper's", f"cubic: {power(middle)}"),
        ("the centre alone", f"linear: {power(alone)}"),
        ("the mean, the released code's", f"none: the error is at most {flat:.0e}, rounding"),
        ("any, a cluster missed (95 % quantile)", f"none: {power(high)}"),
    ]
    return table(("aggregation", "exponent of L"), rows)


def needed(grown: Sequence[Row], rarer: Sequence[Row], equal: Sequence[Row]) -> str:
    """Return what the constant C would have to be in the examples A, B and C; rows of the study's readings."""
    lines = [
        ("A", f"N = {r['n_tokens']:,}", f"{r['error']:.2f}", f"{r['needed_tokens']:.1f}", f"{r['needed_field']:.2f}")
        for r in grown
    ]
    lines += [
        (
            "B",
            f"r = {r['size_ratio']}, β = {_one(r, 'size_ratio') // 2:.0f}",
            f"{r['error']:.2f}",
            "",
            f"{r['needed_field']:.1f}",
        )
        for r in rarer
    ]
    lines += [
        (
            "C",
            f"N = {r['n_tokens']:,}",
            f"{_middle(r, 'relative'):.3f} of ‖O*‖",
            "",
            f"{_middle(r, 'needed_field'):.3f}",
        )
        for r in equal
    ]
    margins = [float(np.min(column([r], "margin"))) for r in (*grown, *rarer, *equal)]
    head = ("", "", "error", "C needed, L over tokens", "C needed, L = ½", "margin Δ, as printed")
    return table(head, [(*line, f"{margin:.2f}") for line, margin in zip(lines, margins, strict=True)])


def regime(rows: Sequence[Row]) -> str:
    """Return the second constant that SAT's own regime takes, beside what is enough for any output."""
    keys = ("needed_second", "needed_by_random", "enough_for_any")
    head = ("N", "K", "C₂ that SAA needs", "that random centres need", "enough for any output")
    lines = [(f"{r['n_tokens']:,}", r["n_centers"], *(f"{r[key]:.1f}" for key in keys)) for r in rows]
    return table(head, lines, align="r")


def readings(grown: Sequence[Row], rarer: Sequence[Row], proportional: Sequence[Row], floor: float) -> str:
    """Return what the theorem is, by what its constants may depend on; ``floor`` is that of L in example A."""
    a, b = ([_one(rows[i], "needed_field") for i in (0, -1)] for rows in (grown, rarer))
    enough = _one(proportional[-1], "enough_for_any")
    rows = [
        (
            "for all cases, or by $d$, $B$, $L_s$, the weights, σ, ε, Δ only",
            "**false**",
            f"needed: {a[0]:.1f} → {a[1]:.0f} (A), {b[0]:.1f} → {b[1]:.0f} (B); C; values times 10",
        ),
        (
            "$K = \\nu N$, β fixed: SAT's regime",
            "**true and empty**",
            f"{enough:.0f} is enough for any output, random centres too",
        ),
        (
            "$L$ of the field, β and δ bounded, $C_1$ may contain the diameter of the values",
            "**true and empty**",
            f"$L \\ge \\epsilon/8 - 2\\sigma^2/\\epsilon$, {floor:.2f} for A: "
            "$C_1 = \\Phi\\sqrt{{\\beta/\\log(1/\\delta)}}/L$ gives $\\Phi\\sqrt{{N}}$".replace("{{", "{").replace(
                "}}", "}"
            ),
        ),
        ("for each case its own, as the words are ordered", "**true and empty**", "any number is finite"),
    ]
    return table(("constants", "the theorem is", "why"), rows)


def resplits(many: Mapping[str, Mapping[str, float]]) -> str:
    """Return the medians over random halves of the envelope test, by bound."""
    head = ("bound", "bound / error, median", "its 90 % quantile", "rank correlation", "violations")
    lines = [
        (bound, f"{v['tightness']:.1f}", f"{v['loosest']:.0f}", f"{v['rank']:+.2f}", f"{v['violations']:.0%}")
        for bound, v in many.items()
    ]
    return table(head, lines)


def yardsticks(found: Mapping[str, Sequence[Sequence[LayerError]]]) -> str:
    """Return the median relative error over all layers and photographs, by way to attend and by column of ``found``."""
    middle = [np.median(np.concatenate([np.array(photo) for photo in photos]), axis=0) for photos in found.values()]
    lines = [(way, *(f"{each[i]:.2f}" for each in middle)) for i, way in enumerate(WAYS)]
    return table(("relative error", *found), lines, align="lr")


def quality(found: Mapping[str, Mapping[str, Floats]]) -> str:
    """Return changes of PSNR against the first row: mean (smallest to largest; median).

    ``found`` has the PSNR of each photograph in dB, (P,), by network and by change.
    """
    changes = list(next(iter(found.values())))[1:]
    lines = []
    for change in changes:
        apart = [np.asarray(by_change[change]) - next(iter(by_change.values())) for by_change in found.values()]
        texts = [f"{d.mean():+.3f} ({d.min():+.2f} to {d.max():+.2f}; {np.median(d):+.3f})" for d in apart]
        lines.append((change, *texts))
    return table(("attention", *found), lines)


def _one(row: Row, key: str) -> float:
    return float(column([row], key)[0])


def _middle(row: Row, key: str) -> float:
    return float(np.median(column([row], key)))
