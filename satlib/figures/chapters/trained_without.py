"""*With and without SAA*: networks that were trained on photographs, compared with the paper's layer seed by seed.

Jobs are those of the experiment "with_and_without" (:func:`satlib.results.trials.results`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from satlib.figures.chapters.ablations import told_by_seed
from satlib.figures.kit.show import Shown, show
from satlib.figures.training import trials as draw
from satlib.support.tables import table

Jobs = Sequence[Mapping[str, Any]]

BASE = "paper"
MEASURES = {"held-out photographs": "psnr", "Set5": "Set5"}

Values = Mapping[str, Mapping[str, list[float]]]
"""By the measure's name and the row: a value for each seed."""


def gains(jobs: Jobs) -> Values:
    """Return by how much each other row is above `BASE` in dB, for the seeds that both have, in their order.

    A row that shares fewer than two seeds with `BASE` is left out: it has no interval.
    """
    trained = {(job["row"], job["seed"]): job for job in jobs}
    seeds = {row: sorted(seed for r, seed in trained if r == row and (BASE, seed) in trained) for row, _ in trained}
    return {
        name: {
            row: [float(trained[row, seed][key] - trained[BASE, seed][key]) for seed in shared]
            for row, shared in seeds.items()
            if row != BASE and len(shared) > 1
        }
        for name, key in MEASURES.items()
    }


def halves(gained: Values) -> dict[str, dict[str, float]]:
    """Return half the width of the 95 % interval of each row's mean, from its own differences (Student's t)."""
    from scipy.stats import sem, t

    return {
        name: {row: float(t.ppf(0.975, len(values) - 1) * sem(values)) for row, values in rows.items()}
        for name, rows in gained.items()
    }


def seed_by_seed(gained: Values) -> Shown:
    """Draw what each training gains on `BASE`, and the mean of each row with its interval."""
    widths = halves(gained)
    return show(
        draw.seed_by_seed(gained, widths, BASE),
        alt="Differences to the paper's layer in decibels, a mark for each seed, below them the mean with its 95 % "
        f"interval. {told_by_seed(gained, widths)}",
    )


def rows_table(jobs: Jobs, gained: Values, predicted: Mapping[str, tuple[str, str]]) -> str:
    """Return a table of each row: seeds, differences to `BASE` with intervals, and what the swap costs.

    ``predicted`` has, by row, what was predicted of the difference and of the swap.
    """
    widths = halves(gained)
    head = ("trained", "seeds", *(f"{name}, dB" for name in gained), "predicted", "swap, dB", "predicted")
    lines = []
    for row, texts in predicted.items():
        swaps = [job["swap"] for job in jobs if job["row"] == row]
        told = [
            f"{np.mean(rows[row]):+.3f} ± {widths[name][row]:.3f}".replace(" ", "\N{NO-BREAK SPACE}")
            if row in rows
            else ""
            for name, rows in gained.items()
        ]
        swap = f"{min(swaps):.3f} to {max(swaps):.3f}" if swaps and row != "none" else ""  # which has no tokens
        lines.append((f"`{row}`", len(swaps), *told, texts[0], swap, texts[1]))
    return table(head, lines)
