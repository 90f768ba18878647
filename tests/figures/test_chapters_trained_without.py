"""What the chapter says of networks that were trained with SAA and without it."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from satlib.analysis.comparisons import dunnett_critical
from satlib.figures.chapters import trained_without as pictures
from satlib.results import trials


def job(row: str, seed: int, psnr: float, swap: float = 0.05) -> dict[str, Any]:
    return {"row": row, "seed": seed, "psnr": psnr, "Set5": 36 + psnr / 8, "swap": swap, "swap_error": 0.01}


GAINS = {"none": (0.1, 0.04, 0.07), "mean_vector": (-0.02, 0.0, 0.05)}
PAPER = [job("paper", seed, 32.0 + seed / 10, swap=seed / 100) for seed in range(3)]
OTHERS = [job(row, seed, 32.0 + seed / 10 + own[seed]) for row, own in GAINS.items() for seed in (2, 0, 1)]
TABLES = {name: trials.table([*PAPER, *OTHERS], key) for name, key in pictures.MEASURES.items()}


def test_gains_are_those_of_each_seed() -> None:
    found = pictures.gains(TABLES)
    assert list(found) == ["held out", "Set5"]
    assert found["held out"] == {row: pytest.approx(list(own)) for row, own in GAINS.items()}
    assert found["Set5"] == {row: pytest.approx([gain / 8 for gain in own]) for row, own in GAINS.items()}


def test_intervals_are_those_of_the_additive_model_for_all_rows_together() -> None:
    rows = np.array([[0, 0, 0], *GAINS.values()])  # seeds' own differences cancel
    noise = rows - rows.mean(0) - rows.mean(1, keepdims=True) + rows.mean()
    error = sqrt(2 * (noise**2).sum() / 4 / 3)
    assert pictures.halves(TABLES)["held out"] == pytest.approx(dunnett_critical(2, 4) * error)
    assert pictures.halves(TABLES)["Set5"] == pytest.approx(dunnett_critical(2, 4) * error / 8)


def test_seeds_are_drawn_above_their_mean() -> None:
    shown = pictures.seed_by_seed(TABLES)
    (ax,) = shown.figure.axes
    marks = [np.asarray(line.get_xdata()).tolist() for line in ax.lines if line.get_marker() in ("o", "s")]
    assert marks[:2] == [pytest.approx([0.1, 0.04, 0.07]), [pytest.approx(0.07)]] and len(marks) == 8
    assert ax.get_xlabel() == "PSNR minus that of paper, dB"
    half = pictures.halves(TABLES)["held out"]
    assert f"none, held out: +0.070 ± {half:.3f}, single seeds +0.040 to +0.100." in shown.alt


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_differences_stand_beside_what_was_predicted() -> None:
    found = cells(pictures.differences_table(TABLES, {"none": "below 0", "mean_vector": "0"}))
    assert [row[0] for row in found] == [f"`{row}`, {name}" for row in GAINS for name in TABLES]
    together = pictures.halves(TABLES)["held out"]
    alone = t.ppf(1 - 0.025 / 2, 2) * 0.03 / sqrt(3)  # 0.10, 0.04 and 0.07 have a standard deviation of 0.03
    space = "\N{NO-BREAK SPACE}"
    assert found[0][1:] == ["+0.070", f"±{space}{together:.3f}", f"±{space}{alone:.3f}", "below 0"]


def test_each_swap_stands_beside_what_was_predicted() -> None:
    found = cells(pictures.swaps_table(PAPER, {"paper": "above 0.01"}))
    assert found == [["`paper`", "0.000, 0.010, 0.020", "above 0.01"]]
