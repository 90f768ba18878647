"""The pictures and tables of chapter 14 show the run, the photographs and the centres that they are given."""

import numpy as np
import pytest

from satlib import SAT, SATConfig, samples, trace
from satlib.figures.chapters import training as pictures
from satlib.figures.chapters import training_tables as tables
from satlib.images.degradation import low_resolution
from satlib.training import TrainConfig
from satlib.training.validation import Example

LOG = [
    {"step": 10, "loss": 0.05, "learning_rate": 1e-3},
    {"step": 20, "loss": 0.03, "learning_rate": 5e-4},
]
VALID = [{"step": 0, "psnr": 30.0}, {"step": 1200, "psnr": 31.25}]


def example(name: str) -> Example:
    hr = np.random.default_rng(0).integers(0, 256, (80, 96, 3), dtype=np.uint8)
    return Example(name, hr[::2, ::2], hr)


def test_a_run_is_drawn_and_told_by_its_ends():
    shown = pictures.run(LOG, VALID, 30.5)
    assert "from 0.050 to 0.030" in shown.alt
    assert "from 30.0 dB to 31.2 dB; a dashed line shows bicubic interpolation at 30.5 dB" in shown.alt
    assert [list(trace.y) for trace in shown.figure.data] == [[0.05, 0.03], [30, 31.25], [30.5, 30.5]]


def test_when_a_network_passes_bicubic_interpolation():
    assert pictures.passed(VALID, 30.5) == "It is better than bicubic interpolation from step 1,200 on."
    assert pictures.passed(VALID, 32) == "It is below bicubic."


def test_schedules_are_told_by_rate_and_steps():
    network = SATConfig.preset("sat-tiny", 2)
    paper, quick = (TrainConfig.recipe(name, network=network, store="s") for name in ("paper", "quick"))
    shown = pictures.schedules([{"long": paper}, {"short": quick}])
    assert "long: 0.0002 at most, times 0.5 at 4 milestones in 500,000 steps." in shown.alt
    assert "short: 0.002 at most, after a warm-up of 50 steps down to zero along a cosine in 2,000 steps." in shown.alt
    assert [len(ax.get_lines()) for ax in shown.figure.axes] == [1, 1]


def test_qualities_have_a_row_for_each_photograph_and_the_mean():
    lines = pictures.qualities([example("a"), example("b")], {"before": [30, 31], "after": [32, 34]}).splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in (lines[0], *lines[2:])]
    assert cells == [
        ["photograph", "before", "after"],
        ["a", "30.00", "32.00"],
        ["b", "31.00", "34.00"],
        ["**mean**", "**30.50**", "**33.00**"],
    ]


def test_only_sample_photographs_are_shown():
    found, said = pictures.shown_of([example("coffee"), example("text"), example("secret")], 2)
    assert (found.name, said) == ("text", "One of the photographs that validation saw.")
    found, said = pictures.shown_of([example("secret")], 2)
    assert found.name == "coffee" and "may not be shown" in said
    assert found.hr.shape == (2 * found.lr.shape[0], 2 * found.lr.shape[1], 3)


def test_crops_show_the_box_of_the_first_outputs_largest_error():
    one = example("coffee")
    worse = one.hr.copy()
    worse[70:74, 60:64] = 255 - worse[70:74, 60:64]
    shown = pictures.crops(one, {"bicubic": worse, "the last": one.hr}, 2)
    assert "The photograph 'coffee'" in shown.alt and "in bicubic, the last" in shown.alt
    (frame,) = shown.figure.axes[0].patches
    left, top = (value + 0.5 for value in frame.get_xy())
    assert top <= 70 < top + pictures.SIDE and left <= 60 < left + pictures.SIDE


@pytest.mark.parametrize(("n_groups", "chosen"), [(1, (1,)), (2, (1, 2)), (5, (1, 3, 5))])
def test_centers_are_of_the_first_a_middle_and_the_last_group(n_groups: int, chosen: tuple[int, ...]):
    config = SATConfig.preset("sat-tiny", 2, channels=8, heads=2, groups=(1,) * n_groups)
    image = low_resolution(samples.load("coffee"), side=32)
    layers = trace(SAT(config).eval(), image)
    shown = pictures.centers(image, {"before": layers, "after": layers})
    titles = [ax.get_title(loc="left") for ax in shown.figure.axes]
    for name in ("before", "after"):
        assert [title for title in titles if title.startswith(name)] != []
        assert sum(title.startswith(name) for title in titles) == len(chosen)
    assert all(any(f"group {number}" in title for title in titles) for number in chosen)
    assert "before, after training" in shown.alt


def cells(markdown: str) -> list[list[str]]:
    """Return the rows of a Markdown table, its head first, without the rule."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    return [rows[0], *rows[2:]]


@pytest.fixture(scope="module")
def plans():
    networks = {"paper": SATConfig.preset("sat", 4), "quick": SATConfig.preset("sat-tiny", 2)}
    return {name: TrainConfig.recipe(name, network=network, store="s") for name, network in networks.items()}


def test_recipes_have_a_column_each(plans):
    head, *rows = cells(tables.recipes(plans))
    assert head == ["", "paper", "quick"]
    found = {row[0]: row[1:] for row in rows}
    assert found["`steps`"] == ["250,000", "2,000"]
    assert found["`milestones`"] == ["100,000, 150,000, 200,000, 225,000, 240,000", "–"]
    assert found["`ema`"] == ["–", "0.99"]


def test_costs_are_three_times_a_patch_for_each_one_seen(plans):
    patch, total = tables.work(plans["quick"])
    assert total == 3 * patch * 8 * 2000
    rows = {row[0]: row[1:] for row in cells(tables.costs(plans, 2 * total / 3600))[1:]}
    assert rows["quick"] == [f"{patch / 1e9:,.2f}", f"{total / 1e15:,.4f}", "0.016", "1.0"]
    assert rows["paper"][2] == "8"
    assert cells(tables.costs(plans, 1e30))[1][-1] == "below 0.1"


def test_what_does_not_fit_from_x2_is_of_the_upsampler():
    rows = cells(tables.fresh())[1:]
    assert [row[0] for row in rows] == ["classic", "onestep"]
    assert all(name.startswith("`upsampler.") for row in rows for cell in row[1:] for name in cell.split(", "))
