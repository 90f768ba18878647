"""*With and without SAA*: networks that were trained on photographs, compared with the paper's layer seed by seed.

Jobs are those of the experiment "with_and_without" (:func:`satlib.results.trials.results`): four rows, eight seeds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from satlib.analysis.comparisons import designs
from satlib.figures.kit.show import Shown, show
from satlib.figures.training import trials as draw
from satlib.support.tables import table

Jobs = Sequence[Mapping[str, Any]]

BASE = "paper"
SPACE = "\N{NO-BREAK SPACE}"
MEASURES = {"held out": "psnr", "Set5": "Set5"}

Values = Mapping[str, Mapping[str, Sequence[float]]]
"""By the measure's name and the row: a value for each seed."""


def gains(tables: Values) -> dict[str, dict[str, list[float]]]:
    """Return by how much each other row is above `BASE` in dB, seed by seed.

    ``tables`` has PSNR by photographs, row and seed, as :func:`satlib.results.trials.table` returns it for each of
    `MEASURES`.
    """
    return {
        name: {row: list(np.subtract(values, rows[BASE])) for row, values in rows.items() if row != BASE}
        for name, rows in tables.items()
    }


def halves(tables: Values) -> dict[str, float]:
    """Return half the width of the 95 % intervals of the mean gains, which hold for all rows together (Dunnett)."""
    return {name: designs(list(rows.values())).simultaneous for name, rows in tables.items()}


def seed_by_seed(tables: Values) -> Shown:
    """Draw what each training gains on `BASE`, and the mean of each row with its interval."""
    gained = gains(tables)
    widths = {name: dict.fromkeys(gained[name], half) for name, half in halves(tables).items()}
    return show(
        draw.seed_by_seed(gained, widths, BASE),
        alt="Differences to the paper's layer in decibels, a mark for each seed, below them the mean with its 95 % "
        f"interval. {draw.told_by_seed(gained, widths)}",
    )


def differences_table(tables: Values, predicted: Mapping[str, str]) -> str:
    """Return a table of each row's gain on `BASE` in dB beside what was predicted.

    "together" are the intervals of :func:`halves`, which take the noise of all rows to be alike; "alone" those of each
    row's own differences, by Student's t, with Bonferroni's level so that all hold together, too.
    """
    gained, together = gains(tables), halves(tables)
    lines = [
        (f"`{row}`, {name}", f"{np.mean(rows[row]):+.3f}", f"±{SPACE}{together[name]:.3f}", _alone(rows, row), text)
        for row, text in predicted.items()
        for name, rows in gained.items()
    ]
    return table(("trained, measured on", "found, dB", "together", "alone", "predicted, dB"), lines)


def _alone(rows: Mapping[str, Sequence[float]], row: str) -> str:
    from scipy.stats import sem, t

    level = 1 - 0.05 / 2 / len(rows)
    return f"±{SPACE}{t.ppf(level, len(rows[row]) - 1) * sem(rows[row]):.3f}"


def swaps_table(jobs: Jobs, predicted: Mapping[str, str]) -> str:
    """Return a table of what the swap costs the trainings of each row, beside what was predicted."""
    lines = []
    for row, text in predicted.items():
        swaps = [job["swap"] for job in jobs if job["row"] == row]
        found = ", ".join(f"{swap:.3f}" for swap in swaps)
        lines.append((f"`{row}`", found, text))
    return table(("trained", "found, dB", "predicted, dB"), lines)
