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


def against_paper(jobs: Jobs) -> list[str]:
    """Return a sentence for each other row: how far it is above `paper`, over the seeds that both have."""
    others = dict.fromkeys(job["row"] for job in jobs if job["row"] != "paper")
    said = [sentence for row in others if (sentence := _gain(jobs, row))]
    return said or ["One pair of trainings says nothing about two rows."]


def _gain(jobs: Jobs, row: str) -> str:
    """Return the gain of one row with its interval, empty without two pairs."""
    by_row = {name: {job["seed"]: job for job in jobs if job["row"] == name} for name in ("paper", row)}
    seeds = sorted(set.intersection(*map(set, by_row.values())))
    if len(seeds) < 2:
        return ""
    said = []
    for key, photographs in (("psnr", "the held-out photographs"), ("Set5", "Set5")):
        levels = np.array([[trained[seed][key] for seed in seeds] for trained in by_row.values()])  # (2, seeds)
        gains = levels[1] - levels[0]
        each = ", ".join(f"{gain:+.3f}" for gain in gains)
        said.append(f"{gains.mean():+.3f} ± {designs(levels).paired:.3f} dB on {photographs} ({each})")
    return (
        f"`{row}` against `paper`, over {len(seeds)} seeds that both have, with the 95 % interval of the mean: "
        f"{'; '.join(said)}."
    )
