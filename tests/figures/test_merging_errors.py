"""The figure of what merging does to attention: all lines that it names, and a slider over the networks."""

import pytest

from satlib.figures.cost.merging_errors import WAYS, error_lines
from satlib.results.timings.merging import Errors

ROWS = [
    Errors(network, share, way, share + number, (share,))
    for network in ("one", "other")
    for share in (0.1, 0.5)
    for number, way in enumerate((*WAYS, "a way that is not drawn"), start=1)
]


def test_every_way_is_a_line_of_its_errors() -> None:
    figure = error_lines(ROWS)
    names = [trace.name for trace in figure.data]
    assert [way for way in WAYS if not any(way in (name or "") for name in names)] == []
    assert [frame.name for frame in figure.frames] == ["one", "other"]
    drawn = [(list(trace.x), list(trace.y)) for trace in figure.data if trace.name and WAYS[1] in trace.name]
    assert drawn[0] == ([0.1, 0.5], [2.1, 2.5])


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="errors are needed, got none"):
        error_lines([])
