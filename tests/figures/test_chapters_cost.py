"""The pictures and tables of chapter 10 show the costs that they are given."""

import pytest

from satlib import SATConfig
from satlib.complexity import complexity
from satlib.complexity.peers import Cost
from satlib.figures.chapters import cost as pictures
from satlib.figures.chapters import cost_tables as tables
from satlib.figures.cost.bars import stage_label
from satlib.results.paper import Peer

SCALES = (2, 3, 4)


@pytest.fixture(scope="module")
def tiny():
    return complexity(SATConfig.preset("sat-tiny"), (256, 256))


@pytest.fixture(scope="module")
def ours():
    return {scale: complexity(SATConfig.preset("sat", scale)) for scale in SCALES}


def cells(markdown):
    """Return the rows below a Markdown table's head, as lists of cells."""
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in markdown.splitlines()[2:]]


def column(markdown):
    """Return the only column of values of a table that has a row for each quantity, its head first."""
    head = [cell.strip() for cell in markdown.splitlines()[0].strip("|").split(" | ")]
    return [head[1], *(row[1] for row in cells(markdown))]


def peer(method, scale, published, total):
    return Peer(method, scale, 2_000_000, int(published), int(total))


def test_the_opening_has_the_networks_of_one_scale_the_cheapest_in_layers_first():
    costs = {("A", 2): peer("A", 2, 2e12, 3e12), ("B", 2): peer("B", 2, 1e12, 5e12), ("B", 4): peer("B", 4, 1, 2)}
    shown = pictures.conventions(costs, 2)
    labels = [label.get_text() for label in shown.figure.axes[0].get_yticklabels()]
    assert labels == [
        "B   1.00\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}5.00",
        "A   2.00\N{NO-BREAK SPACE}→\N{NO-BREAK SPACE}3.00",
    ]
    assert "B: 1.00 in layers, 5.00 in all; A: 2.00 in layers, 3.00 in all" in shown.alt
    assert "B has the largest hatched part" in shown.alt


def test_prints_are_drawn_over_the_counts_the_least_first():
    costs = {(n, s): peer(n, s, 1e12, t * 1e12) for n, s, t in (("A", 2, 2), ("A", 4, 1), ("B", 2, 8), ("C", 2, 1))}
    shown = pictures.prints(costs, {("A", 2): 3.0, ("A", 4): 1.0, ("B", 2): 2.0, ("uncounted", 2): 1.0})
    (ax,) = shown.figure.axes
    assert [label.get_text() for label in ax.get_yticklabels()] == ["B", "A"]
    at_2, at_4 = (line for line in ax.lines if line.get_marker() in ("o", "s"))
    assert sorted(at_2.get_xydata().tolist()) == [[0.25, 0], [1.5, 1]] and at_4.get_xydata().tolist() == [[1, 1]]
    assert shown.alt.endswith("B 0.25 at x2; A 1.50 at x2, 1.00 at x4.")


def test_stages_are_described_by_their_shares(tiny):
    shown = pictures.stages(tiny)
    assert f"Layers have {tiny.published / tiny.total:.0%} together" in shown.alt
    largest = max(tiny.macs, key=tiny.macs.get)
    assert f"The largest are {stage_label(largest)}" in shown.alt
    rows = cells(tables.stages(tiny))
    assert [row[0] for row in rows] == [stage_label(stage) for stage in tiny.macs]
    assert rows[0][1] == f"{tiny.params['convolutions']:,}" and rows[-1][1] == "none: a product"


def test_the_alternative_text_of_the_sliders_says_what_their_titles_say():
    config = SATConfig.preset("sat-tiny")
    share, memory = pictures.quadratic_share({"sat-tiny": config}), pictures.peak_memory(config)
    assert share.figure.layout.title.text in share.alt and "sat-tiny" in share.alt
    assert memory.figure.layout.title.text in memory.alt


def test_times_say_how_the_counts_grow():
    shown = pictures.times([10, 40], {"a": [1, 2], "b": [1, 3]}, {"a": [1, 16], "b": [2, 8]})
    assert "with 4 times the tokens, the counts grow so: a 16 times; b 4 times." in shown.alt
    assert [list(line.get_ydata()) for line in shown.figure.axes[1].get_lines()] == [[1, 16], [2, 8]]


