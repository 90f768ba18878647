"""The study: its committed results, that they can be measured again, that it resumes, and the figures drawn from it."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from satlib import _version, theory
from satlib.figures.theory import bounds as pictures
from satlib.figures.theory import sliders as sliders
from satlib.theory import study
from satlib.theory.__main__ import main
from satlib.theory.study import run

RESULTS = study.load_results()


def slopes() -> dict[tuple[str, str], theory.Slope]:
    return {(e.quantity, e.against): e.slope for e in study.exponents(RESULTS)}


def test_committed_results_are_complete_and_of_this_version() -> None:
    assert RESULTS.version == _version.__version__
    assert list(RESULTS.tables) == [e.name for e in study.EXPERIMENTS]
    for experiment in study.EXPERIMENTS:
        rows = RESULTS.rows(experiment.name)
        assert [{k: row[k] for k in s} for row, s in zip(rows, experiment.settings, strict=True)] == list(
            experiment.settings
        )


# A cheap row of each experiment; the chapter measures some others again.
LIVE = [
    ("size_blind", {"n_tokens": 256, "n_centers": 8, "size_ratio": 16}),
    ("covered", {"sigma": 0.02, "aggregation": "similarity", "size_ratio": 16}),
    ("coverage", {"beta": 4, "size_ratio": 4, "aggregation": "mean", "size_bias": False}),
    ("samplers", {"layout": "periodic", "method": "grid", "beta": 4}),
    ("concentration", {"n_tokens": 1024}),
    ("bias", {"intrinsic_dim": 2, "n_samples": 64}),
    ("stability", {"beta": 4, "sigma": 0.1}),
    ("perturbation", {"beta": 4, "aggregation": "similarity"}),
    ("lifted", {"n_tokens": 256, "sigma": 0.1}),
    ("envelope", {"index": 24}),
    ("lipschitz", {"sigma": 0.02, "aggregation": "center"}),
    ("jittered", {"n_tokens": 300}),
    ("balanced", {"n_tokens": 256}),
    ("rare", {"size_ratio": 16}),
    ("proportional", {"n_tokens": 512}),
    ("image_error", {"features": "layernorm", "name": "astronaut", "beta": 2, "size_bias": True}),
    ("image_constants", {"features": "patches", "name": "brick"}),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "setting"), LIVE, ids=[name for name, _ in LIVE])
def test_a_row_measured_again_equals_the_committed_one(name: str, setting: dict[str, study.Value]) -> None:
    (committed,) = RESULTS.rows(name, **setting)
    full = next(e for e in study.EXPERIMENTS if e.name == name).settings
    (setting,) = [s for s in full if setting.items() <= s.items()]
    again = study.measure(name, **setting)
    assert again.keys() == committed.keys()
    for key, value in committed.items():
        expected = value if isinstance(value, (str, bool)) else pytest.approx(value, rel=1e-3, abs=1e-9)
        assert again[key] == expected, key


def test_attention_error_grows_with_n_and_log_n_removes_it() -> None:
    found = slopes()
    assert found["attention error, S = N", "N"].value == pytest.approx(0.5, abs=0.02)
    assert found["attention error, S = N", "K"].high < 0 < 1  # the theorem's second term has the exponent +1
    for row in RESULTS.rows("size_blind"):
        if row["size_ratio"] != 1:
            assert max(row["aware"]) < 1e-4 * min(row["blind"])
        assert (np.array(row["blind"]) <= np.array(row["proved"]) + 1e-4).all()


def test_coverage_decides() -> None:
    for row in RESULTS.rows("coverage"):
        assert row["disagreements"] == 0
        spread = 4 * np.sqrt(max(row["probability"] * (1 - row["probability"]), 1e-4) / row["draws"])
        assert abs(row["missed"] - row["probability"]) < spread
        if row["size_bias"] and row["aggregation"] != "center" and "none" not in (row["missing"], row["covered"]):
            assert row["missing"] > 100 * row["covered"]


def test_exponents_given_coverage() -> None:
    found = slopes()
    assert found["cluster error, covered, similarity", "σ"].value == pytest.approx(3, abs=0.05)
    assert found["cluster error, covered, centre alone", "σ"].value == pytest.approx(1, abs=0.05)
    assert found["attention error, covered, log n", "σ"].value == pytest.approx(2, abs=0.05)
    assert found["cluster error, median", "L"].value == pytest.approx(3, abs=0.1)
    assert found["cluster error, centre alone, median", "L"].value == pytest.approx(1, abs=0.1)
    assert found["cluster error, 95 % quantile", "L"].low < 0 < found["cluster error, 95 % quantile", "L"].high
    for row in RESULTS.rows("covered"):
        assert row["aware"][-1] <= row["bound"] * 1.2  # a median over mixtures against the worst draw
        if row["aggregation"] == "mean":
            assert max(row["cluster"]) < 1e-12


def test_density_bias_depends_on_the_dimension() -> None:
    values = [slopes()[f"density bias, dimension {d}, Lemma 2", "S"].value for d in (1, 2, 4, 8, 16)]
    assert values == sorted(values)
    assert values[0] < -1.9 and values[-1] > -0.45


def test_lemma_4_condition_never_holds_and_lemma_6_does_not_decay() -> None:
    assert {row["condition"] for row in RESULTS.rows("stability")} == {0.0}
    assert {row["same"] for row in RESULTS.rows("stability")} == {0.0}
    assert abs(slopes()["lifted attention, Lemma 6", "N"].value) < 0.05


def test_log_n_helps_on_photographs_with_unit_norms() -> None:
    for row in RESULTS.rows("image_error", size_bias=False):
        (aware,) = RESULTS.rows("image_error", size_bias=True, **{k: row[k] for k in ("features", "name", "beta")})
        if row["features"] != "raw":
            assert row["total"][2] > 3 * aware["total"][2]
            assert row["total"][2] > row["random"]


def test_envelope_test_holds_out_what_it_fitted() -> None:
    splits = study.envelope_splits(RESULTS)
    for verdicts in splits.values():
        assert list(verdicts) == list(study.BOUNDS)
        for verdict in verdicts.values():
            assert 0 < len(verdict.error) < len(RESULTS.rows("envelope"))
            assert verdict.violations == pytest.approx((verdict.bound < verdict.error).mean())
    half = splits["every second → the others"]
    assert half["repaired"].rank > half["trivial"].rank > half["paper"].rank
    assert study.envelope_table(splits).count("\n") == 1 + 4 * 3


def test_envelope_of_an_unknown_bound_is_an_error() -> None:
    with pytest.raises(ValueError, match="bound must be one of"):
        study.judge(RESULTS.rows("envelope"), "best", np.arange(120) < 60)


def test_unknown_experiments_are_named() -> None:
    with pytest.raises(ValueError, match="experiment must be one of .* got 'none'"):
        RESULTS.rows("none")
    with pytest.raises(ValueError, match="got 'none'"):
        study.measure("none")


@pytest.fixture
def small_study(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Replace the experiments by one that counts its calls and fails at the fourth."""
    calls: list[int] = []

    def square(n: int) -> study.Row:
        calls.append(n)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return {"square": n * n}

    experiment = study.Experiment("square", tuple({"n": n} for n in range(6)), square)
    monkeypatch.setattr(run, "EXPERIMENTS", (experiment,))
    return calls


