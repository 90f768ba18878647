"""The picture and tables of chapter 17 show the differences, intervals and verdicts that they are given."""

import numpy as np
import pytest

from satlib.analysis.comparisons import designs
from satlib.figures.chapters import ablations as pictures
from satlib.results.trials import Difference, differences

TABLES = {
    "held-out photographs": {"paper": [31.0, 31.2], "grid": [30.9, 31.15], "mean": [30.8, 31.0]},
    "Set5": {"paper": [35.0, 35.2], "grid": [35.0, 35.3], "mean": [34.0, 34.2]},
}
FOUND = {name: differences(rows, "paper") for name, rows in TABLES.items()}


def cells(text: str) -> list[list[str]]:
    head, _, *rows = text.splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in (head, *rows)]


def test_differences_are_drawn_beside_the_papers_and_a_band_that_cannot_be_seen() -> None:
    shown = pictures.differences(FOUND, {"grid": -0.05, "random": -0.08})
    (ax,) = shown.figure.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["grid (E)", "plain mean (G)"]
    blind = FOUND["Set5"]["grid"].visible
    (band,) = ax.patches
    assert (band.get_x(), band.get_x() + band.get_width()) == pytest.approx((-blind, blind))
    (diamonds,) = (line for line in ax.lines if line.get_marker() == "D")
    assert np.asarray(diamonds.get_data()).tolist() == [[-0.05], [0]]
    labels = [text.get_text() for text in shown.figure.legends[0].get_texts()]
    assert "too small to be seen on Set5" in labels
    assert f"± {blind:.2f} dB" in shown.alt
    assert "1 of 1 diamonds lie in it" in shown.alt
    assert "grid (E): held-out photographs -0.075 ± " in shown.alt


def test_seeds_are_drawn_above_their_mean_and_its_interval() -> None:
    gains = {"held": {"mean": [0.1, -0.3], "center": [0.0, 0.2]}, "Set5": {"mean": [-0.1, -0.2], "center": [0.3, 0.1]}}
    earlier = {name: {"mean": [-0.4], "center": [-0.5]} for name in gains}
    shown = pictures.seed_by_seed(gains, {"held": 0.05, "Set5": 0.07}, earlier, {"mean": -0.07, "center": -0.1})
    (ax,) = shown.figure.axes
    drawn = [np.asarray(line.get_xdata()).tolist() for line in ax.lines if line.get_marker() in ("o", "s")]
    assert drawn[:3] == [[0.1, -0.3], [-0.4], [pytest.approx(-0.1)]] and len(drawn) == 12
    places = [float(np.asarray(line.get_ydata())[0]) for line in ax.lines if line.get_marker() in ("o", "s")]
    assert len(set(places)) == 8  # seeds of each row and measure on a line, means on another one
    (diamonds,) = (line for line in ax.lines if line.get_marker() == "D")
    assert np.asarray(diamonds.get_data()).tolist() == [[-0.07, -0.1], [0, 1]]
    ends = [part.vertices[:, 0].tolist() for bar in ax.collections for part in bar.get_paths()]
    assert ends[0] == pytest.approx([-0.15, -0.05])
    labels = [text.get_text() for text in shown.figure.legends[0].get_texts()]
    assert sorted(labels) == sorted(
        ["the paper, Set5", *(f"{n}, {what}" for n in gains for what in ("a seed", "an earlier seed", "mean"))]
    )
    assert "plain mean (G), Set5: -0.150 ± 0.070, single seeds -0.200 to -0.100." in shown.alt


def test_rows_that_were_trained_again_have_both_intervals_and_the_papers_number() -> None:
    gains = {"held": {"mean": [0.1, -0.3]}, "Set5": {"mean": [-0.1, -0.2]}}
    alone = {"held": {"mean": 0.25}, "Set5": {"mean": 0.5}}
    assert cells(pictures.again_table(gains, {"held": 0.05, "Set5": 0.07}, alone, {"mean": -0.07}))[1:] == [
        ["plain mean (G)", "held", "-0.100", "±\xa00.050", "±\xa00.250", ""],
        ["plain mean (G)", "Set5", "-0.150", "±\xa00.070", "±\xa00.500", "-0.07"],
    ]


def test_rows_have_their_means_spread_and_differences() -> None:
    head, chosen, grid, _ = cells(pictures.rows_table(TABLES, FOUND))
    assert head[:3] == ["choice", "held-out photographs", "Set5"]
    assert chosen == ["**the paper's choices**", "31.100", "35.100", "0.141", "", ""]
    assert grid == ["grid (E)", "31.025", "35.150", "0.177", "-0.075", "+0.050"]


def test_verdicts_say_what_is_seen_where() -> None:
    far, near = Difference(-0.3, 0.1, 0.15), Difference(-0.05, 0.1, 0.15)
    found = {"held": {"grid": near, "mean": far, "center": near}, "Set5": {"grid": near, "mean": far, "center": far}}
    assert pictures.verdicts(found) == (
        "grid (E): cannot be told from the paper's choice. plain mean (G): worse than the paper's choice on all "
        "photographs. centre only (G): differs on Set5 only."
    )


def test_designs_stand_in_columns() -> None:
    read = designs(list(TABLES["Set5"].values()))
    row = cells(pictures.designs_table({"Set5": read}))[1]
    assert row == [
        "Set5",
        *(f"±\N{NO-BREAK SPACE}{x:.3f}" for x in (read.paired, read.unpaired, read.simultaneous)),
        f"{read.seeds:.2f}",
    ]


def test_one_photograph_stands_apart_from_the_others() -> None:
    assert cells(pictures.worth_table({"a": [0.5, -0.1, 0.3]}, 0))[1] == [
        "`a`",
        "+0.23",
        "+0.10",
        "+0.50",
        "-0.10",
        "+0.30",
        "2 of 3",
    ]
    assert cells(pictures.changes_table({("a", "log n"): [0.5, -0.4, 0.3]}, 0))[1] == [
        "`a`",
        "log n",
        "+0.50",
        "-0.05",
        "0.40",
    ]


def test_values_are_told_in_the_order_of_the_seeds() -> None:
    assert pictures.by_seed({"held": [-0.1, 0.02], "Set5": [0.3]}) == "held -0.100, +0.020; Set5 +0.300"


def test_log_n_is_told_seed_by_seed_with_an_answer() -> None:
    rows = {"without": [31.0, 31.1], "with": [31.2, 31.0]}
    gain = differences(rows, "without")["with"]
    (row,) = cells(pictures.bias_table({"Set5": rows}, {"Set5": gain}))[1:]
    assert row == [
        "Set5",
        "31.050",
        "31.100",
        "+0.200, -0.100",
        f"+0.050 ±\N{NO-BREAK SPACE}{gain.half:.3f}",
        f"{gain.visible:.3f}",
    ]
    assert pictures.bias_answer({"Set5": gain}) == "No difference is seen"
    seen = {"Set5": Difference(0.3, 0.1, 0.2), "held": gain}
    assert pictures.bias_answer(seen) == "On Set5 log n makes it better"