def test_sat_agrees_with_table_a(ours):
    rows = cells(tables.table_a(ours))
    assert [(row[0], row[4], f"{float(row[5]):.2f}") for row in rows] == [
        (f"x{scale}", f"{cost.published / 1e12:.2f}", f"{cost.published / 1e12:.2f}") for scale, cost in ours.items()
    ]


def test_what_is_left_out_adds_up_to_the_difference_of_both_totals(ours):
    columns = list(zip(*cells(tables.left_out(ours)), strict=True))[1:]
    for column, cost in zip(columns, ours.values(), strict=True):
        assert sum(map(float, column)) == pytest.approx((cost.total - cost.published) / 1e12, abs=0.03)


def test_networks_are_those_of_the_scales_and_say_how_they_were_counted(tiny):
    costs = {("B", 4): Cost(macs=10**12), ("A", 4): peer("A", 4, 1e12, 2e12), ("A", 2): peer("A", 2, 1, 1)}
    rows = cells(tables.networks(costs | {("SAT", 4): tiny}, {("A", 4): 1.5}, (4,)))
    assert [row[:3] for row in rows] == [
        ["A", "x4", "counter"],
        ["B", "x4", "formula"],
        ["SAT", "x4", "formula, counter"],
    ]
    assert rows[0][3:] == ["2.0", "1.5", "1.00", "2.00"]
    assert rows[1][4] == ""


def test_fewer_is_one_minus_the_quotient_of_both():
    costs = {("SAT", 2): peer("SAT", 2, 3e12, 8e12), ("PFT", 2): peer("PFT", 2, 6e12, 4e12)}
    row = column(tables.fewer(costs, {("SAT", 2): 3.0, ("PFT", 2): 5.0}, {2: 5e12}, {2: 4e12}))
    assert row == ["x2", "5.0", "5.00", "4.00", "40.0%", "25.0%", "50.0%", "2.0"]


def test_growth_marks_prints_that_are_in_proportion_to_pixels():
    costs = {(name, scale): peer(name, scale, 1, 16 / scale) for name in "AB" for scale in SCALES}
    printed = {("A", 2): 4.0, ("A", 3): 1.78, ("A", 4): 1.0, ("B", 2): 4.1, ("B", 3): 1.78, ("B", 4): 1.0}
    rows = cells(tables.growth(costs, printed))
    assert [(row[0], row[2], row[-1]) for row in rows] == [("A", "2.00", "yes"), ("B", "2.00", "no")]


def test_rates_are_work_over_time():
    work, ms = {("A", 2): 8e12, ("A", 3): 4e12, ("A", 4): 2e12}, {("A", 2): 200, ("A", 3): 150, ("A", 4): 100}
    row = column(tables.rates(work, ms, {"A": 60.0}, {"A": 140.0}))
    assert row == ["A", "8.00", "2.00", "4.0", "2.00", "40.0", "20.0", "60 of 100", "140 / 150"]


def test_table_d_stands_beside_the_light_network():
    light = complexity(SATConfig.preset("sat-light"))
    (row,) = cells(tables.table_d({0.5: light}))
    assert row[0] == "0.5" and row[4] == f"{light.published / 1e9:.1f}" and row[6] == f"{light.total / 1e9:.0f}"


def test_slopes_limits_and_exponents_are_written_with_their_units():
    assert cells(tables.slopes({"f": [(4.0, 0.5)] * 3}, {"f": 2.0})) == [["f"] + ["4.0 ± 0.5"] * 3 + ["2.0"] * 3]
    assert cells(tables.largest_inputs({("n", "24 GB"): (10, 2000)})) == [["`n`", "24 GB", "10 × 10", "2,000 × 2,000"]]
    assert cells(tables.exponents({"a": (1.0, 2.0)}, {"a": [0.1, 0.25]})) == [["a", "1.00", "2.00", "250 ms"]]
