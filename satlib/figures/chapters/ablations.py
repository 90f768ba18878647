"""Chapter 17: what trainings with other choices gave, beside what the paper prints, and what such a table can say.

Rows are the choices of `satlib.results.trials`, seeds its repetitions; differences are of PSNR, in dB.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from satlib.analysis.comparisons import Designs
from satlib.figures.kit.show import Shown, show
from satlib.figures.training import trials as draw
from satlib.results.trials import Difference
from satlib.support.tables import table

NAMES = {
    "paper": "**the paper's choices**",
    "norm_none": "norms not restored (C)",
    "random": "random (E)",
    "grid": "grid (E)",
    "strips": "strips, as released (E)",
    "mean": "plain mean (G)",
    "center": "centre only (G)",
}
"""What the rows are called on the page, with the paper's table."""

BENCHMARK = "Set5"

Found = Mapping[str, Mapping[str, Difference]]
"""By the measure's name and the row."""

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""The same, with a value for each seed."""


def differences(found: Found, printed: Mapping[str, float]) -> Shown:
    """Draw the differences of the rows to the paper's choice, ours with intervals, and what the paper prints.

    A band shows what this experiment would mostly not have seen on Set5, where the paper's numbers are from.
    """
    rows = [row for row in NAMES if row in found[BENCHMARK]]
    named = {name: {NAMES[row]: values[row] for row in rows} for name, values in found.items()}
    blind = max(difference.visible for difference in found[BENCHMARK].values())
    theirs = {NAMES[row]: printed[row] for row in rows if row in printed}
    figure = draw.differences(
        named, theirs, "the paper's choice", blind=blind, label=f"too small to be seen on {BENCHMARK}"
    )
    inside = sum(abs(value) < blind for value in theirs.values())
    told = " ".join(
        f"{row}: "
        + ", ".join(f"{name} {named[name][row].mean:+.3f} ± {named[name][row].half:.3f}" for name in named)
        + (f", the paper {theirs[row]:+.2f}." if row in theirs else ".")
        for row in map(NAMES.__getitem__, rows)
    )
    return show(
        figure,
        alt="Differences to the paper's choice in decibels, one line for each other choice, ours with 95 % intervals, "
        f"the paper's as diamonds. A band of ± {blind:.2f} dB has what could not be seen on {BENCHMARK}; {inside} "
        f"of {len(theirs)} diamonds lie in it. {told}",
    )


def seed_by_seed(gains: Values, halves: Mapping[str, float], earlier: Values, printed: Mapping[str, float]) -> Shown:
    """Draw each training's difference to similarity weights, earlier ones hollow, and the rows' means with intervals.

    Parameters
    ----------
    gains, earlier
        Differences by measure, row and seed; the rows are "mean" and "center".
    halves
        By measure: half the width of the intervals, which hold for all rows together.
    """
    named, before = (
        {name: {NAMES[row]: list(values) for row, values in rows.items()} for name, rows in given.items()}
        for given in (gains, earlier)
    )
    theirs = {NAMES[row]: printed[row] for row in next(iter(gains.values()))}
    widths = {name: dict.fromkeys(rows, halves[name]) for name, rows in named.items()}
    return show(
        draw.seed_by_seed(named, widths, "similarity weights", earlier=before, printed=theirs),
        alt="Differences to weights of similarity in decibels, a mark for each seed, those of the first look hollow, "
        "below them the mean with its 95 % interval, and the paper's as diamonds. " + draw.told_by_seed(named, widths),
    )


def again_table(
    gains: Values, halves: Mapping[str, float], alone: Mapping[str, Mapping[str, float]], printed: Mapping[str, float]
) -> str:
    """Return a table of the rows' mean differences, with intervals for all and for each alone, and the paper's."""
    lines = []
    for name, rows in gains.items():
        for row, values in rows.items():
            theirs = f"{printed[row]:+.2f}" if name == BENCHMARK else ""
            widths = (f"±\N{NO-BREAK SPACE}{half:.3f}" for half in (halves[name], alone[name][row]))
            lines.append((NAMES[row], name, f"{np.mean(values):+.3f}", *widths, theirs))
    return table(("choice", "photographs", "mean", "together", "alone", "paper"), lines, align="llr")


def designs_table(read: Mapping[str, Designs]) -> str:
    """Return a table of half widths of a difference by the design that they are of, and of the test of the seeds."""
    head = ("photographs", "paired by seed", "seeds of its own for each row", "paired, all rows together")
    rows = [
        (name, *(f"±\N{NO-BREAK SPACE}{width:.3f}" for width in d[:3]), f"{d.seeds:.2f}") for name, d in read.items()
    ]
    return table((*head, "P that seeds do not matter"), rows)


def by_seed(values: Mapping[str, Sequence[float]]) -> str:
    """Return signed values of each measure in the order of the seeds, in words."""
    return "; ".join(f"{name} {', '.join(f'{value:+.3f}' for value in own)}" for name, own in values.items())


def rows_table(tables: Values, found: Found) -> str:
    """Return a table of the mean PSNR of each row, its differences, and the first measure's spread over the seeds."""
    first = next(iter(tables))
    head = ("choice", *tables, "spread of seeds", *(f"difference, {name}" for name in tables))
    lines = []
    for row in (row for row in NAMES if row in tables[first]):
        means = [f"{np.mean(rows[row]):.3f}" for rows in tables.values()]
        against = [found[name].get(row) for name in tables]
        told = [f"{d.mean:+.3f}" if d else "" for d in against]
        lines.append((NAMES[row], *means, f"{np.std(tables[first][row], ddof=1):.3f}", *told))
    return table(head, lines, align="lr")


