"""`python -m benchmarks onnx` and `live`: what they time is the network, and what they return is whole."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import live, onnx_time
from book.browser import served
from book.try_it import write_try_it
from satlib import SAT, SATConfig
from satlib.weights.portable.graph import exploring_graph, in_float32, picture_graph
from satlib.weights.portable.sampler import sampler


@pytest.mark.slow
def test_all_ways_that_are_timed_make_the_same_picture() -> None:
    config = SATConfig.preset("sat-tiny", 2).replace(groups=(1,), channels=8, heads=2, window=(4, 8))
    torch.manual_seed(0)
    model = in_float32(SAT(config), half=False)
    exploring = exploring_graph(model)
    ways = onnx_time.ways(model, exploring, picture_graph(exploring, sampler(config), config), 24)
    pictures = [ways["torch"]().numpy(), ways["picture"]()[0], ways["explore"]()[0]]
    assert all(picture.shape == (1, 3, 48, 48) for picture in pictures)
    assert max(np.abs(picture - pictures[0]).max() for picture in pictures) <= 2e-6


def test_images_that_are_timed_are_photographs_of_any_size() -> None:
    small, large = onnx_time.square(64), onnx_time.square(128)
    assert (small.shape, large.shape) == ((1, 3, 64, 64), (1, 3, 128, 128))
    assert torch.equal(large[..., :64, :64], small)
    assert torch.equal(large[..., 96:], large[..., 63:95].flip(3))


def test_the_least_of_each_way_is_shown() -> None:
    text = onnx_time.shown([{"side": 64, "torch": [0.3, 0.2], "picture": [0.1], "explore": [0.5, 0.4]}])
    assert [cell.strip() for cell in text.splitlines()[2].strip("|").split("|")] == ["64", "0.200", "0.100", "0.400"]


@pytest.mark.slow
@pytest.mark.parametrize("name", live.BROWSERS)
def test_a_browser_is_measured_whole(name: str, tmp_path: Path) -> None:
    if live.BROWSERS[name][0] is None:
        pytest.skip(f"no {name} on the path")
    write_try_it(tmp_path)
    with served(tmp_path) as address:
        found = live.measure(name, f"{address}book/try_it.html", 1)
    assert found["name"] == name and found["version"][0].isdigit()
    assert 400_000 < found["bytes"] <= live.TARGETS["bytes"]
    assert len(found["start"]) == len(found["drop"]) == 1 and min(*found["start"], *found["drop"]) > 0
    assert [row["side"] for row in found["rows"]] == list(live.SIDES)
    assert all(len(row["ms"]) == 1 and row["ms"][0] > 0 and row["mebibytes"] > 0 for row in found["rows"])
    assert name in live.shown(found)


def test_a_busy_machine_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (90.0, 90.0, 90.0))
    monkeypatch.setattr(sys, "argv", ["benchmarks", "live"])
    assert live.main() == 2
    assert "the machine is not idle" in capsys.readouterr().err
