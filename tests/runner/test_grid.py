"""Batch files: which jobs they stand for, what is wrong with bad ones, and the ablations in runs/."""

from pathlib import Path

import pytest
import yaml

from satlib.runner import plan_batch
from satlib.runner.grid import read_batch
from satlib.training import read_config

ROOT = Path(__file__).parents[2]
# The values of each ablation; those of Tables C, D, F and H are in the paper's order.
ABLATIONS: dict[str, tuple[str, list[object]]] = {
    "norm_restoration": ("norm_restoration", ["max", "mean", "none"]),
    "qk_ratio": ("qk_ratio", [1.0, 0.8, 0.5, 0.3]),
    "sampling": ("sampling", ["stratified", "strips", "grid", "random"]),
    "subsample": ("subsample", [2, 4, 8]),
    "aggregation": ("aggregation", ["similarity", "mean", "center"]),
    "neighbors": ("neighbors", [30, 50, 100, 0.1]),
    "size_bias": ("size_bias", [False, True]),
}


def batch_file(folder: Path, **content: object) -> Path:
    path = folder / "b.yaml"
    path.write_text(yaml.safe_dump({"notebook": "n.md", **content}, sort_keys=False))
    return path


def test_runs_times_grid(tmp_path: Path) -> None:
    runs = {"plain": {}, "wide": {"width": 8, "steps": 20}}
    path = batch_file(tmp_path, common={"steps": 10, "device": "cpu"}, runs=runs, grid={"seed": [0, 1], "b": ["x/y"]})
    batch = read_batch(path, {"device": "cuda"})
    assert batch.notebook == Path("n.md")
    assert batch.jobs == {
        "plain-seed0-bx_y": {"steps": 10, "device": "cuda", "seed": 0, "b": "x/y"},
        "plain-seed1-bx_y": {"steps": 10, "device": "cuda", "seed": 1, "b": "x/y"},
        "wide-seed0-bx_y": {"steps": 20, "device": "cuda", "width": 8, "seed": 0, "b": "x/y"},
        "wide-seed1-bx_y": {"steps": 20, "device": "cuda", "width": 8, "seed": 1, "b": "x/y"},
    }


def test_names(tmp_path: Path) -> None:
    assert list(read_batch(batch_file(tmp_path)).jobs) == ["b"]
    assert list(read_batch(batch_file(tmp_path, runs={"one": {}})).jobs) == ["one"]
    named = batch_file(tmp_path, name="{run}_{rate:.0e} {seed:03d}", runs={"a": {"rate": 0.001}}, grid={"seed": [7]})
    assert list(read_batch(named).jobs) == ["a_1e-03_007"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"grids": {}}, "unknown key 'grids'; the keys are notebook, common, runs, grid, name, inputs"),
        ({"notebook": 3}, "notebook must be a path, got 3"),
        ({"name": 3}, "name must be text, got 3"),
        ({"inputs": "a"}, "inputs must be a list of paths, got 'a'"),
        ({"common": [1]}, "common must be a mapping from names to values, got [1]"),
        ({"common": {1: 2}}, "common must be a mapping from names to values, got {1: 2}"),
        ({"runs": {}}, "runs must not be empty"),
        ({"runs": {"a": 3}}, "runs: a must be a mapping from names to values, got 3"),
        ({"grid": {"seed": 3}}, "grid: seed must be a list of values, got 3"),
        ({"grid": {"seed": []}}, "grid: seed must be a list of values, got []"),
        ({"grid": {"a": [1]}, "runs": {"r": {"a": 2}}}, "a is in the grid and in the run r"),
        ({"grid": {"seed": [1, 1]}}, "two jobs have the name 'seed1'"),
        ({"grid": {"seed": [1, 2]}, "name": "x"}, "two jobs have the name 'x'"),
        ({"name": "{sed}", "common": {"seed": 1}}, "name: '{sed}' cannot be filled in: 'sed'; known are run, seed"),
        ({"name": "{seed:q}", "common": {"seed": 1}}, "name: '{seed:q}' cannot be filled in"),
        ({"name": "{}"}, "name: '{}' cannot be filled in"),
        ({"grid": {"device": ["cpu", "cuda"]}}, "device differs from job to job and cannot be set for all"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path: Path, content: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError) as error:
        read_batch(batch_file(tmp_path, **content), {"device": "cuda"})
    assert message in str(error.value) and "b.yaml: " in str(error.value)


def test_files_that_are_no_mappings(tmp_path: Path) -> None:
    path = tmp_path / "b.yaml"
    for text in ("a: [", "[1]", "\x00"):
        path.write_text(text)
        with pytest.raises(ValueError, match="b.yaml"):
            read_batch(path)
    with pytest.raises(FileNotFoundError):
        read_batch(tmp_path / "missing.yaml")


def test_every_ablation_is_checked_here() -> None:
    assert {path.stem for path in (ROOT / "runs/ablations").glob("*.yaml")} == {*ABLATIONS, "first_look"}


def test_the_first_look_has_the_papers_choices_and_rows_that_differ_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    jobs = plan_batch("runs/ablations/first_look.yaml", tmp_path)
    given = [job.parameters for job in jobs]
    configs = [read_config(p["config"], p.get("overrides", [])).network.to_dict() for p in given]
    found = [{(k, v) for k, v in config.items() if v != configs[0][k]} for config in configs]
    one_each = [
        ("norm_restoration", "none"),
        ("aggregation", "mean"),
        ("aggregation", "center"),
        ("sampling", "random"),
        ("sampling", "grid"),
        ("sampling", "strips"),
    ]
    assert found == [row for row in (set(), *({pair} for pair in one_each)) for _ in range(3)]
    assert [p["seed"] for p in given] == [0, 1, 2] * 7


@pytest.mark.parametrize("name", ABLATIONS)
def test_ablations_are_the_papers(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    field, values = ABLATIONS[name]
    monkeypatch.chdir(ROOT)
    jobs = plan_batch(f"runs/ablations/{name}.yaml", tmp_path)
    found = []
    for job in jobs:
        config = read_config(job.parameters["config"], job.parameters["overrides"])
        found.append((getattr(config.network, field), job.parameters["seed"]))
        assert set(job.places) == {"out", "results"}
    assert found == [(value, seed) for value in values for seed in (0, 1, 2)]
    assert read_batch(f"runs/ablations/{name}.yaml").inputs == (Path(jobs[0].parameters["config"]),)
