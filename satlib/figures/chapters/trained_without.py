"""*With and without SAA*: networks that were trained on photographs, compared with the paper's layer seed by seed.

Jobs are those of the experiment "with_and_without" (:func:`satlib.results.trials.results`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from satlib.figures.kit.show import Shown, show
from satlib.figures.training import trials as draw
from satlib.support.tables import table

Jobs = Sequence[Mapping[str, Any]]

BASE = "paper"
SPACE = "\N{NO-BREAK SPACE}"
MEASURES = {"held out": "psnr", "Set5": "Set5"}

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
        f"interval. {draw.told_by_seed(gained, widths)}",
    )


def differences_table(gained: Values, predicted: Mapping[str, str]) -> str:
    """Return a table of each row's differences to `BASE` in dB, with intervals, beside what was predicted."""
    widths = halves(gained)
    lines = [
        (f"`{row}`, {name}", f"{np.mean(rows[row]):+.3f} ± {widths[name][row]:.3f}".replace(" ", SPACE), text)
        for row, text in predicted.items()
        for name, rows in gained.items()
        if row in rows
    ]
    return table(("trained, measured on", "found, dB", "predicted, dB"), lines)


def swaps_table(jobs: Jobs, predicted: Mapping[str, str]) -> str:
    """Return a table of what the swap costs the trainings of each row, beside what was predicted."""
    lines = []
    for row, text in predicted.items():
        swaps = [job["swap"] for job in jobs if job["row"] == row]
        found = ", ".join(f"{swap:.3f}" for swap in swaps) or "not trained yet"
        lines.append((f"`{row}`", found, text))
    return table(("trained", "found, dB", "predicted, dB"), lines)
