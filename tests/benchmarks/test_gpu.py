"""The program for the GPU runs from end to end on the CPU, at small sizes, and its method finds what it must find."""

import json
import re
import sys
from pathlib import Path

import pytest
import torch

from benchmarks import __main__ as program
from benchmarks import gpu, gpu_limits, gpu_subjects
from benchmarks.gpu_timing import Method, Timing, affordable, timed
from satlib import SATConfig
from satlib.complexity import complexity
from satlib.figures.cost import speed_gpu
from satlib.figures.cost.gpu_report import report
from satlib.results import timings
from satlib.results.timings import gpu as results

CPU = torch.device("cpu")
PLAN = gpu.Plan(
    presets=("sat-tiny",),
    grid=(16, 24),
    patch=16,
    batch=2,
    large=(16, 24),
    sweep=((8, 8), (8, 16), (16, 16)),
    product=64,
    copy=2**16,
    method=Method(1, 2, 0.2),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What the program writes, and its exit code."""
    path = tmp_path_factory.mktemp("gpu") / "gpu.json"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gpu, "import_spandrel", missing)
        code = gpu.measure(CPU, PLAN, path)
    return json.loads(path.read_text()), code, path


def missing():
    raise ImportError("No module named 'spandrel'")


@pytest.mark.slow
def test_the_program_runs_through_and_nothing_fails(whole):
    content, code, _ = whole
    assert code == 0
    assert content["finished"] and content["took"] > 0
    assert content["machine"]["gpu"] == "cpu"
    assert list(content["sections"]) == list(gpu.SECTIONS)
    assert [row for rows in content["sections"].values() for row in rows if "failed" in row] == []


@pytest.mark.slow
def test_every_row_of_the_table_is_there(whole):
    sections = whole[0]["sections"]
    assert {(r["way"], r["format"]) for r in sections["forward"]} == {
        (way, f) for way in ("ours", "graph", "dense") for f in ("float32", "bfloat16")
    }
    assert {(r["way"], r["format"], r["batch"]) for r in sections["training"]} == {
        (way, f, 2) for way in ("ours", "dense") for f in ("float32", "bfloat16")
    }
    assert [tuple(r["grid"]) for r in sections["sweep"] if r["way"] == "ours"] == list(PLAN.sweep)
    assert sections["large"][0]["must"] == 16 * 2**30
    assert "peers" in sections["peers"][0]["skipped"]
    for row in sections["forward"] + sections["training"] + sections["large"]:
        if "skipped" not in row:
            assert row["seconds"] > 0 and row["bytes"] > 0
            assert row["quartiles"][0] <= row["seconds"] <= row["quartiles"][1]


@pytest.mark.slow
def test_results_are_right_before_they_are_timed(whole):
    for row in whole[0]["sections"]["forward"] + whole[0]["sections"]["training"]:
        if "skipped" not in row:
            assert row["agrees"] >= gpu_subjects.AT_LEAST[row["format"]]


@pytest.mark.parametrize("way", ["ours", "dense"])
def test_a_wrong_network_is_not_timed(monkeypatch, way):
    model = gpu_subjects.network("sat-tiny", 2, CPU).eval()
    forward = type(model).forward
    monkeypatch.setattr(gpu_subjects.dense, "sat", lambda model, x: forward(model, x) + 0.3 * torch.rand(()))
    monkeypatch.setattr(
        type(model), "forward", lambda self, x: forward(self, x) + (0.3 if x.dtype == torch.float32 else 0)
    )
    with pytest.raises(ArithmeticError, match=f"{way} in float32 agrees with float64 by .* dB, not 40"):
        gpu_subjects.check_forward(model, (16, 16), "float32", way)


def test_a_section_that_fails_says_why_and_the_others_go_on(tmp_path, monkeypatch):
    def broken(bench):
        yield {"seconds": 1.0}
        raise RuntimeError("CUDA error: an illegal access\nmore")

    monkeypatch.setattr(gpu, "SECTIONS", {"first": broken, "second": lambda bench: iter([{"seconds": 2.0}])})
    path = tmp_path / "gpu.json"
    assert gpu.measure(CPU, PLAN, path) == 1
    assert json.loads(path.read_text())["sections"] == {
        "first": [{"seconds": 1.0}, {"failed": "RuntimeError: CUDA error: an illegal access"}],
        "second": [{"seconds": 2.0}],
    }


def test_a_run_that_is_cut_off_keeps_its_rows(tmp_path, monkeypatch):
    def cut(bench):
        yield {"seconds": 1.0}
        raise KeyboardInterrupt

    monkeypatch.setattr(gpu, "SECTIONS", {"first": cut})
    path = tmp_path / "gpu.json"
    with pytest.raises(KeyboardInterrupt):
        gpu.measure(CPU, PLAN, path)
    content = json.loads(path.read_text())
    assert content["sections"] == {"first": [{"seconds": 1.0}]}
    assert not content["finished"]


def test_after_the_time_no_section_is_begun(tmp_path):
    path = tmp_path / "gpu.json"
    assert gpu.measure(CPU, gpu.Plan(budget=-1.0), path) == 0
    assert all(rows == [{"skipped": "the time was over"}] for rows in json.loads(path.read_text())["sections"].values())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_the_program_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["benchmarks", "gpu"])
    assert program.main() == 2
    assert capsys.readouterr().err == "python -m benchmarks gpu needs a GPU that torch can use; there is none here\n"


def test_a_training_batch_that_does_not_fit_is_halved(tmp_path, monkeypatch):
    tried = []

    def step(bench, model, batch, number_format, way):
        tried.append(batch)
        if batch > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return {"seconds": 1.0}

    monkeypatch.setattr(gpu, "_training_row", step)
    bench = gpu.Bench(CPU, gpu.Plan(), tmp_path / "x.json", {})
    assert gpu._largest_batch(bench, None, "float32", "dense") == {"batch": 4, "seconds": 1.0}
    assert tried == [32, 16, 8, 4]


def test_results_that_are_not_written_are_found_out():
    kept = torch.ones(3)
    with pytest.raises(ArithmeticError, match="not finite, or was not written"):
        timed(lambda: kept, CPU, Method(1, 3, 1.0))
    calls = []
    found = timed(lambda: torch.full((3,), 1.0), CPU, Method(2, 5, 10.0), refresh=lambda: calls.append(1))
    assert len(found.seconds) == 5 and len(calls) == 7


def test_slow_calls_are_made_less_often():
    method = Method(10, 50, 12.0)
    assert affordable(method, 0.01) == method
    assert affordable(method, 0.5) == Method(4, 24, 12.0)
    assert affordable(method, 5.0) == Method(1, 3, 12.0)
    assert affordable(method, 13.0) == Method(0, 1, 12.0)


def test_a_timing_is_its_median_and_quartiles():
    row = Timing([3.0, 1.0, 2.0, 5.0, 4.0], 7).row()
    assert row == {"seconds": 3.0, "quartiles": [1.5, 4.5], "repetitions": 5, "bytes": 7}
    assert Timing([2.0], 7).row()["quartiles"] == [2.0, 2.0]


def test_the_limit_is_all_multiply_adds_when_memory_is_free():
    config, grid = SATConfig.preset("sat", scale=4), (64, 96)
    rates = {"bfloat16": 1e12, "float32": 1e11, "bytes": 1e30}
    macs = complexity(config, (4 * 96, 4 * 64)).macs
    free = ("merge", "position bias", "norms")  # no products
    expected = sum(value for name, value in macs.items() if not any(word in name for word in free))
    assert gpu_limits.limit(config, grid, "bfloat16", rates) == pytest.approx(expected / 1e12, rel=0.01)
    assert gpu_limits.limit(config, grid, "float32", rates) == pytest.approx(expected / 1e11, rel=0.01)
    slow = {**rates, "bytes": 1.0}
    halves = [gpu_limits.limit(config, grid, f, slow) for f in ("bfloat16", "float32")]
    assert halves[1] == pytest.approx(2 * halves[0], rel=1e-6)


@pytest.mark.slow
def test_the_reader_takes_what_the_program_writes(whole, monkeypatch):
    monkeypatch.setattr(results, "FILE", whole[2])
    found = results.measured()
    assert found is not None and results.conditions(found).startswith("cpu")
    assert results.seconds(found, "forward", way="ours", format="bfloat16") > 0
    assert results.seconds(found, "forward", way="graph", format="bfloat16") is None
    assert list(results.forward(found, "float32")) == ["sat", "sat, dense"]
    assert [(line.way, line.tokens) for line in results.sweep(found)] == [
        (w, [64, 128, 256]) for w in ("ours", "dense")
    ]


@pytest.mark.slow
def test_the_report_has_every_table_or_says_that_there_is_nothing(whole, monkeypatch):
    text = re.sub(" +", " ", report(whole[0]))  # without the padding of the tables
    tables = ("forward pass", "training step", "way | N", "attention | format", "kernel of the forward pass")
    assert [head for head in tables if f"| {head} |" not in text] == []
    assert "A whole image of 24 × 16 pixels at x2 in bfloat16" in text
    assert "peers: the extra `peers` is not installed" in text
    for line in text.splitlines():
        assert not line.startswith("|") or line.endswith("|")
    monkeypatch.setattr(results, "FILE", Path("nowhere.json"))
    assert results.measured() is None
    assert report(None).startswith("**Not measured.** No GPU has been measured yet")
    assert results.COMMAND in report(None)


@pytest.mark.slow
def test_the_figure_has_a_bar_for_every_network(whole):
    content = {**whole[0], "sections": {**whole[0]["sections"]}}
    content["sections"]["peers"] = [{"name": "HAT", "format": "float32", "seconds": 0.25}]
    figure = speed_gpu.forward_bars(content, "float32")
    expected = results.forward(content, "float32")
    assert list(figure.data[0].x) == [1e3 * seconds for seconds in expected.values()]
    assert [text.split(":")[0] for text in figure.data[-1].text] == ["sat", "sat, dense", "HAT"]
    with pytest.raises(ValueError, match="'float8'"):
        speed_gpu.forward_bars(content, "float8")


def test_results_of_precision_are_those_of_both_networks():
    rows = timings.results("precision")["rows"]
    assert {row["model"] for row in rows} == {"sat-tiny-x2", "sat-tiny-x4"}
    for row in rows:
        assert row["between"] > 50
        assert abs(row["float32"] - row["bfloat16"]) < 0.1
        assert 0.9 < row["kept"] <= 1
