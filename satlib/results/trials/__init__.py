"""Trainings that differ in one choice: what each gave, and which differences are larger than chance.

Each JSON file beside this one holds what one batch or experiment gave; its file in ``runs/`` has its name. They were
collected by ``python -m benchmarks trials``. Every row (a choice) is trained with the same seeds; of an experiment that
is not finished some are missing yet. A seed fixes the first weights and the patches, so that rows are compared seed by
seed.

The model is additive: PSNR = row + seed + noise, the noise normal and equally large everywhere. Its variance is
estimated from all rows together.
"""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from satlib.results import paper
from satlib.results.reading import choose_results

NAMES = ("size_bias", "first_look", "legends", "legends_long", "with_and_without", "alive", "task", "depth", "table_g")
NETWORKS = ("legends_long-similarity-seed0",)
"""Trained networks that are kept: the trials, the row and the seed."""

PRINTED = {
    "norm_none": ("C", "norm restoration", "without", "with"),
    "grid": ("E", "sampling", "grid", "stratified"),
    "random": ("E", "sampling", "random", "stratified"),
    "mean": ("G", "aggregation", "mean", "similarity"),
    "center": ("G", "aggregation", "center", "similarity"),
}
"""Rows of "first_look" that the paper prints, too: table, column, the row, and the row of the paper's choice."""

LEVEL, POWER = 0.95, 0.8
"""Of the intervals; and how surely the smallest visible difference would be seen."""


class Difference(NamedTuple):
    """A row against another, in the unit of the measure."""

    mean: float
    """Mean over the seeds."""
    half: float
    """Half the width of its interval at `LEVEL`."""
    visible: float
    """The smallest true difference whose interval would leave out 0 with probability `POWER`, about."""

    @property
    def seen(self) -> bool:
        """Whether the interval leaves out 0."""
        return abs(self.mean) > self.half


def results(name: str) -> Mapping[str, Any]:
    """Return what was collected of one batch: "machine", "steps", and "jobs", a list with "row", "seed" and measures.

    Raises
    ------
    ValueError
        If ``name`` is not one of `NAMES`.
    """
    return choose_results("satlib.results.trials", name, NAMES, "trials")


def weights(network: str) -> Path:
    """Return the file of a network that one of the trainings gave, for :func:`satlib.load`.

    Raises
    ------
    ValueError
        If ``network`` is not one of `NETWORKS`.
    """
    if network not in NETWORKS:
        raise ValueError(f"no network {network!r} is kept; choose one of {', '.join(NETWORKS)}")
    return Path(str(files(__name__) / f"{network}.safetensors"))


def table(jobs: Sequence[Mapping[str, Any]], measure: str) -> dict[str, list[float]]:
    """Return one measure of each row, in the order of the seeds.

    Raises
    ------
    ValueError
        If the rows do not have the same seeds.
    """
    rows: dict[str, dict[int, float]] = {}
    for job in jobs:
        rows.setdefault(job["row"], {})[job["seed"]] = float(job[measure])
    seeds = sorted(next(iter(rows.values()), {}))
    for row, values in rows.items():
        if sorted(values) != seeds:
            raise ValueError(f"row {row} has the seeds {sorted(values)}, another {seeds}")
    return {row: [values[seed] for seed in seeds] for row, values in rows.items()}


def differences(rows: Mapping[str, Sequence[float]], base: str) -> dict[str, Difference]:
    """Compare all rows with one of them.

    Parameters
    ----------
    rows
        As :func:`table` returns them: at least two rows with at least two seeds.
    base
        The row that the others are compared with.

    Raises
    ------
    ValueError
        If there are fewer rows or seeds, or no row ``base``.
    """
    if base not in rows:
        raise ValueError(f"no row {base!r} among {', '.join(rows)}")
    values = np.array(list(rows.values()))
    if min(values.shape) < 2:
        raise ValueError(f"at least two rows with two seeds are needed, got {values.shape[0]} with {values.shape[1]}")
    half, visible = _widths(values)
    own = np.array(rows[base])
    return {
        row: Difference(float(np.mean(np.array(found) - own)), half, visible)
        for row, found in rows.items()
        if row != base
    }


def printed(measure: str = "Set5 PSNR") -> dict[str, float]:
    """Return what the paper prints for the rows of `PRINTED`, each less the paper's choice.

    Parameters
    ----------
    measure
        A column of Tables C, E and G: "Set5 PSNR", "Urban100 PSNR" or "Manga109 PSNR", in dB.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    found = {}
    for row, (name, column, own, chosen) in PRINTED.items():
        table = paper.table(name)
        found[row] = table.number({column: own}, measure) - table.number({column: chosen}, measure)
    return found


def _widths(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Return half the width of a difference's interval, and the smallest visible one, of (rows, seeds) values."""
    from scipy.stats import t

    n_rows, n_seeds = values.shape
    noise = values - values.mean(0) - values.mean(1, keepdims=True) + values.mean()
    degrees = (n_rows - 1) * (n_seeds - 1)
    error = float(np.sqrt(2 * (noise**2).sum() / degrees / n_seeds))
    half = float(t.ppf(0.5 + LEVEL / 2, degrees)) * error
    return half, half + float(t.ppf(POWER, degrees)) * error
