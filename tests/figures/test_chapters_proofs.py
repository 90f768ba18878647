"""The pictures and tables of the appendix on Theorem 3.2 show the numbers that they are given."""

import numpy as np
import pytest

from satlib import theory
from satlib.analysis.exact_attention import LayerError
from satlib.figures.chapters import proofs as pictures
from satlib.figures.chapters import proofs_ledger, proofs_tables
from satlib.theory import study

RESULTS = study.load_results()
POWERS = {(e.quantity, e.against): e for e in study.exponents(RESULTS)}


def cells(text: str) -> list[list[str]]:
    """Return the rows of a Markdown table, without the rule below its head."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [rows[0], *rows[2:]]


@pytest.mark.parametrize(
    ("draw", "panels"),
    [(pictures.lemmas, 4), (pictures.compression, 3), (pictures.failure_quantiles, 1), (pictures.lipschitz, 1)],
)
def test_every_panel_has_lines(draw, panels):
    shown = draw(RESULTS)
    assert len(shown.figure.axes) == panels
    assert all(ax.lines for ax in shown.figure.axes)
    assert len(shown.alt) > 100


def test_errors_at_every_ratio_are_on_the_slider_and_in_words():
    shown = pictures.every_ratio((1, 4, 16), (0.0, 0.3, 0.44))
    assert [frame.name for frame in shown.figure.frames] == ["1 : 1", "1 : 4", "1 : 16"]
    assert [list(frame.data[0].y) for frame in shown.figure.frames] == [[0.0], [0.3], [0.44]]
    assert "It is 0 at 1 : 1" in shown.alt and "is 0.44 at 1 : 16" in shown.alt


def test_each_aggregation_and_ratio_is_a_step_with_intervals():
    shown = pictures.aggregations(RESULTS)
    assert len(shown.figure.frames) == 9
    frame = next(frame for frame in shown.figure.frames if frame.name == "centre alone, 4 : 1")
    (line,) = [trace for trace in frame.data if trace.name == "SAA with log n"]
    rows = RESULTS.rows("coverage", size_ratio=4, aggregation="center", size_bias=True)
    assert list(line.y) == pytest.approx([row["total"][2] for row in rows], rel=1e-4)
    assert line.y[0] + line.error_y.array[0] == pytest.approx(rows[0]["total"][4], rel=1e-3)
    assert frame.layout.title.text in shown.alt


def test_spread_and_envelopes_are_of_the_study():
    assert [step.label for step in pictures.spread(RESULTS).figure.layout.sliders[0].steps] == ["1 : 1", "16 : 1"]
    half = study.envelope_splits(RESULTS)["every second → the others"]
    assert f"repaired {half['repaired'].rank:+.2f}" in pictures.envelopes(half).alt


def test_samplers_have_a_step_for_each_order_of_tokens():
    shown = pictures.samplers(RESULTS)
    assert [frame.name for frame in shown.figure.frames] == list(pictures.LAYOUTS.values())
    line = next(trace for trace in shown.figure.frames[1].data if trace.name == "stratified")
    rows = RESULTS.rows("samplers", layout="runs", method="stratified")
    assert list(line.y) == pytest.approx([row["missed"] for row in rows])
    assert "in turns: β = 4: uniform 52%, stratified 52%, grid 100% of 200 draws." in shown.alt


def test_assumptions_have_the_mixture_first_and_then_the_photographs():
    mixture = theory.make_mixture(64, 4, sigma=0.02)
    constants = theory.estimate_constants(mixture.x, n_centers=4, neighbors=2, labels=mixture.labels)
    _, first, *others = cells(proofs_tables.assumptions(constants, RESULTS))
    assert first[0] == "mixture" and first[5:7] == [f"{constants.sigma:.3f}", f"{constants.separation:.2f}"]
    rows = RESULTS.rows("image_constants")
    assert [row[0] for row in others] == [f"{row['name']}, {row['features']}" for row in rows]
    assert [row[7] for row in others] == [f"{row['size_ratio']:.0f}" for row in rows]


def test_the_ledger_has_eighteen_steps_and_its_evidence():
    names = proofs_ledger.Evidence._fields
    values = {name: 0.01 * i for i, name in enumerate(names, 1)} | {"jump": (3e-9, 0.64)}
    _, *rows = cells(proofs_ledger.ledger(proofs_ledger.Evidence(**values)))
    assert len(rows) == 18
    by_step = {row[0]: row[1:] for row in rows}
    assert by_step["Lemma 3, separation"][1] == "0.64 for 3e-09"
    assert by_step["Lemma 1, concentration"][1] == f"{values['radius']:.2f}; sharp {values['sharp']:.2f}"
    assert sum(verdict.startswith("holds") for verdict, *_ in by_step.values()) == 4
    assert sum("false" in verdict for verdict, *_ in by_step.values()) == 7


def test_rates_are_cubic_linear_or_none():
    _, *rows = cells(proofs_tables.rates(POWERS, RESULTS))
    assert [row[1].split(":")[0] for row in rows] == ["cubic", "linear", "none", "none"]
    assert "+3.00" in rows[0][1] and "+1.00" in rows[1][1]


def test_what_is_needed_grows_and_every_row_of_the_readings_is_there():
    grown, rarer, equal, regime = (RESULTS.rows(name) for name in ("jittered", "rare", "balanced", "proportional"))
    _, *rows = cells(proofs_tables.needed(grown, rarer, equal))
    assert [row[0] for row in rows] == ["A"] * len(grown) + ["B"] * len(rarer) + ["C"] * len(equal)
    for letter in "ABC":
        needed = [float(row[4]) for row in rows if row[0] == letter]
        assert needed == sorted(needed) and needed[-1] > 2 * needed[0]
    assert all(float(row[5]) > 0 for row in rows), "assumption 3 holds"
    _, *in_regime = cells(proofs_tables.regime(regime))
    assert [row[0] for row in in_regime] == [f"{row['n_tokens']:,}" for row in regime]
    said = proofs_tables.readings(grown, rarer, regime, 0.22)
    assert f"needed: {grown[0]['needed_field']:.1f} → {grown[-1]['needed_field']:.0f} (A)" in said
    assert said.count("**true and empty**") == 3 and said.count("**false**") == 1
    assert "{{" not in said


def test_medians_over_halves_are_told_by_bound():
    many = {"paper": {"tightness": 16.34, "loosest": 252.0, "rank": -0.2, "violations": 0.02}}
    assert cells(proofs_tables.resplits(many))[1] == ["paper", "16.3", "252", "-0.20", "2%"]


def test_yardsticks_are_medians_over_all_layers_of_all_photographs():
    one, other = LayerError(0.6, 0.1, 0.5, 0.2, 1.0, 0.7), LayerError(0.4, 0.3, 0.5, 0.2, 0.3, 0.7)
    head, *rows = cells(proofs_tables.yardsticks({"small, raw": [[one, other], [other, other]]}))
    assert head == ["relative error", "small, raw"]
    assert [row[0] for row in rows] == list(proofs_tables.WAYS)
    assert len(proofs_tables.WAYS) == len(LayerError._fields)
    assert [row[1] for row in rows][:2] == ["0.40", "0.30"]


def test_changes_of_quality_are_against_the_first_row():
    found = {"small": {"as trained": np.array([30.0, 31.0]), "with log n": np.array([30.2, 30.9])}}
    assert cells(proofs_tables.quality(found))[1] == ["with log n", "+0.050 (-0.10 to +0.20; +0.050)"]


def test_photographs_have_a_step_for_each_feature_and_tell_the_last_errors():
    shown = pictures.photographs(RESULTS)
    assert len(shown.figure.frames) == 9
    (row,) = RESULTS.rows("image_error", features="patches", name="coffee", beta=24, size_bias=True)
    frame = next(frame for frame in shown.figure.frames if frame.name == "patches, coffee")
    line = next(trace for trace in frame.data if trace.name == "SAA with log n")
    assert line.y[-1] == pytest.approx(row["total"][2], rel=1e-4)
    assert f"{row['total'][2]:.2f} with log n" in frame.layout.title.text


def test_layers_are_drawn_without_and_with_log_n_and_told_as_medians():
    first, last = LayerError(0.6, 0.1, 0.5, 0.2, 1.0, 0.7), LayerError(0.4, 0.2, 0.5, 0.2, 0.3, 0.7)
    shown = pictures.layers({"small": [[first, last], [first, last], [last, first]]})
    (ax,) = shown.figure.axes
    named = [line.get_label() for line in ax.lines if not line.get_label().startswith("_")]
    assert named == ["SAA, norms restored", "norms restored, log n", "mean value everywhere"]
    assert "small: SAA from 0.6 in the first layer to 0.4 in the last; with log n from 0.1 to 0.2" in shown.alt
