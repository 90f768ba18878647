"""The pictures and tables of chapter 11 and of the page of benchmarks show the results that they are given."""

from statistics import median

import pytest

from satlib.complexity.measured import Cost
from satlib.figures.chapters import speed as pictures
from satlib.figures.chapters import speed_tables as tables
from satlib.results import timings

CHANGES = {
    "first": {"before": Cost(0.5, 10_000_000), "after": Cost(0.00125, 500_000)},
    "second": {"before": Cost(3.0, 7_000_000), "after": Cost(1.0, 1_000_000)},
}
LINES = [
    timings.Line("network", "dense", [256, 512], [1.0, 4.0], [1_000_000, 8_000_000], "no more room"),
    timings.Line("network", "ours", [256, 512], [0.5, 1.0], [1_000_000, 2_000_000], ""),
]


def cells(markdown: str) -> list[list[str]]:
    """Return the rows of a Markdown table, its head first, without the rule."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    return [rows[0], *rows[2:]]


@pytest.fixture(scope="module")
def networks():
    return timings.results("profile")["networks"]


def test_lines_are_told_by_their_ends():
    assert "network, dense: 4 s at 512 tokens. network, satlib: 1 s at 512 tokens." in pictures.time(LINES).alt
    assert "network, dense: 8 MB at 512 tokens. network, satlib: 2 MB at 512 tokens." in pictures.memory(LINES).alt
    assert list(pictures.time(LINES).figure.data[0].y) == [1.0, 4.0]
    assert list(pictures.memory(LINES).figure.data[0].y) == [1.0, 8.0]


def test_the_cost_of_a_change_is_part_of_a_sentence():
    assert pictures.before_and_after(CHANGES["first"]) == "500 ms and 10.0 MB before, 1.2 ms and 0.5 MB after"
    assert pictures.before_and_after(CHANGES["second"]) == "3,000 ms and 7.0 MB before, 1,000 ms and 1.0 MB after"


def test_changes_are_drawn_and_told_as_factors():
    shown = pictures.changes(CHANGES)
    assert [list(trace.x) for trace in shown.figure.data[:2]] == [[400, 3], [20, 7]]
    assert "2 changes" in shown.alt
    assert "first: 400.0 and 20.0 times. second: 3.0 and 7.0 times." in shown.alt


def test_targets_are_told_in_picture_and_table():
    rows = [
        {"what": "one", "unit": "s", "dense": [4.0, 5.0, 6.0], "ours": [1.0, 2.5, 2.0], "must": 2, "aim": 3},
        {"what": "two", "unit": "bytes", "dense": 30_000_000, "ours": 10_000_000, "must": 4},
    ]
    assert "one: 2.5. two: 3.0." in pictures.targets(rows).alt
    assert cells(tables.targets(rows))[1:] == [
        ["one", "5.000&nbsp;s", "2.000&nbsp;s", "2.50", "2.00&nbsp;to&nbsp;4.00", "2", "3"],
        ["two, memory", "30&nbsp;MB", "10&nbsp;MB", "3.00", "", "4", ""],
    ]
    assert tables.missed(rows) == "1 of 2 targets are reached. Not reached: two."
    assert tables.missed(rows[:1]) == "1 of 1 targets are reached. None is missed."


def test_parts_are_told_in_picture_and_table(networks):
    for network in networks:
        part = network["parts"][0]
        both = " and ".join(f"{part['count'] * median(part[way]):.2f}" for way in ("dense", "ours"))
        assert f"{part['name']} {both}" in pictures.parts(network).alt
    rows = cells(tables.parts(networks))
    assert [row[0] for row in rows[1:]] == [f"`{network['preset']}`" for network in networks]
    assert rows[1][1] == f"{median(networks[0]['whole']['dense']):.2f}&nbsp;s"


def test_kinds_of_work_have_a_column_for_each_way(networks):
    head, *rows = cells(tables.kinds(networks))
    assert head == ["seconds", "sat-light, dense", "sat-light, satlib", "sat, dense", "sat, satlib"]
    first = networks[0]["kinds"]["dense"]
    assert {row[0]: row[1] for row in rows} == {name: f"{first[name]:.2f}" for name, *_ in rows}


def test_growth_has_exponents_and_the_reason_to_stop():
    rows = cells(tables.growth(LINES))[1:]
    assert rows[0] == ["network, dense", "512", "4.00&nbsp;s", "2.00", "8&nbsp;MB", "3.00", "no more room"]
    assert rows[1][-2:] == ["1.00", "the largest size tried"]


def test_limits_products_and_what_is_to_gain(networks):
    for network in networks:
        stages = timings.stages(network["preset"])
        rows = cells(tables.limits(network["preset"]))[1:]
        assert [(row[0], row[4]) for row in rows] == [(s.name, f"{s.distance:.1f}") for s in stages]
    assert {row[0] for row in cells(tables.products("sat-light"))[1:]} >= {"sample × sample", "QKᵀ", "AV"}
    for network, said in zip(networks, tables.to_gain(networks), strict=True):
        most = max(timings.stages(network["preset"]), key=lambda s: s.count * (s.measured - s.limit))
        assert said.startswith(f"`{network['preset']}`: **{most.name}**, ")
        assert said.count("above its limit") == 3


def test_peers_are_told_with_their_seconds():
    groups = timings.results("peers")["groups"]
    row = groups[0]["rows"][-1]
    assert f"{row['name']} at {groups[0]['grid'][0]}: {median(row['seconds']):.2f} s" in pictures.peers(groups).alt


def test_forward_passes_on_a_gpu_are_told_in_milliseconds():
    row = {"way": "ours", "format": "bfloat16", "seconds": 0.0125}
    peer = {"name": "HAT", "format": "bfloat16", "seconds": 0.04}
    shown = pictures.forward_on_gpu({"sections": {"forward": [row], "peers": [peer]}})
    assert shown.alt.endswith("sat 12.5; HAT 40.0.")
    assert list(shown.figure.data[0].x) == [12.5, 40.0]


def test_a_training_step_has_a_column_for_each_batch():
    rows = [
        {"patches": 4, "side": 32, "multiply-adds": 6_000, "seconds": {"as it is": [1.0, 3.0, 2.0], "compiled": [4.0]}},
        {"patches": 2, "side": 64, "multiply-adds": 9_000, "seconds": {"as it is": [6.0], "compiled": [5.0, 7.0]}},
    ]
    assert [
        [cell.replace("&nbsp;", " ") for cell in line] for line in cells(tables.steps({"rate": 10_000, "rows": rows}))
    ] == [
        ["step", "4 of 32 × 32", "2 of 64 × 64"],
        ["as it is", "2.000", "6.000"],
        ["compiled", "4.000", "6.000"],
        ["share", "30%", "15%"],
    ]


def test_precision_has_the_span_over_the_photographs():
    keys = ("between", "tiles", "float32", "bfloat16", "kept", "same")
    values = ((50.0, 40.0, 30.0, 30.01, 0.9, 0.8), (60.0, 45.0, 31.0, 30.95, 0.95, 0.7))
    rows = [{"model": "net", **dict(zip(keys, row, strict=True))} for row in values]
    (row,) = cells(tables.precision(rows))[1:]
    assert row == ["`net`", "50.0 to 60.0", "40.0 to 45.0", "0.050", "90.0% to 95.0%", "70.0% to 80.0%"]


def test_other_tables_of_the_page():
    rows = cells(tables.machines(("cpu", "peers")))
    assert [row[0] for row in rows[1:]] == ["`cpu`", "`peers`"]
    assert rows[1][4] == f"{timings.results('cpu')['machine']['load'][0]:.1f}"
    kinds = [row[:2] for row in cells(tables.kernels())[1:]]
    assert ["to aggregated tokens", "bfloat16"] in kinds and len(kinds) == 6
    once, twice = (cells(tables.predicted(rate))[1:] for rate in (1e12, 2e12))
    assert [float(row[2].split()[0]) for row in once] == pytest.approx(
        [2 * float(row[2].split()[0]) for row in twice], rel=1e-3
    )
