"""The benchmarks time what they say they time, and what they wrote can be read."""

import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
import torch

from benchmarks import __main__ as program
from benchmarks import parts, profile, protocol, sweep
from benchmarks.needs import needs
from satlib import SAT, SATConfig
from satlib.complexity import complexity
from satlib.dta import Aggregation
from satlib.results import timings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clock(monkeypatch):
    """Replace CPU time: a call takes as many seconds as it returns; the calls are noted."""
    calls = []

    def seconds(run):
        calls.append(run())
        return float(calls[-1])

    monkeypatch.setattr(protocol, "cpu_seconds", seconds)
    return calls


def test_calls_are_warmed_up_and_take_turns(clock):
    found = protocol.in_turn({"a": lambda: 0.1, "b": lambda: 0.2}, repetitions=2)
    assert found == {"a": [0.1, 0.1], "b": [0.2, 0.2]}
    assert clock == [0.1, 0.2] * 3


def test_slow_calls_are_repeated_three_times_and_those_over_the_limit_not_at_all(clock):
    found = protocol.in_turn({"fast": lambda: 0.5, "slow": lambda: 2, "endless": lambda: 90}, limit=60)
    assert found == {"fast": [0.5] * 3, "slow": [2] * 3, "endless": [90]}
    assert clock.count(90) == 1


def test_growth_is_that_of_the_peak():
    """In a new process: an old one may have enough memory that was freed, and not grow."""
    script = (
        "import torch\nfrom benchmarks.protocol import growth_in\n"
        "print(growth_in(lambda: float((torch.ones(2**24) + 1).sum())))\n"  # 64 MiB, and again for the sum
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert 120e6 < int(done.stdout) < 170e6


def test_a_line_of_the_sweep_ends_before_a_limit():
    points = [sweep.Point((16, 16), [1.0], 10**9), sweep.Point((16, 32), [4.0], 2 * 10**9)]
    assert sweep.too_much(points, (32, 32)) == ""
    points.append(sweep.Point((32, 32), [16.0], 3 * 10**9))
    assert sweep.too_much(points, (32, 64)) == "32 × 64 would take about 64 s"
    points[-1] = sweep.Point((32, 32), [5.0], 3 * 10**9)
    assert sweep.too_much(points, (32, 64)) == "32 × 64 would take about 4.5 GB"


@pytest.mark.parametrize("preset", ["sat", "sat-light"])
def test_needs_are_those_of_complexity(preset):
    config, grid = SATConfig.preset(preset), (64, 96)
    macs, layers = complexity(config, (4 * 96, 4 * 64)).macs, sum(config.groups)
    found = {name: need.macs for name, need in needs(config, grid).items()}
    window = ("local linear", "local depthwise", "window QK^T", "window AV")
    assert found["window attention"] * layers / 2 == sum(macs[stage] for stage in window)
    assert found["aggregation"] * layers == macs["density S x S"] + macs["assignment N x K"]
    assert found["SAA attention"] * layers == sum(macs[stage] for stage in ("SAA linear", "SAA QK^T", "SAA AV"))
    assert found["gated MLP"] * 2 * layers == macs["MLP linear"] + macs["MLP depthwise"]


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", groups=(2, 1))).eval()


def values(result):
    """Return what a part computes as a list of tensors."""
    result = result[0] if isinstance(result, tuple) and not isinstance(result, Aggregation) else result
    result = result.tokens if isinstance(result, Aggregation) else result
    return result if isinstance(result, list) else [result]


def test_parts_compute_the_same_in_both_ways(tiny):
    found = parts.parts(tiny, (32, 48))
    names = ["window attention", "aggregation", "SAA layer", "gated MLP", "norms", "convolutions", "upsampler"]
    assert [part.name for part in found] == names
    assert [part.count for part in found] == [1.5, 3, 3, 6, 14, 3, 1]
    for part in found:
        for slow, fast in zip(values(part.dense()), values(part.ours()), strict=True):
            slow = slow.flatten(2).mT if slow.ndim == 4 and fast.ndim == 3 else slow
            torch.testing.assert_close(slow, fast, rtol=1e-3, atol=1e-3)


def test_the_time_of_saa_attention_is_that_of_the_layer_without_aggregation():
    seconds = {"aggregation": [1.0, 2.0], "SAA layer": [4.0, 6.0], "norms": [3.0, 3.0]}
    expected = {"aggregation": [1.0, 2.0], "SAA attention": [3.0, 4.0], "norms": [3.0, 3.0]}
    assert parts.without_aggregation(seconds) == expected


def test_kinds_of_work_are_told_apart():
    x = torch.rand(600, 600)
    product = profile.by_kind(lambda: x @ x @ x @ x)
    assert max(product, key=product.get) == "products"
    selection = profile.by_kind(lambda: x.topk(300))
    assert max(selection, key=selection.get) == "selection"


def test_an_unknown_program_is_refused_with_the_list(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "nonsense"])
    assert program.main() == 2
    shown = capsys.readouterr().err
    assert [name for name in program.PROGRAMS if f"\n{name} " not in shown] == []


@pytest.mark.parametrize("name", timings.NAMES)
def test_every_program_has_left_results_with_their_conditions(name):
    assert name in program.PROGRAMS
    machine = timings.results(name)["machine"]
    several = name in ("newcomer", "spins")  # a newcomer chooses no number; what waits for others has some
    assert machine["threads"] == (machine["cores"] if several else 1)
    assert len(machine["load"]) == len(machine["load at end"]) == 3
    assert timings.conditions(name).startswith(machine["processor"])
    assert ("one thread" in timings.conditions(name)) == (not several)


def test_unknown_results_are_refused():
    with pytest.raises(ValueError, match="'gpu'"):
        timings.results("gpu")
    with pytest.raises(ValueError, match="'sat-tiny'"):
        timings.stages("sat-tiny")


def test_ratios_are_those_of_medians_and_spreads_those_of_turns():
    assert timings.ratio([2.0, 4.0, 9.0], [1.0, 2.0, 3.0]) == 2
    assert timings.ratio(30, 10) == 3
    assert timings.spread([2.0, 4.0, 9.0], [1.0, 2.0, 3.0]) == (2, 3)


def test_the_sweep_is_one_line_for_each_subject_and_way():
    lines = timings.sweep()
    assert {(line.subject, line.way) for line in lines} == {(s, w) for s in sweep.SUBJECTS for w in sweep.WAYS}
    for line in lines:
        assert line.tokens == sorted(line.tokens)
        assert len(line.tokens) == len(line.seconds) == len(line.n_bytes) > 2
        assert line.stopped or line.tokens[-1] == 512 * 512


def test_limits_are_reached_by_no_stage_and_grow_with_the_shapes():
    content = timings.results("roofline")
    for network in content["networks"]:
        for stage, row in zip(timings.stages(network["preset"]), network["stages"], strict=True):
            assert stage.measured == median(row["seconds"])
            arithmetic = sum(p["macs"] for p in row["products"]) / content["rates"]["multiply-adds"]
            assert stage.limit >= max(arithmetic, row["bytes"] / content["rates"]["bytes"])
            assert stage.at_shapes >= 0.95 * stage.limit  # rates are measured, and scatter
            assert stage.distance == stage.measured / stage.limit
