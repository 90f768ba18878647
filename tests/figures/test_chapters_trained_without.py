"""What the chapter says of networks that were trained with SAA and without it."""

import re
from math import sqrt
from typing import Any

import pytest
from scipy.stats import t

from satlib.figures.chapters import trained_without as pictures


def job(row: str, seed: int, psnr: float, set5: float = 36.4) -> dict[str, Any]:
    return {"row": row, "seed": seed, "psnr": psnr, "Set5": set5, "swap": 0.05, "swap_error": 0.01}


def test_trainings_have_their_swap_and_its_error() -> None:
    lines = pictures.photograph_table([job("paper", 3, 32.1), job("none", 3, 32.2)]).splitlines()[-2:]
    cells, without = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert cells == ["`paper`", "3", "32.100", "36.400", "+0.050\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.010"]
    assert without == ["`none`", "3", "32.200", "36.400", "-"]


def test_the_gain_is_that_of_the_seeds_which_both_have_with_the_interval_of_paired_differences() -> None:
    paper = [job("paper", seed, 32.0 + seed / 10) for seed in range(4)]
    none = [job("none", seed, 32.0 + seed / 10 + gain, 36.5) for seed, gain in ((2, 0.07), (0, 0.1), (1, 0.04))]
    (said,) = pictures.against_paper([*paper, *none, job("mean_vector", 0, 10.0)])
    half = t.ppf(0.975, 2) * 0.03 / sqrt(3)  # the differences 0.10, 0.04, 0.07 have a standard deviation of 0.03
    assert "over 3 seeds that both have" in said
    assert f"+0.070 ± {half:.3f} dB on the held-out photographs (+0.100, +0.040, +0.070)" in said
    assert re.search(r"\+0\.100 ± 0\.000 dB on Set5", said)


def test_each_other_row_has_its_line() -> None:
    levels = {"paper": (32.0, 32.2), "b": (33.1, 33.1), "a": (31.0, 31.2 + 1e-6)}
    jobs = [job(row, seed, levels[row][seed], 30 + levels[row][seed] / 10) for seed in range(2) for row in levels]
    lines = pictures.against_paper(jobs)
    assert [line.split(": ")[1].split(" ±")[0] for line in lines] == ["+1.000", "-1.000"]
    assert [line.split("`")[1] for line in lines] == ["b", "a"]


@pytest.mark.parametrize("jobs", [[], [job("paper", 0, 1.0)], [job("paper", 0, 1.0), job("none", 0, 2.0)]])
def test_one_pair_says_nothing(jobs: list[dict[str, Any]]) -> None:
    assert pictures.against_paper(jobs) == ["One pair of trainings says nothing about two rows."]
