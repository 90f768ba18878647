"""Differences between trainings, drawn: rows against the base, with intervals, beside what the paper prints."""

from collections.abc import Mapping, Sequence
from statistics import mean

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from satlib.figures.kit.style import BLACK, BLUE, ORANGE, WIDTH, styled
from satlib.results.trials import Difference

BLIND = "0.92"


@styled
def differences(
    measures: Mapping[str, Mapping[str, Difference]],
    printed: Mapping[str, float],
    base: str,
    unit: str = "dB",
    *,
    blind: float = 0.0,
    label: str = "",
) -> Figure:
    """Draw a line for each row: our differences with their intervals, and the paper's as diamonds.

    Parameters
    ----------
    measures
        By the measure's name, at most two of them: the differences of the rows to ``base``. All have the same rows.
    printed
        Differences that the paper prints, by row; rows may be missing.
    base
        What the rows are compared with.
    unit
        Of all differences.
    blind, label
        Differences up to so many units either way would mostly not be seen: a band with a name of its own; 0 for none.
    """
    rows = list(next(iter(measures.values())))
    figure = Figure(figsize=(WIDTH, 1.4 + 0.42 * len(rows)), layout="constrained")
    ax = figure.subplots()
    if blind > 0:
        ax.axvspan(-blind, blind, color=BLIND, zorder=0, label=label)
        ax.set_xlim(-1.5 * blind, 1.5 * blind)
    for number, (measure, found) in enumerate(measures.items()):
        places = [place + 0.15 * (2 * number - len(measures) + 1) for place in range(len(rows))]
        ax.errorbar(
            [found[row].mean for row in rows],
            places,
            xerr=[found[row].half for row in rows],
            fmt="os"[number],
            color=(BLUE, ORANGE)[number],
            markersize=5,
            capsize=3,
            label=f"ours, {measure}",
        )
    _diamonds(ax, rows, printed)
    _axes(ax, rows, base, unit)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2 if blind > 0 else 3)
    return figure


@styled
def seed_by_seed(
    measures: Mapping[str, Mapping[str, Sequence[float]]],
    halves: Mapping[str, Mapping[str, float]],
    base: str,
    unit: str = "dB",
    *,
    earlier: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
    printed: Mapping[str, float] | None = None,
) -> Figure:
    """Draw a mark for each training's difference to ``base``, and the mean of each row with its interval below.

    Parameters
    ----------
    measures
        By the measure's name, at most two of them, and the row: a difference for each seed. All have the same rows.
    halves
        As ``measures``: half the width of the interval of the mean.
    base, unit, printed
        As in :func:`differences`.
    earlier
        As ``measures``: trainings that are not part of the means, as hollow marks.
    """
    rows = list(next(iter(measures.values())))
    figure = Figure(figsize=(WIDTH, 1.6 + 1.1 * len(rows)), layout="constrained")
    ax = figure.subplots()
    for number, (measure, values) in enumerate(measures.items()):
        mark, color = "os"[number], (BLUE, ORANGE)[number]
        for place, row in enumerate(rows):
            line = place + 0.4 * (number - (len(measures) - 1) / 2)
            x, before = values[row], earlier[measure][row] if earlier else ()
            ax.plot(x, [line] * len(x), mark, color=color, ms=4, alpha=0.6, label=f"{measure}, a seed")
            if before:
                name = f"{measure}, an earlier seed"
                ax.plot(before, [line] * len(before), mark, color=color, ms=5, fillstyle="none", label=name)
            half, name = halves[measure][row], f"{measure}, mean"
            ax.errorbar(mean(x), line + 0.14, xerr=half, fmt=mark, color=color, ms=6, capsize=3, label=name)
    _diamonds(ax, rows, printed or {})
    _axes(ax, rows, base, unit)
    marks = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))  # a label once
    figure.legend(marks.values(), marks.keys(), loc="outside lower center", ncols=2)
    return figure


def told_by_seed(
    measures: Mapping[str, Mapping[str, Sequence[float]]], halves: Mapping[str, Mapping[str, float]]
) -> str:
    """Return in words what :func:`seed_by_seed` draws: each row's mean, its interval and the range of the seeds."""
    return " ".join(
        f"{row}, {name}: {mean(values):+.3f} ± {halves[name][row]:.3f}, "
        f"single seeds {min(values):+.3f} to {max(values):+.3f}."
        for name, rows in measures.items()
        for row, values in rows.items()
    )


def _diamonds(ax: Axes, rows: Sequence[str], printed: Mapping[str, float]) -> None:
    """Draw what the paper prints for those rows that it has."""
    known = [place for place, row in enumerate(rows) if row in printed]
    if known:
        values = [printed[rows[i]] for i in known]
        ax.plot(values, known, "D", color=BLACK, markersize=5, fillstyle="none", label="the paper, Set5")


def _axes(ax: Axes, rows: Sequence[str], base: str, unit: str) -> None:
    ax.axvline(0, color="0.5", linewidth=0.8)
    ax.set(yticks=range(len(rows)), yticklabels=rows, xlabel=f"PSNR minus that of {base}, {unit}")
    ax.invert_yaxis()