def verdicts(found: Found) -> str:
    """Return a sentence for each verdict on the rows that share it."""
    groups: dict[str, list[str]] = {}
    for row in (row for row in NAMES if row in next(iter(found.values()))):
        groups.setdefault(_verdict({name: rows[row] for name, rows in found.items()}), []).append(NAMES[row])
    return " ".join(f"{'; '.join(rows)}: {verdict}." for verdict, rows in groups.items())


def _verdict(of_row: Mapping[str, Difference]) -> str:
    seen = [name for name, difference in of_row.items() if difference.seen]
    signs = {difference.mean > 0 for difference in of_row.values()}
    if len(seen) == len(of_row) and len(signs) == 1:
        return f"{'better' if signs == {True} else 'worse'} than the paper's choice on all photographs"
    return f"differs on {' and '.join(seen)} only" if seen else "cannot be told from the paper's choice"


def worth_table(lost: Mapping[str, npt.ArrayLike], apart: int) -> str:
    """Return a table of what each network loses (I,) over photographs, one of which is set apart from the others."""
    head = ("network", "mean", "without brick", "brick", "smallest of the others", "largest of the others")
    lines = []
    for network, drops in lost.items():
        every, others = np.asarray(drops), np.delete(drops, apart)
        shown = (every.mean(), others.mean(), every[apart], others.min(), others.max())
        lines.append((f"`{network}`", *(f"{x:+.2f}" for x in shown), f"{(every > 0).sum()} of {len(every)}"))
    return table((*head, "above zero"), lines)


def changes_table(gained: Mapping[tuple[str, str], npt.ArrayLike], apart: int) -> str:
    """Return a table of changes of the PSNR (I,) by network and what was changed, one photograph set apart."""
    head = ("network", "change", "brick", "mean of the others", "largest of the others, either sign")
    lines = []
    for (network, what), values in gained.items():
        every, others = np.asarray(values), np.delete(values, apart)
        shown = (f"{every[apart]:+.2f}", f"{others.mean():+.2f}", f"{np.abs(others).max():.2f}")
        lines.append((f"`{network}`", what, *shown))
    return table(head, lines)


def bias_table(tables: Values, gain: Mapping[str, Difference]) -> str:
    """Return a table of PSNR without and with log n, seed by seed, for the rows "without" and "with"."""
    head = ("photographs", "without", "with", "seeds: with − without", "difference", "visible")
    lines = []
    for name, rows in tables.items():
        without, biased = (np.array(rows[row]) for row in ("without", "with"))
        each = ", ".join(f"{x:+.3f}" for x in biased - without)
        d = gain[name]
        means = (f"{values.mean():.3f}" for values in (without, biased))
        lines.append((name, *means, each, f"{d.mean:+.3f} ±\N{NO-BREAK SPACE}{d.half:.3f}", f"{d.visible:.3f}"))
    return table(head, lines)


def bias_answer(gain: Mapping[str, Difference]) -> str:
    """Return a sentence that says whether log n makes a difference, and on which photographs."""
    seen = [name for name, difference in gain.items() if difference.seen]
    told = (f"on {name} log n makes it {'better' if gain[name].mean > 0 else 'worse'}" for name in seen)
    answer = "; ".join(told) or "no difference is seen"
    return answer[0].upper() + answer[1:]
