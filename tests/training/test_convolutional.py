"""The trainer takes the convolutional network as it takes SAT: it learns, goes on exactly, and is kept."""

from pathlib import Path

import pytest
import torch
from training_runs import config, make_store, network

from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.training import TrainConfig, read_config, read_table, train
from satlib.training.first_weights import first_network
from satlib.training.trials.experiment import read_experiment
from satlib.training.yaml_config import build_config
from satlib.weights.convolutional import load_convolutional

NETWORK = ConvolutionalConfig(scale=2, channels=4, blocks=2, upsampler_channels=6)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("data"))


def test_it_learns_and_is_kept(store: Path, tmp_path: Path) -> None:
    settings = config(store, network=NETWORK, start="interpolation", steps=60, learning_rate=5e-3, validate_every=30)
    result = train(settings, tmp_path, device="cpu")
    table = read_table(tmp_path / "train.csv")
    assert result.finished and table[-1]["loss"] < 0.8 * table[0]["loss"]
    assert read_config(tmp_path / "config.yaml") == settings
    for name in ("first", "last", "best"):
        assert load_convolutional(tmp_path / f"{name}.safetensors").config == NETWORK


def test_a_run_in_pieces_is_the_run_in_one(store: Path, tmp_path: Path) -> None:
    settings = config(store, network=NETWORK, accumulate=2)
    train(settings, tmp_path / "whole", device="cpu")
    while not train(settings, tmp_path / "pieces", device="cpu", resume=True, time_limit=0.05).finished:
        assert read_config(tmp_path / "pieces" / "config.yaml") == settings
    for name in ("first", "last", "best"):
        whole, pieces = (tmp_path / folder / f"{name}.safetensors" for folder in ("whole", "pieces"))
        assert whole.read_bytes() == pieces.read_bytes(), name


def test_a_run_of_another_kind_is_not_gone_on_with(store: Path, tmp_path: Path) -> None:
    train(config(store, network=NETWORK, steps=2), tmp_path, device="cpu")
    with pytest.raises(ValueError, match=r"holds a run with network\.groups=None"):
        same = network(channels=4, upsampler_channels=6)
        train(config(store, network=same, steps=2), tmp_path, device="cpu", resume=True)


def test_it_starts_from_a_file_or_from_its_seed(store: Path, tmp_path: Path) -> None:
    settings = config(store, network=NETWORK, steps=2)
    train(settings, tmp_path, device="cpu")
    last = load_convolutional(tmp_path / "last.safetensors").state_dict()
    found, fresh = first_network(NETWORK, str(tmp_path / "last.safetensors"), 0)
    assert isinstance(found, Convolutional) and fresh == []
    assert all(torch.equal(last[name], weight) for name, weight in found.state_dict().items())
    seeds = [first_network(NETWORK, "random", seed)[0].head.weight for seed in (0, 0, 1)]
    assert torch.equal(seeds[0], seeds[1]) and not torch.equal(seeds[0], seeds[2])
    wider = ConvolutionalConfig(scale=2, channels=5, blocks=2, upsampler_channels=6)
    with pytest.raises(ValueError, match="the weights to start from do not fit the network: head.weight"):
        first_network(wider, str(tmp_path / "last.safetensors"), 0)


def test_it_is_written_by_its_blocks() -> None:
    values = {"recipe": "quick", "network": {"scale": 2, "blocks": 2}, "store": "s"}
    built = build_config(values, ["network.channels=4"], "here")
    assert built.network == ConvolutionalConfig(scale=2, blocks=2, channels=4)
    assert built == TrainConfig.recipe("quick", network=built.network, store="s")
    with pytest.raises(ValueError, match="here: unknown ConvolutionalConfig field 'groups'"):
        build_config(values, ["network.groups=[1]"], "here")
    with pytest.raises(ValueError, match=r"query_std must be None where nothing attends, got 0\.2"):
        build_config(values, ["query_std=0.2"], "here")


def test_experiments_which_swap_tokens_refuse_it(tmp_path: Path) -> None:
    path = tmp_path / "e.yaml"
    path.write_text("training: {recipe: quick, network: {scale: 2, blocks: 2}, store: s}\nrows: {a: []}\nseeds: [0]\n")
    with pytest.raises(ValueError, match="row a: network must be a SATConfig"):
        read_experiment(path, "data")
