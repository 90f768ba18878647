"""The chapter's tables: slopes beside the theorem's, and envelopes beside their rivals."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from satlib.analysis.statistics import Slope, local_slopes, loglog_slope
from satlib.support.tables import table
from satlib.theory.arrays import Floats
from satlib.theory.study.common import column
from satlib.theory.study.rivals import BOUNDS, Verdict, judge
from satlib.theory.study.run import Results


class Exponent(NamedTuple):
    """A measured power law beside the one that the theorem or a lemma implies."""

    quantity: str
    against: str
    paper: str
    """The implied exponent, or a dash."""
    slope: Slope
    local: Floats
    """(n - 1,) slopes between neighbouring places."""


def exponents(results: Results) -> list[Exponent]:
    """Fit every power law that the theorem, its lemmas or their repaired forms speak of."""
    by_n = sorted(results.rows("size_blind", n_centers=8, size_ratio=16), key=lambda row: column([row], "n_tokens")[0])
    by_k = sorted(results.rows("size_blind", n_tokens=1024, size_ratio=16), key=lambda r: column([r], "n_centers")[0])
    wanted = [
        ("attention error, S = N", "N", "−1/2", by_n, "n_tokens", "blind"),
        ("the same with random centres", "N", "−1/2", by_n, "n_tokens", "random"),
        ("the same with log n", "N", "−1/2", by_n, "n_tokens", "aware"),
        ("attention error, S = N", "K", "+1", by_k, "n_centers", "blind"),
        ("lifted attention, Lemma 6", "N", "−1/2", results.rows("lifted", sigma=1e-3), "n_tokens", "blind"),
    ]
    for label, way, name in _LEVELS:
        rows = results.rows("lipschitz", aggregation=way)
        wanted.append((f"cluster error, {label}", "L", "+1", rows, "lipschitz", name))
    for label, way, name in _SPREADS:
        wanted.append((label, "σ", "—", results.rows("covered", aggregation=way, size_ratio=16), "sigma", name))
    for dim in (1, 2, 4, 8, 16):
        rows = results.rows("bias", intrinsic_dim=dim)
        wanted.append((f"density bias, dimension {dim}, Lemma 2", "S", "−1/2", rows, "n_samples", "bias"))
    return [_exponent(*row[:3], column(row[3], row[4]), column(row[3], row[5])) for row in wanted]


_LEVELS = (
    ("median", "similarity", "median"),
    ("centre alone, median", "center", "median"),
    ("95 % quantile", "similarity", "high"),
)
_SPREADS = (
    ("cluster error, covered, similarity", "similarity", "cluster"),
    ("cluster error, covered, centre alone", "center", "cluster"),
    ("attention error, covered, log n", "similarity", "attention"),
)


def _exponent(quantity: str, against: str, paper: str, x: Floats, y: Floats) -> Exponent:
    place = x if x.ndim == 1 else x.mean(1)
    return Exponent(quantity, against, paper, loglog_slope(place, y), local_slopes(place, y))


def envelope_splits(results: Results) -> dict[str, dict[str, Verdict]]:
    """Fit and test the three bounds on four splits of the configurations, by split and by bound."""
    rows = results.rows("envelope")
    splits = {
        "every second → the others": np.arange(len(rows)) % 2 == 0,
        "N ≤ 512 → N = 1024": column(rows, "n_tokens") <= 512,
        "sizes up to 1 : 4 → more unequal": column(rows, "size_ratio") <= 4,
        "β ≥ 8 → β < 8": column(rows, "beta") >= 8,
    }
    return {name: {bound: judge(rows, bound, fitted) for bound in BOUNDS} for name, fitted in splits.items()}


def envelope_resplits(results: Results, *, splits: int = 60, seed: int = 0) -> dict[str, dict[str, float]]:
    """Fit and test the bounds on many random halves: medians over the splits of each verdict's numbers, by bound.

    Keys of the inner dictionaries are "violations", "tightness", "loosest" and "rank", as in :class:`Verdict`.
    """
    rows, rng = results.rows("envelope"), np.random.default_rng(seed)
    halves = [rng.permutation(len(rows)) < len(rows) // 2 for _ in range(splits)]
    names = ("violations", "tightness", "loosest", "rank")
    found = {bound: [judge(rows, bound, half) for half in halves] for bound in BOUNDS}
    return {
        bound: {name: float(np.median([getattr(verdict, name) for verdict in verdicts])) for name in names}
        for bound, verdicts in found.items()
    }


def envelope_table(splits: Mapping[str, Mapping[str, Verdict]]) -> str:
    """Return the envelope test as a Markdown table."""
    return table(
        ("fitted → tested", "bound", "violations", "bound / error, median", "its 90 % quantile", "rank correlation"),
        (
            (split, name, f"{v.violations:.0%}", f"{v.tightness:.1f}", f"{v.loosest:.0f}", f"{v.rank:+.2f}")
            for split, verdicts in splits.items()
            for name, v in verdicts.items()
        ),
    )


def slope_table(found: Sequence[Exponent]) -> str:
    """Return exponents as a Markdown table."""
    return table(
        ("quantity", "against", "implied", "measured", "95 % interval", "local slopes"),
        (
            (
                e.quantity,
                e.against,
                e.paper,
                signed(e.slope.value),
                f"{signed(e.slope.low)} … {signed(e.slope.high)}",
                f"{signed(e.local.min())} … {signed(e.local.max())}",
            )
            for e in found
        ),
    )


def signed(value: float) -> str:
    """Return an exponent with its sign and two decimals; what rounds to zero has no sign."""
    text = f"{value:+.2f}"
    return "0.00" if float(text) == 0 else text.replace("-", "−")


def power(slope: Slope) -> str:
    """Return an exponent and its interval, for a sentence."""
    return f"{signed(slope.value)} ({signed(slope.low)} to {signed(slope.high)})"
