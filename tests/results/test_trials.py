"""`satlib.results.trials`: the statistics against textbook formulas and simulation; collecting a batch's results."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import ttest_rel

from benchmarks import trials as program
from satlib import SAT, SATConfig, load, samples, save
from satlib.analysis.layer_reports import layer_reports
from satlib.evaluation import evaluate
from satlib.results import trials
from satlib.runner.records import Record, write_record
from satlib.training.trials.experiment import read_experiment
from satlib.training.trials.measures import on_scenes

ROOT = Path(__file__).parents[2]
RESULTS = {"psnr": 30.5, "ssim": 0.9, "bicubic": 29.0, "step": 40, "seconds": 1.5, "best": 30.6}


def test_two_rows_are_compared_by_the_paired_t_test() -> None:
    a, b = [30.1, 30.4, 30.2, 30.9], [30.3, 30.5, 30.1, 31.2]
    interval = ttest_rel(b, a).confidence_interval(0.95)
    found = trials.differences({"a": a, "b": b}, "a")["b"]
    assert found.mean == pytest.approx((interval.low + interval.high) / 2)
    assert found.half == pytest.approx((interval.high - interval.low) / 2)
    assert not found.seen


def test_what_all_rows_share_in_a_seed_is_no_noise() -> None:
    rows = {"a": [30.0, 31.0, 29.0], "b": [30.2, 31.2, 29.2], "c": [29.9, 30.9, 28.9]}
    found = trials.differences(rows, "a")
    assert [found[row].mean for row in "bc"] == pytest.approx([0.2, -0.1])
    assert all(d.half < 1e-12 and d.seen for d in found.values())


def test_intervals_and_the_visible_difference_are_as_often_right_as_they_say() -> None:
    generator, true, sure, kept = np.random.default_rng(0), 0.1, [], []
    for _ in range(2000):
        noise = generator.normal(0, 0.05, (4, 3))
        rows = {name: list(30 + row) for name, row in zip("abcd", noise, strict=True)}
        rows["b"] = [value + true for value in rows["b"]]
        found = trials.differences(rows, "a")["b"]
        kept.append(abs(found.mean - true) < found.half)
        moved = found.mean - true + found.visible
        sure.append(abs(moved) > found.half)
    assert np.mean(kept) == pytest.approx(trials.LEVEL, abs=0.02)
    assert np.mean(sure) == pytest.approx(trials.POWER, abs=0.04)


def test_printed_differences_are_those_of_the_papers_tables() -> None:
    assert trials.printed() == pytest.approx(
        {"norm_none": -0.03, "grid": -0.05, "random": -0.08, "mean": -0.07, "center": -0.16}
    )
    assert trials.printed("Manga109 PSNR")["grid"] == pytest.approx(-0.19)
    with pytest.raises(ValueError, match="no number in column 'BSD100 PSNR'"):
        trials.printed("BSD100 PSNR")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"a": [1.0, 2.0]}, "at least two rows with two seeds are needed, got 1 with 2"),
        ({"a": [1.0], "b": [2.0]}, "at least two rows with two seeds are needed, got 2 with 1"),
        ({"b": [1.0, 2.0]}, "no row 'a' among b"),
    ],
)
def test_too_little_to_compare_is_an_error(rows: dict[str, list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trials.differences(rows, "a")


def test_a_table_has_the_same_seeds_in_every_row() -> None:
    jobs = [{"row": row, "seed": seed, "psnr": seed + len(row)} for row in ("a", "bb") for seed in (1, 0)]
    assert trials.table(jobs, "psnr") == {"a": [1, 2], "bb": [2, 3]}
    with pytest.raises(ValueError, match=r"row bb has the seeds \[1\], another \[0, 1\]"):
        trials.table(jobs[:-1], "psnr")


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    out = tmp_path / "out"
    for seed in (0, 1):
        work = out / "work" / f"row-seed{seed}-0"
        work.mkdir(parents=True)
        config = SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1,), window=(4, 8), seed=seed)
        save(SAT(config), work / "last.safetensors")
        parameters: dict[str, object] = {"seed": seed, "out": str(work)}
        record = Record(f"row-seed{seed}", "0", parameters, "done", 2.0, 0, None, {**RESULTS, "psnr": 30.5 + seed})
        write_record(record, out / f"{record.name}.json")
    return out


def collected(arguments: list[str]) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["benchmarks", "trials", *arguments])
        return program.main()


def test_collecting_keeps_each_job_and_measures_its_weights(batch: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    samples.load("coffee").crop((100, 100, 140, 132)).save(photos / "coffee.png")
    to = tmp_path / "trials.json"
    assert collected([str(batch), "--to", str(to), "--data", str(photos)]) == 0
    content = json.loads(to.read_text())
    assert content["steps"] == 40
    assert [(job["row"], job["seed"], job["psnr"]) for job in content["jobs"]] == [("row", 0, 30.5), ("row", 1, 31.5)]
    weights = batch / "work" / "row-seed1-0" / "last.safetensors"
    assert content["jobs"][1]["photos"] == evaluate(weights, photos, scale=2).psnr


def test_a_job_that_is_not_done_is_an_error_and_nothing_is_written(
    batch: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_record(Record("row-seed2", "0", {"seed": 2}, "failed"), batch / "row-seed2.json")
    assert collected([str(batch), "--to", str(tmp_path / "trials.json")]) == 2
    assert "row-seed2.json: the job is failed; run the batch again first" in capsys.readouterr().err
    assert not (tmp_path / "trials.json").exists()


def test_an_empty_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert collected([str(tmp_path), "--to", str(tmp_path / "trials.json")]) == 2
    assert "there is no record of a job in" in capsys.readouterr().err


def test_an_experiment_gives_its_finished_trainings_with_their_curves(tmp_path: Path) -> None:
    out, to = tmp_path / "out", tmp_path / "trials.json"
    folder = out / "none-seed1"
    folder.mkdir(parents=True)
    config = SATConfig.preset("sat-tiny", scale=2, channels=8, heads=2, groups=(1,), window=(4, 8))
    save(SAT(config), folder / "last.safetensors")
    (folder / "valid.csv").write_text("step,psnr,ssim,seconds\n500,26.62424,0.6,1\n1000,26.70061,0.6,1\n")
    job = {"row": "none", "seed": 1, "psnr": 26.7, "swap": 0.0, "step": 1000}
    (out / "results.json").write_text(json.dumps({"steps": 1000, "jobs": [job]}))
    photos = tmp_path / "photos"
    photos.mkdir()
    samples.load("coffee").crop((100, 100, 140, 132)).save(photos / "coffee.png")
    assert collected([str(out), "--to", str(to), "--data", str(photos)]) == 0
    (found,) = json.loads(to.read_text())["jobs"]
    score = evaluate(folder / "last.safetensors", photos, scale=2).psnr
    assert found == job | {"curve": [[500, 26.624], [1000, 26.701]], "photos": score}


def test_layers_are_reported_on_the_middle_of_the_photographs(
    batch: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = np.asarray(samples.load("coffee").convert("RGB"))
    (y, x), found = (
        ((n - 168) // 2 for n in whole.shape[:2]),
        dict(zip(samples.names(), program.squares(), strict=True)),
    )
    assert (found["coffee"] == whole[y : y + 168, x : x + 168]).all()
    assert {square.shape for square in found.values()} == {(168, 168, 3)}

    few, to = [square[:24, :32] for square in found.values()][:2], tmp_path / "trials.json"
    monkeypatch.setattr(program, "squares", lambda: few)
    save(
        SAT(SATConfig.preset("sat-tiny", 2, groups=(1,), selective="none")), batch / "work/row-seed0-0/last.safetensors"
    )
    assert collected([str(batch), "--to", str(to), "--layers"]) == 0
    without, own = json.loads(to.read_text())["jobs"]
    expected = layer_reports(load(batch / "work" / "row-seed1-0" / "last.safetensors"), few)
    assert without["layers"] == [] and own["layers"] == [report._asdict() for report in expected]


@pytest.mark.parametrize("name", trials.NAMES)
def test_each_training_stands_once(name: str) -> None:
    content = trials.results(name)
    named = [(job["row"], job["seed"]) for job in content["jobs"]]
    assert len(set(named)) == len(named) > 0
    assert all(job["psnr"] > job["bicubic"] and job["step"] == content["steps"] for job in content["jobs"])


@pytest.mark.slow
@pytest.mark.parametrize("network", trials.NETWORKS)
def test_a_kept_network_is_that_of_its_training(network: str) -> None:
    """What its training gave is what it gives: measured again on the same held-out maps."""
    match = re.fullmatch(r"(\w+)-(\w+)-seed(\d+)", network)
    assert match is not None
    name, row, seed = match.groups()
    (job,) = (j for j in trials.results(name)["jobs"] if (j["row"], j["seed"]) == (row, int(seed)))
    experiment = read_experiment(ROOT / "runs" / "experiments" / f"{name}.yaml", "scenes")
    assert experiment.scenes is not None
    found = on_scenes(load(trials.weights(network)), experiment.scenes)
    for key in ("psnr", "parts", "gain", "swap_parts"):
        assert found[key] == pytest.approx(job[key], abs=1e-3)


def test_an_unknown_network_is_named() -> None:
    with pytest.raises(
        ValueError, match="no network 'legends-none-seed0' is kept; choose one of legends_long-similarity-seed0"
    ):
        trials.weights("legends-none-seed0")


@pytest.mark.parametrize("name", ["size_bias", "first_look"])
def test_what_comes_with_the_package_has_three_seeds_of_every_row(name: str) -> None:
    content = trials.results(name)
    rows = trials.table(content["jobs"], "psnr")
    assert len(rows) >= 2
    assert all(len(values) >= 3 for values in rows.values())
    assert all(job["psnr"] > job["bicubic"] and job["step"] == content["steps"] for job in content["jobs"])


def test_unknown_trials_are_named() -> None:
    with pytest.raises(ValueError, match=f"unknown trials 'other'; choose one of {', '.join(trials.NAMES)}"):
        trials.results("other")
