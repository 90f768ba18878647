"""Training configurations: the recipes are the paper's and the authors', bad values are named, YAML goes both ways."""

from pathlib import Path

import pytest
import torch
from training_runs import network

from satlib import SATConfig
from satlib.data.degradation import PRESETS
from satlib.training import TrainConfig, read_config, write_config
from satlib.training.schedule import average_decay, learning_rate


def recipe(name: str, scale: int) -> TrainConfig:
    return TrainConfig.recipe(name, network=SATConfig.preset("sat", scale=scale), store="s")


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_papers_recipe_is_the_appendix(scale: int) -> None:
    c = recipe("paper", scale)
    assert (c.betas, c.weight_decay, c.learning_rate, c.batch, c.patch) == ((0.9, 0.99), 1e-4, 2e-4, 32, 64)
    assert (c.schedule, c.decay, c.warmup, c.clip, c.ema, c.precision) == ("steps", 0.5, 0, None, None, "32-true")
    long = (500_000, (250_000, 400_000, 450_000, 475_000))
    short = (250_000, (100_000, 150_000, 200_000, 225_000, 240_000))
    assert (c.steps, c.milestones) == (long if scale == 2 else short)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_released_recipe_differs_where_the_authors_yaml_does(scale: int) -> None:
    c = recipe("released", scale)
    assert (c.weight_decay, c.steps, c.seed) == (0, 500_000, 10)
    assert c.milestones == (250_000, 400_000, 450_000, 475_000)
    assert c.replace(weight_decay=1e-4, seed=0) == recipe("paper", 2).replace(network=c.network)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("steps", 0, "steps must be an integer of at least 1, got 0"),
        ("batch", True, "batch must be an integer"),
        ("accumulate", 3, "accumulate must be a divisor of batch=32"),
        ("learning_rate", float("nan"), "learning_rate must be a number > 0"),
        ("learning_rate", "fast", "learning_rate must be a number > 0, got 'fast'"),
        ("threads", 0, "threads must be an integer of at least 1, got 0"),
        ("threads", 100_000, "threads must be at most 1024, got 100000"),
        ("query_std", 0, "query_std must be a number > 0, got 0"),
        ("schedule", "line", "schedule must be one of steps, cosine"),
        ("milestones", (5, 5), "milestones must be increasing"),
        ("milestones", 5, "milestones must be a sequence"),
        ("betas", (0.9, 1.0), "betas must be below 1"),
        ("ema", 1.0, "ema must be below 1"),
        ("clip", 0, "clip must be a number > 0"),
        ("precision", "fp8", "precision must be one of"),
        ("degradation", "film", "degradation must be one of one-pass, two-passes"),
        ("degradation", [{"sigma": 1}], "sigma must be two numbers"),
        ("store", "", "store must be"),
        ("validation", 3, "validation must be a folder"),
        ("network", {"scale": 5}, "scale must be one of"),
        ("network", {"preset": "sat"}, "network.scale is missing"),
        ("network", None, "network must hold"),
        ("recipe", "slow", "recipe must be one of paper, released, quick"),
        ("lr", 1e-3, "unknown TrainConfig field 'lr'"),
    ],
)
def test_a_bad_field_is_named(field: str, value: object, message: str) -> None:
    values = {"recipe": "paper", "network": {"preset": "sat-tiny", "scale": 2}, "store": "s", field: value}
    with pytest.raises(ValueError, match=message):
        TrainConfig.from_dict(values)


def test_holdout_goes_with_no_folder_and_the_store_is_needed() -> None:
    with pytest.raises(ValueError, match="holdout must be 0 beside a validation folder, got 2"):
        TrainConfig(network=network(), store="s", holdout=2, validation="v")
    with pytest.raises(ValueError, match="query_std must be None where training starts from weights, got 0.3"):
        TrainConfig(network=network(), store="s", start="w.safetensors", query_std=0.3)
    with pytest.raises(ValueError, match="store is missing"):
        TrainConfig.recipe("paper", network=network())


def test_yaml_goes_both_ways(tmp_path: Path) -> None:
    c = recipe("quick", 4).replace(milestones=(3, 7), clip=None)
    write_config(c, tmp_path / "c.yaml")
    assert read_config(tmp_path / "c.yaml") == c


def test_a_short_file_and_changes_to_it(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("recipe: paper\nnetwork: {preset: sat-light, scale: 2}\nstore: s\nweight_decay: 1e-5\n")
    c = read_config(file, ["steps=7", "learning_rate=3e-4", "network.qk_ratio=0.5", "network.scale=4", "clip=null"])
    assert (c.steps, c.learning_rate, c.weight_decay, c.clip, c.batch) == (7, 3e-4, 1e-5, None, 32)
    assert (c.network.qk_ratio, c.network.scale) == (0.5, 4)
    assert c.milestones == recipe("paper", 4).milestones


@pytest.mark.parametrize(
    ("text", "change", "message"),
    [
        ("network: [", None, "is not YAML"),
        ("- 1", None, "must hold fields and values"),
        ("store: s\nnetwork: 3", "network.scale=2", "network must hold fields"),
        ("store: s\nnetwork: {scale: 2}", "steps", "a change is written field=value, got 'steps'"),
        ("store: s\nnetwork: {scale: 2}", "optimizer.lr=2", "unknown field 'optimizer.lr'"),
        ("store: s\nnetwork: {scale: 2}", "step=2", "unknown TrainConfig field 'step'"),
        ("store: s\nnetwork: {scale: 2}", "network.depth=2", "unknown SATConfig field 'depth'"),
    ],
)
def test_bad_files_and_changes_are_named(tmp_path: Path, text: str, change: str | None, message: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_config(tmp_path / "c.yaml", [] if change is None else [change])


def test_the_schedule_of_steps_is_torchs() -> None:
    c = recipe("paper", 2).replace(steps=20, milestones=(4, 9, 10))
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=c.learning_rate)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, list(c.milestones), gamma=c.decay)
    for step in range(c.steps):
        assert learning_rate(c, step) == pytest.approx(scheduler.get_last_lr()[0], rel=1e-12)
        optimizer.step()
        scheduler.step()


def test_cosine_and_warmup() -> None:
    c = recipe("quick", 2).replace(steps=100, warmup=3)
    rates = [learning_rate(c, step) for step in range(101)]
    assert rates[0] == pytest.approx(c.learning_rate / 4)
    assert rates[50] == pytest.approx(c.learning_rate / 2)
    assert rates[100] == 0 and max(rates) == rates[3] and rates[3:] == sorted(rates[3:], reverse=True)


def test_the_average_forgets_quickly_at_first() -> None:
    assert [average_decay(0.9, step) for step in (0, 10, 10_000)] == [0.1, 0.55, 0.9]


def test_degradations_are_read_by_name_and_written_in_full(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    assert TrainConfig(network=network(), store="s").to_dict()["degradation"] is None
    for given in ("two-passes", [{"sigma": [0.5, 1.0], "jpeg": None}], None):
        c = TrainConfig(network=network(), store="s", degradation=given)
        write_config(c, path)
        assert read_config(path) == c == c.replace()
    assert read_config(path, ["degradation=one-pass"]).degradation == PRESETS["one-pass"]
    assert [made.jpeg for made in TrainConfig(network=network(), store="s", degradation="two-passes").degradation] == [
        (30, 95),
        (30, 95),
    ]
