"""Committed numbers are read once, and nobody can change them for others."""

import json
from pathlib import Path

import pytest

from satlib.complexity.layer_costs import layer_costs
from satlib.config import SATConfig
from satlib.results import timings
from satlib.results.reading import choose_results, read_results

FOLDER = Path(timings.__file__).parent


def thawed(value):
    """Return a value as json reads it."""
    if hasattr(value, "items"):
        return {key: thawed(part) for key, part in value.items()}
    return [thawed(part) for part in value] if isinstance(value, tuple) else value


@pytest.mark.parametrize("name", timings.NAMES)
def test_results_are_those_of_the_file(name: str) -> None:
    assert thawed(timings.results(name)) == json.loads((FOLDER / f"{name}.json").read_text())
    assert timings.results(name) is timings.results(name)


def test_nothing_of_them_can_be_changed() -> None:
    found = timings.results("cpu")
    with pytest.raises(TypeError, match="does not support item assignment"):
        found["machine"]["cores"] = 1
    with pytest.raises(TypeError, match="does not support item assignment"):
        found["rows"][0] = {}


def test_an_unknown_name_is_named() -> None:
    with pytest.raises(ValueError, match="unknown numbers 'b'; choose one of a, c"):
        choose_results("satlib.results.timings", "b", ("a", "c"), "numbers")
    with pytest.raises(FileNotFoundError, match="none.json"):
        read_results("satlib.results.timings", "none")


def test_costs_of_a_layer_are_not_shared_either() -> None:
    parameters, rates = layer_costs(SATConfig.preset("sat-tiny", 2))
    with pytest.raises(TypeError, match="does not support item assignment"):
        parameters["head"] = 0
    with pytest.raises(TypeError, match="does not support item assignment"):
        rates["norms"] = rates["convolutions"]


@pytest.mark.parametrize(
    ("start", "end", "beside"), [(0.1, 1.1, False), (1.6, 1.0, False), (0.4, 2.5, False), (2.8, 2.1, True)]
)
def test_a_load_at_start_and_end_is_other_work(
    monkeypatch: pytest.MonkeyPatch, start: float, end: float, beside: bool
) -> None:
    content = {"machine": {"load": (start, 0, 0), "load at end": (end, 0, 0)}}
    monkeypatch.setattr(timings, "results", lambda name: content)
    assert timings.beside_other_work("peers") is beside
