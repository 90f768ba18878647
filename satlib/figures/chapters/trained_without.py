"""*Does it attend?*: networks that were trained on photographs with SAA and without it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from satlib.analysis.comparisons import designs
from satlib.support.tables import table

Jobs = Sequence[Mapping[str, Any]]


def photograph_table(jobs: Jobs) -> str:
    """Return a table of trainings on photographs: PSNR of the held-out ones and of Set5, and the swap."""
    head = ("trained", "seed", "held out, dB", "Set5, dB", "swap, dB")
    rows = [(f"`{job['row']}`", job["seed"], f"{job['psnr']:.3f}", f"{job['Set5']:.3f}", _swap(job)) for job in jobs]
    return table(head, rows)


def _swap(job: Mapping[str, Any]) -> str:
    """Return the swap and its error as one word; a network without SAA has no tokens to swap."""
    if job["row"] == "none":
        return "-"
    return f"{job['swap']:+.3f} ± {job['swap_error']:.3f}".replace(" ", "\N{NO-BREAK SPACE}")


def gain_without(jobs: Jobs) -> str:
    """Return how far networks without SAA are above those with it, over the seeds that both rows have."""
    by_row = {row: {job["seed"]: job for job in jobs if job["row"] == row} for row in ("paper", "none")}
    seeds = sorted(set.intersection(*map(set, by_row.values())))
    if len(seeds) < 2:
        return "One pair of trainings says nothing about the two rows."
    said = []
    for key, photographs in (("psnr", "the held-out photographs"), ("Set5", "Set5")):
        levels = np.array([[trained[seed][key] for seed in seeds] for trained in by_row.values()])  # (2, seeds)
        gains = levels[1] - levels[0]
        each = ", ".join(f"{gain:+.3f}" for gain in gains)
        said.append(f"{gains.mean():+.3f} ± {designs(levels).paired:.3f} dB on {photographs} ({each})")
    return (
        f"`none` against `paper`, over {len(seeds)} seeds that both have, with the 95 % interval of the mean: "
        f"{'; '.join(said)}."
    )
