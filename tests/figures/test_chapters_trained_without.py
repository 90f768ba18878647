"""What the chapter says of networks that were trained with SAA and without it."""

from math import sqrt
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from satlib.figures.chapters import trained_without as pictures


def job(row: str, seed: int, psnr: float, set5: float = 36.4, swap: float = 0.05) -> dict[str, Any]:
    return {"row": row, "seed": seed, "psnr": psnr, "Set5": set5, "swap": swap, "swap_error": 0.01}


PAPER = [job("paper", seed, 32.0 + seed / 10, swap=seed / 100) for seed in range(4)]
NONE = [job("none", seed, 32.0 + seed / 10 + gain, 36.5) for seed, gain in ((2, 0.07), (0, 0.1), (1, 0.04))]
GAINED = pictures.gains([*PAPER, *NONE, job("mean_vector", 0, 10.0)])
HALF = t.ppf(0.975, 2) * 0.03 / sqrt(3)
"""The differences 0.10, 0.04, 0.07 have a standard deviation of 0.03."""


def test_gains_are_those_of_the_seeds_which_both_have_in_their_order() -> None:
    assert list(GAINED) == ["held out", "Set5"]
    assert GAINED["held out"] == {"none": pytest.approx([0.1, 0.04, 0.07])}
    assert GAINED["Set5"] == {"none": pytest.approx([0.1] * 3)}


def test_the_interval_is_that_of_paired_differences() -> None:
    widths = pictures.halves(GAINED)
    assert widths["held out"]["none"] == pytest.approx(HALF)
    assert widths["Set5"]["none"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("jobs", [[], [job("paper", 0, 1.0)], [job("paper", 0, 1.0), job("none", 0, 2.0)]])
def test_one_pair_has_no_interval(jobs: list[dict[str, Any]]) -> None:
    assert pictures.gains(jobs) == {"held out": {}, "Set5": {}}


def test_seeds_are_drawn_above_their_mean() -> None:
    shown = pictures.seed_by_seed(GAINED)
    (ax,) = shown.figure.axes
    marks = [np.asarray(line.get_xdata()).tolist() for line in ax.lines if line.get_marker() in ("o", "s")]
    assert marks[:2] == [pytest.approx([0.1, 0.04, 0.07]), [pytest.approx(0.07)]] and len(marks) == 4
    assert ax.get_xlabel() == "PSNR minus that of paper, dB"
    assert f"none, held out: +0.070 ± {HALF:.3f}, single seeds +0.040 to +0.100." in shown.alt


def cells(text: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def test_differences_stand_beside_what_was_predicted() -> None:
    found = cells(pictures.differences_table(GAINED, {"none": "below 0", "mean_vector": "0"}))
    space = "\N{NO-BREAK SPACE}"
    assert [row[0] for row in found] == ["`none`, held out", "`none`, Set5"]
    assert found[0][1:] == [f"+0.070{space}±{space}{HALF:.3f}", "below 0"]


def test_each_swap_stands_beside_what_was_predicted() -> None:
    found = cells(pictures.swaps_table(PAPER, {"paper": "above 0.01", "other": "0"}))
    assert found == [["`paper`", "0.000, 0.010, 0.020, 0.030", "above 0.01"], ["`other`", "not trained yet", "0"]]
