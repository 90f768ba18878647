"""Differences between trainings, drawn: rows against the base, with intervals, beside what the paper prints."""

from collections.abc import Mapping

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
    known = [place for place, row in enumerate(rows) if row in printed]
    if known:
        ax.plot(
            [printed[rows[i]] for i in known],
            known,
            "D",
            color=BLACK,
            markersize=5,
            fillstyle="none",
            label="the paper, Set5 ×4",
        )
    ax.axvline(0, color="0.5", linewidth=0.8)
    ax.set(yticks=range(len(rows)), yticklabels=rows, xlabel=f"PSNR minus that of {base}, {unit}")
    ax.invert_yaxis()
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2 if blind > 0 else 3)
    return figure
