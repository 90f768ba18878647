"""What shuts layers, in *With and without SAA*: reports on layers, and trainings that change one thing each.

Jobs are those of an experiment (:func:`satlib.results.trials.results`), mostly of "alive", with a report on each of L
layers.
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

REPORTED = ("output / input", "of it by place", "tokens read", "queries differ", "lost without", "lost swapped")
"""What is told of a layer."""

MEASURES = {"varies": "how differently queries read", "share": "output, as a share of what it is added to"}
OPEN = {"varies": 0.10, "share": 0.02}
"""A layer is open if it has more of both: said before the first training of "alive"."""


def report_table(reports: Sequence[LayerReport]) -> str:
    """Return a table of the reports on a network's layers."""
    return table(("layer", *REPORTED), [(number, *_cells(one)) for number, one in enumerate(reports, 1)], align="r")


def layer_table(rows: Jobs) -> str:
    """Return a table of the reports on the layers of several networks, by rows of `python -m benchmarks reports`."""
    lines = [
        ("" if number > 1 else f"`{row['network']}`", number, *_cells(LayerReport(**one)))
        for row in rows
        for number, one in enumerate(row["layers"], 1)
    ]
    return table(("network", "layer", *REPORTED), lines, align="lr")


def _cells(one: LayerReport) -> tuple[str, ...]:
    """Return what a table says of a layer, in the order of `REPORTED`."""
    return (
        f"{one.share:.3f}",
        f"{one.place:.0%}",
        f"{one.read:.0%}",
        f"{one.varies:.2f}",
        f"{one.zeroed:+.2f} dB",
        f"{one.swapped:+.2f} dB",
    )


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


def spread_table(jobs: Jobs, predicted: Mapping[str, tuple[str, str]]) -> str:
    """Return a table of what was predicted of each row's last layers, what its seeds have, and how many are open."""
    head = ("trained", "queries differ", "", "output / input", "", "of them open", "of the others")
    rows: list[tuple[str, ...]] = [("", *("predicted", "found") * 2, "", "")]
    for row, texts in predicted.items():
        found = [_spread(jobs, row, key, slice(-LAST, None), 3) for key in MEASURES]
        cells = [cell for pair in zip(texts, found, strict=True) for cell in pair]
        rows.append((f"`{row}`", *cells, _open(jobs, row, slice(-LAST, None)), _open(jobs, row, slice(-LAST))))
    return table(head, rows)


def _open(jobs: Jobs, row: str, layers: slice) -> str:
    """Return how many of some layers are open in the trainings of a row, and of how many."""
    found = [is_open(report) for job in jobs if job["row"] == row for report in job["layers"][layers]]
    return f"{sum(found)} of {len(found)}"


def is_open(report: Mapping[str, float]) -> bool:
    """Return whether a layer has more than `OPEN`, by its report as a dict."""
    return all(report[key] > least for key, least in OPEN.items())


def depth_table(jobs: Jobs, predicted: Mapping[str, tuple[Sequence[str], str]]) -> str:
    """Return a table of what was predicted of each layer of a row, and of its swap, and what its seeds have."""
    rows: list[tuple[str, ...]] = []
    for row, (of_layers, of_swap) in predicted.items():
        mine = sorted((job for job in jobs if job["row"] == row), key=lambda job: int(job["seed"]))
        for index, text in enumerate(of_layers):
            reports = [job["layers"][index] for job in mine]
            found = ["; ".join(f"{report[key]:.3f}" for report in reports) for key in MEASURES]
            state = "; ".join("open" if is_open(report) else "shut" for report in reports)
            rows.append(("" if index else f"`{row}`", f"{index + 1}", text, state or "not trained yet", *found))
        swaps = "; ".join(f"{job['swap']:+.3f} ± {job['swap_error']:.3f}" for job in mine)
        rows.append(("", "swap, dB", of_swap, swaps or "not trained yet", "", ""))
    return table(("groups", "layer", "predicted", "found", "queries differ", "output / input"), rows)


def told(jobs: Jobs) -> str:
    """Return in words what all rows have come to, over their seeds."""
    first = len(jobs[0]["layers"]) - LAST
    ends = {row: _spread(jobs, row, "varies", slice(first, None), 2) for row in ("start", "all")}
    shares = "; ".join(f"`{row}` {_spread(jobs, row, 'share', slice(first, None), 4)}" for row in COLORS)
    swaps = (f"{job['swap']:+.3f} ± {job['swap_error']:.3f} dB" for job in jobs if job["row"] == "all")
    return (
        f"With the other start the queries of the first {first} layers still differ after {jobs[0]['step']:,} steps "
        f"({_spread(jobs, 'start', 'varies', slice(first), 2)}); those of the last {LAST} hardly do ({ends['start']}, "
        f"and {ends['all']} with all three changes). The share of the last layers' output has fallen alike: "
        f"{shares}. With all three changes the swap of the whole network costs {' and '.join(swaps)}."
    )


def _spread(jobs: Jobs, row: str, key: str, layers: slice, digits: int) -> str:
    """Return the least and the largest value of some layers in the trainings of a row."""
    found = [value for job in jobs if job["row"] == row for value in _values(job, key)[layers]]
    return f"{min(found):.{digits}f} to {max(found):.{digits}f}"


def control_table(rows: Jobs) -> str:
    """Return a table of what each control costs the bundled networks, by rows of `python -m benchmarks reports`."""
    lines = [(f"`{row['network']}`", *map(_around, row["controls"].values())) for row in rows]
    return table(("network", *(f"{name}, dB" for name in rows[0]["controls"])), lines)


def keep_table(rows: Jobs, trained: str = "0.03") -> str:
    """Return a table of how PSNR changes with K/N against the value of the training, by rows of the same program."""
    ratios = [ratio for ratio in rows[0]["psnr"] if ratio != trained]
    lines = []
    for row in rows:
        changes = (np.subtract(row["psnr"][ratio], row["psnr"][trained]) for ratio in ratios)
        lines.append((f"`{row['network']}`", *map(_around, changes)))
    return table(("network", *(f"K/N = {ratio}, dB" for ratio in ratios)), lines)


def _around(values: Sequence[float]) -> str:
    """Return the median of some changes, and the least and the largest, which stay on one line."""
    return f"{np.median(values):+.2f} ({min(values):+.2f},&nbsp;{max(values):+.2f})"
