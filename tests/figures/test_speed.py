"""The figures of speed show the results that come with the package."""

import json
from statistics import median

import pytest

from satlib.analysis.statistics import local_slopes
from satlib.complexity.measured import Cost
from satlib.figures.cost import growth, speed
from satlib.figures.kit.show import show
from satlib.results import timings


def named(figure, name):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("draw", [growth.time_lines, growth.memory_lines])
def test_lines_show_every_point_and_two_slopes(draw):
    lines = timings.sweep()
    figure = draw(lines)
    assert len(figure.data) == len(lines) + 2
    for trace, line in zip(figure.data, lines, strict=False):
        assert list(trace.x) == line.tokens
        expected = line.seconds if draw is growth.time_lines else [b / 1e6 for b in line.n_bytes]
        assert list(trace.y) == expected
    first, second = figure.data[-2:]
    assert local_slopes(first.x, first.y) == pytest.approx([1] * (len(first.x) - 1))
    assert local_slopes(second.x, second.y) == pytest.approx([2] * (len(second.x) - 1))
    below = min(min(trace.y) for trace in figure.data[:-2])
    assert below < min(first.y) == min(second.y) < 2 * below


@pytest.mark.parametrize("draw", [growth.time_lines, growth.memory_lines])
def test_every_line_has_its_name_at_one_of_its_points(draw):
    short = timings.Line("network", "dense", [256, 512, 1024, 2048], [1.0, 2.0, 4.0, 8.0], [10, 20, 40, 80], "")
    for lines in (timings.sweep(), [short]):  # the short one ends before the point where its name usually is
        for trace in draw(lines).data:
            (said,) = filter(None, trace.text)
            assert said.replace("<br>", " ") in (trace.name, f"like {trace.name}")  # two lines, for phones
    assert draw([short]).data[0].text == ("", "", "", "network,<br>dense")


def test_change_bars_have_two_bars_for_every_change():
    changes = {
        "first": {"before": Cost(0.5, 1000), "after": Cost(0.25, 50)},
        "second": {"before": Cost(3.0, 700), "after": Cost(1.0, 100)},
    }
    figure = speed.change_bars(changes)
    assert [list(named(figure, name).x) for name in ("time", "memory")] == [[2, 3], [20, 7]]
    assert figure.data[-1].text == ("first: 2.0× time, 20.0× memory", "second: 3.0× time, 7.0× memory")
    assert list(figure.layout.xaxis.ticktext) == ["1×", "2×", "5×", "10×", "20×"]


def test_ratio_bars_have_a_bar_and_its_targets_for_every_row():
    rows = timings.results("cpu")["rows"]
    figure = speed.ratio_bars(rows)
    assert list(named(figure, "satlib").x) == [timings.ratio(row["dense"], row["ours"]) for row in rows]
    assert list(named(figure, "must").x) == [row["must"] for row in rows]
    aims = named(figure, "aim")
    assert {int(place): x for place, x in zip(aims.y, aims.x, strict=True)} == {
        place: row["aim"] for place, row in enumerate(rows) if "aim" in row
    }


@pytest.mark.parametrize("preset", ["sat", "sat-light"])
def test_stage_bars_are_seconds_of_a_forward_pass_with_limits_beside_them(preset):
    network = next(n for n in timings.results("profile")["networks"] if n["preset"] == preset)
    stages = timings.stages(preset)
    figure = speed.stage_bars(network["parts"], stages)
    for name, way in (("dense", "dense"), ("satlib", "ours")):
        assert list(named(figure, name).x) == [p["count"] * median(p[way]) for p in network["parts"]]
    limits = named(figure, "limit")
    ours = {part["name"]: place for place, part in enumerate(network["parts"])}
    assert [int(y) for y in limits.y] == [ours[stage.name] for stage in stages]
    assert list(limits.x) == [stage.count * stage.limit for stage in stages]


def test_peer_bars_are_multiples_of_our_time():
    groups = timings.results("peers")["groups"]
    figure = speed.peer_bars(groups)
    (bars,) = (trace for trace in figure.data if trace.type == "bar")
    assert len(bars.x) == sum(len(group["rows"]) for group in groups)
    texts = figure.data[-1].text
    assert [text.split(": ")[0] for text, x in zip(texts, bars.x, strict=True) if x == 1] == [
        f"{group['preset']}, {group['grid'][0]} × {group['grid'][1]}" for group in groups
    ]


@pytest.mark.parametrize(
    "draw",
    [
        lambda: growth.time_lines(timings.sweep()),
        lambda: speed.ratio_bars(timings.results("cpu")["rows"]),
        lambda: speed.peer_bars(timings.results("peers")["groups"]),
    ],
)
def test_figures_have_a_size_and_fit_a_page(draw):
    figure = draw()
    bundle, _ = show(figure, alt="what is seen")._repr_mimebundle_()
    assert len(json.dumps(bundle["application/vnd.plotly.v1+json"])) < 20_000
    assert figure.layout.width < 720
