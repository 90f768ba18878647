"""What is free, what is needed, and how running out of memory is recognised."""

import os

import pytest
import torch

from satlib.complexity import complexity
from satlib.config import SATConfig
from satlib.results import timings
from satlib.upscaling import memory


def test_free_memory_is_below_the_physical_and_above_nothing():
    physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 2**20 < memory.bytes_available(torch.device("cpu")) <= physical


def test_the_limit_of_a_container_counts(monkeypatch):
    free = memory.bytes_available(torch.device("cpu"))
    monkeypatch.setattr(memory, "memory_left", lambda: 700)
    assert memory.bytes_available(torch.device("cpu")) == 700
    monkeypatch.setattr(memory, "memory_left", lambda: 2**60)
    assert memory.bytes_available(torch.device("cpu")) == pytest.approx(free, rel=0.5)


def test_need_grows_with_pixels_and_channels():
    tiny, large = SATConfig.preset("sat-tiny", scale=2), SATConfig.preset("sat", scale=4)
    assert memory.bytes_needed(tiny, 200, 100) > memory.bytes_needed(tiny, 100, 100)
    assert memory.bytes_needed(large, 100, 100) > memory.bytes_needed(tiny, 100, 100)
    assert memory.bytes_needed(tiny, 720, 1280) < 5 * 2**30


def test_need_covers_all_that_was_measured():
    """One formula, which the book draws, times what a process was seen to take of it."""
    rows = timings.results("memory")["rows"]
    assert {(row["preset"], row["scale"]) for row in rows} >= {("sat-tiny", 2), ("sat-light", 4), ("sat", 4)}
    for row in rows:
        config, (height, width) = SATConfig.preset(row["preset"], row["scale"]), row["grid"]
        formula = complexity(config, (width * config.scale, height * config.scale)).memory["satlib"]
        assert row["formula"] == formula, "the formula has changed: python -m benchmarks memory"
        assert row["bytes"] <= memory.TAKEN * formula
