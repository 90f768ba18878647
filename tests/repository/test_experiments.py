"""The files of runs/experiments/: they can be read, their predictions are beside them, and rows differ as they say."""

from pathlib import Path

import pytest

from satlib.training.trials.experiment import read_experiment

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "runs" / "experiments").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_experiment_can_be_read_and_has_a_prediction(path: Path) -> None:
    found = read_experiment(path, "data")
    assert len({t.config.steps for t in found.trainings}) == 1
    text = path.with_suffix(".md").read_text()
    assert f"satlib experiment runs/experiments/{path.name}" in text and "## Predicted" in text
    for row in {t.row for t in found.trainings}:
        assert f"`{row}`" in text


def test_the_rows_of_copies_read_what_they_say() -> None:
    found = read_experiment(ROOT / "runs/experiments/copies.yaml", "data")
    assert [t.seed for t in found.trainings] == sorted(t.seed for t in found.trainings)
    network = {t.row: t.config.network for t in found.trainings if t.seed == 0}
    n_tokens = 48 * 48
    assert network["none"].selective == "none" and network["exact"].selective == "exact"
    assert network["mean_vector"].n_centers(n_tokens) == 1
    paper = network["similarity"]
    assert (paper.selective, paper.aggregation, paper.n_centers(n_tokens)) == ("aggregate", "similarity", 69)
    assert {row: n.aggregation for row, n in network.items() if n.replace(aggregation="similarity") == paper} == {
        "similarity": "similarity",
        "center": "center",
        "mean": "mean",
    }
