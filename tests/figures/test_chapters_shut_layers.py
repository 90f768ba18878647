"""What keeps layers from attending is drawn and told from the reports that are given."""

from typing import Any

import pytest

from satlib.analysis.layer_reports import LayerReport
from satlib.figures.chapters import shut_layers as pictures

REPORTS = [LayerReport(0.15, 0.3, 0.6, 0.25, 0.08, 0.012), LayerReport(0.008, 0.01, 0.99, 0.03, 0.0, -0.004)]


def job(row: str, seed: int, factor: float) -> dict[str, Any]:
    layers = [report._replace(varies=factor * report.varies)._asdict() for report in REPORTS]
    return {"row": row, "seed": seed, "swap": 0.01 * factor, "layers": layers}


def test_a_report_is_a_row_of_the_table() -> None:
    lines = pictures.report_table(REPORTS).splitlines()
    cells = [cell.strip() for cell in lines[2].split("|")[1:-1]]
    assert cells == ["1", "0.150", "30%", "60%", "0.25", "+0.08 dB", "+0.01 dB"]
    assert len(lines) == 4


def test_each_training_is_a_line_in_both_panels() -> None:
    jobs = [job("paper", 0, 1.0), job("start", 0, 2.0), job("start", 1, 3.0)]
    shown = pictures.by_layer(jobs)
    left, right = shown.figure.axes
    assert [list(line.get_ydata()) for line in left.lines] == [pytest.approx([0.25 * f, 0.03 * f]) for f in (1, 2, 3)]
    assert [list(line.get_ydata()) for line in right.lines] == [[0.15, 0.008]] * 3
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["paper", "start"]
    assert "start, seed 1: varies 0.750 in the first, 0.090 in the last layer" in shown.alt


def test_what_was_predicted_stands_beside_what_was_found() -> None:
    text = pictures.outcome_table(
        [job("start", 1, 2.0), job("start", 0, 1.0)],
        {"start": ("above 0.15", "0.01 to 0.03", "0.02 to 0.10"), "norms": ("below 0.05", "as `paper`", "below 0.01")},
    )
    start, norms = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[3:])
    assert start[:3] == ["`start`", "above 0.15", "0.250, 0.030; 0.500, 0.060"]
    assert start[3:] == ["0.01 to 0.03", "0.150, 0.008; 0.150, 0.008", "0.02 to 0.10", "+0.010, +0.020"]
    assert norms[2::2] == ["not trained yet"] * 3


def test_each_layer_stands_beside_what_was_predicted_of_it() -> None:
    jobs = [{**job("three", seed, factor), "swap_error": 0.002} for seed, factor in ((1, 0.2), (0, 1.0))]
    predicted = {"three": (("open", "shut"), "0.02 to 0.06"), "four": (("open",), "0.01")}
    lines = pictures.depth_table(jobs, predicted).splitlines()[2:]
    first, second, swap, *four = ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines)
    assert first == ["`three`", "1", "open", "open; shut", "0.250; 0.050", "0.150; 0.150"]
    assert second == ["", "2", "shut", "shut; shut", "0.030; 0.006", "0.008; 0.008"]
    assert swap == ["", "swap, dB", "0.02 to 0.06", "+0.010 ± 0.002; +0.002 ± 0.002", "", ""]
    assert [cells[3] for cells in four] == ["not trained yet"] * 2


def test_the_rows_are_told_in_words() -> None:
    jobs = [
        {
            **job(row, seed, factor),
            "swap_error": 0.001,
            "step": 2000,
            "layers": [r._replace(varies=factor * r.varies)._asdict() for r in (*REPORTS, *REPORTS)],
        }
        for row, seed, factor in (("paper", 0, 1), ("start", 0, 2), ("start", 1, 3), ("norms", 0, 1), ("log_n", 0, 1))
    ] + [
        {**job("all", seed, 2.0), "swap_error": 0.002, "layers": [r._asdict() for r in (*REPORTS, *REPORTS)]}
        for seed in (0, 1)
    ]
    text = pictures.told(jobs)
    assert "first 2 layers still differ after 2,000 steps (0.06 to 0.75)" in text
    assert "those of the last 2 hardly do (0.06 to 0.75, and 0.03 to 0.25 with all three changes)" in text
    assert "`paper` 0.0080 to 0.1500; `start` 0.0080 to 0.1500; `norms` 0.0080 to 0.1500; `log_n`" in text
    assert text.endswith("costs +0.020 ± 0.002 dB and +0.020 ± 0.002 dB.")


def test_a_row_is_told_by_its_least_and_largest_values_and_by_its_open_layers() -> None:
    jobs = [job("paper", 0, 1.0), job("paper", 1, 0.5), job("task", 0, 1.0)]
    for one in jobs:
        one["layers"] = [one["layers"][0], *one["layers"]]  # the first layer twice
    text = pictures.spread_table(jobs, {"paper": ("below 0.03", "below 0.004")})
    (paper,) = ([cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()[3:])
    assert paper == ["`paper`", "below 0.03", "0.015 to 0.250", "below 0.004", "0.008 to 0.150", "2 of 4", "2 of 2"]


@pytest.mark.parametrize(
    ("varies", "share", "expected"), [(0.11, 0.021, True), (0.1, 0.021, False), (0.11, 0.02, False), (0.0, 0.0, False)]
)
def test_a_layer_is_open_above_both_marks(varies: float, share: float, expected: bool) -> None:
    assert pictures.is_open(REPORTS[0]._replace(varies=varies, share=share)._asdict()) is expected


def test_networks_are_told_side_by_side() -> None:
    rows = [
        {
            "network": name,
            "layers": [report._asdict() for report in REPORTS],
            "controls": {"swap": [0.1, -0.2, shift], "off": [-1.0, -2.0, -3.0]},
            "psnr": {"0.001": [30.0, 31.0, 32.0], "0.03": [30.5, 31.25, 32.0 + shift]},
        }
        for name, shift in (("one", 0.0), ("two", 1.0))
    ]
    cells = {}
    for make in (pictures.control_table, pictures.keep_table, pictures.layer_table):
        lines = make(rows).splitlines()
        cells[make.__name__] = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[2:]]
    assert cells["control_table"][1] == [
        "`two`",
        "+0.10 (-0.20,&nbsp;+1.00)",
        "-2.00 (-3.00,&nbsp;-1.00)",
    ]
    assert cells["keep_table"] == [
        ["`one`", "-0.25 (-0.50,&nbsp;+0.00)"],
        ["`two`", "-0.50 (-1.00,&nbsp;-0.25)"],
    ]
    assert [row[:3] for row in cells["layer_table"]] == [
        ["`one`", "1", "0.150"],
        ["", "2", "0.008"],
        ["`two`", "1", "0.150"],
        ["", "2", "0.008"],
    ]