def test_an_interrupted_study_goes_on_where_it_stopped(small_study: list[int], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        main(["study", "--out", str(tmp_path)])
    assert not (tmp_path / "results.json").exists()
    with (tmp_path / "square.jsonl").open("a") as file:
        file.write('\n{"version": "' + _version.__version__ + '", "sec')  # cut off while writing
    path = study.run_study(tmp_path)
    assert small_study == [0, 1, 2, 3, 3, 4, 5]
    tables = json.loads(path.read_text())["tables"]
    assert tables == {"square": [{"n": n, "square": n * n} for n in range(6)]}
    study.run_study(tmp_path)
    assert len(small_study) == 7  # nothing left to measure


def test_rows_of_another_version_are_measured_again(small_study: list[int], tmp_path: Path) -> None:
    line = {"version": "0.0.0", "seconds": 1, "row": {"n": 0, "square": -1}}
    (tmp_path / "square.jsonl").write_text(json.dumps(line) + "\n")
    with pytest.raises(KeyboardInterrupt):
        study.run_study(tmp_path)
    assert small_study == [0, 1, 2, 3]


def test_command_line(small_study: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_study += [0] * 10  # past the failure
    assert main(["study", "--out", str(tmp_path / "new")]) == 0
    shown = capsys.readouterr()
    assert shown.out.strip() == str(tmp_path / "new" / "results.json")
    assert shown.err.splitlines()[-1].startswith("square: 6 of 6")
    (tmp_path / "file").touch()
    assert main(["study", "--out", str(tmp_path / "file")]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_pictures_are_drawn() -> None:
    verdicts = study.envelope_splits(RESULTS)["every second → the others"]
    for figure in (
        pictures.attention_error(RESULTS),
        pictures.failure_quantiles(RESULTS),
        pictures.lipschitz(RESULTS),
        pictures.lemmas(RESULTS),
        pictures.envelopes(verdicts),
    ):
        assert isinstance(figure, Figure)
        assert all(ax.lines for ax in figure.axes)


def test_sliders_give_every_line_new_values() -> None:
    two = sliders.two_clusters([1, 4, 16], [0, 0.3, 0.44])
    assert [f.name for f in two.frames] == [s.label for s in two.layout.sliders[0].steps]
    figure = sliders.spread(RESULTS)
    for slider in figure.layout.sliders:
        for step in slider.steps:
            (change,) = step.args
            values = next(iter(change.values()))
            assert len(values) == len(figure.data)
    first = figure.layout.sliders[0].steps[0].args[0]["y"]
    assert [list(line.y) for line in figure.data] == [list(y) for y in first]
