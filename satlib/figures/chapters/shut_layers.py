"""What keeps layers from attending, in *Does it attend?*: reports on layers, and trainings that change one thing each.

Jobs are those of the experiment "alive" (:func:`satlib.results.trials.results`), with a report on each of L layers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from satlib.analysis.layer_reports import LayerReport
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLACK, BLUE, GREEN, ORANGE, VERMILLION, panels, styled
from satlib.support.tables import table

Jobs = Sequence[Mapping[str, Any]]

COLORS = {"paper": BLACK, "start": VERMILLION, "norms": BLUE, "log_n": GREEN, "all": ORANGE}
STYLES = ("-", "--", ":")
"""Of the seeds."""

LAST = 2
"""Layers at the end that do nothing in the bundled networks."""

MEASURES = {"varies": "how differently queries read", "share": "output, as a share of what it is added to"}


def report_table(reports: Sequence[LayerReport]) -> str:
    """Return a table of the reports on a network's layers."""
    head = (
        "layer",
        "output / input",
        "of it by place",
        "tokens read",
        "queries differ",
        "lost without",
        "lost swapped",
    )
    rows = [
        (
            number,
            f"{r.share:.3f}",
            f"{r.place:.0%}",
            f"{r.read:.0%}",
            f"{r.varies:.2f}",
            f"{r.zeroed:+.2f} dB",
            f"{r.swapped:+.2f} dB",
        )
        for number, r in enumerate(reports, 1)
    ]
    return table(head, rows, align="r")


def by_layer(jobs: Jobs) -> Shown:
    """Draw how differently queries read, and the share of each layer's output: a line for each training."""
    return show(
        _lines(jobs),
        alt="Two panels over the layers from first to last, a line for each training: by how much the weights of a "
        "query differ from the mean query's, and the norm of the output over that of what it is added to. "
        f"{'. '.join(map(_told, jobs))}.",
    )


def _told(job: Mapping[str, Any]) -> str:
    """Return what a training's first and last layer have, in words."""
    ends = {key: (_values(job, key)[0], _values(job, key)[-1]) for key in MEASURES}
    words = (f"{key} {first:.3f} in the first, {last:.3f} in the last layer" for key, (first, last) in ends.items())
    return f"{job['row']}, seed {job['seed']}: {'; '.join(words)}"


@styled
def _lines(jobs: Jobs) -> Figure:
    figure, axes = panels(len(MEASURES), 0.85)
    for ax, (key, title) in zip(axes, MEASURES.items(), strict=True):
        for job in jobs:
            values = _values(job, key)
            label = job["row"] if job["seed"] == 0 else None
            style, color = STYLES[job["seed"] % len(STYLES)], COLORS[job["row"]]
            ax.plot(np.arange(1, len(values) + 1), values, f"o{style}", color=color, markersize=4, label=label)
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set(xlabel="SAA layer", title=title)
    axes[0].set_ylim(bottom=-0.01)
    axes[0].legend()
    axes[1].set_yscale("log")
    return figure


def _values(job: Mapping[str, Any], key: str) -> list[float]:
    return [float(report[key]) for report in job["layers"]]


def outcome_table(jobs: Jobs, predicted: Mapping[str, tuple[str, str, str]]) -> str:
    """Return a table of what was predicted of each row's last layers and of its swap, and what its seeds have."""
    head = ("changed", "queries differ", "", "output / input", "", "swap, dB", "")
    rows: list[tuple[str, ...]] = [("", *("predicted", "found") * 3)]
    for row, texts in predicted.items():
        mine = sorted((job for job in jobs if job["row"] == row), key=lambda job: int(job["seed"]))
        found = [
            "; ".join(", ".join(f"{value:.3f}" for value in _values(job, key)[-LAST:]) for job in mine)
            for key in MEASURES
        ]
        found.append(", ".join(f"{job['swap']:+.3f}" for job in mine))
        cells = [cell for pair in zip(texts, found, strict=True) for cell in (pair[0], pair[1] or "not trained yet")]
        rows.append((f"`{row}`", *cells))
    return table(head, rows)


def told(jobs: Jobs) -> str:
    """Return in words what the rows "paper", "start" and "norms" have come to, in seed 0."""
    rows = {row: next(j for j in jobs if (j["row"], j["seed"]) == (row, 0)) for row in ("paper", "start", "norms")}
    kept, first = _values(rows["start"], "varies"), len(rows["start"]["layers"]) - LAST
    ends = "; ".join(
        f"{row} {' and '.join(f'{value:.4f}' for value in _values(job, 'share')[first:])}" for row, job in rows.items()
    )
    swaps = [f"{rows[row]['swap']:+.3f} ± {rows[row]['swap_error']:.3f} dB" for row in ("start", "norms")]
    return (
        f"With the other start the queries of the first {first} layers still differ after {rows['start']['step']:,} "
        f"steps ({min(kept[:first]):.2f} to {max(kept[:first]):.2f}); those of the last {LAST} hardly do "
        f"({' and '.join(f'{value:.2f}' for value in kept[first:])}). The share of the last layers' output has fallen "
        f"alike: {ends}. The swap of the whole network costs {swaps[0]} with the other start and {swaps[1]} with the "
        "other norms."
    )
