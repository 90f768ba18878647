"""Training and validation of a network for grey images."""

from pathlib import Path

import numpy as np
import pytest
import torch
from training_runs import config, make_store, network

from satlib import SAT, load, upscale
from satlib.data import Store, prepare
from satlib.images.folder import read_8bit, with_channels
from satlib.training import read_table, train
from satlib.training.first_weights import interpolate


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    make_store(folder)
    prepare(folder / "photographs", folder / "grey", channels=1)
    return folder


@pytest.mark.slow
def test_a_network_for_grey_learns(folder: Path, tmp_path: Path) -> None:
    grey = network(in_channels=1)
    settings = config(folder / "grey", steps=60, learning_rate=5e-3, log_every=20, network=grey)
    result = train(settings, tmp_path, device="cpu")
    table = read_table(tmp_path / "train.csv")
    assert result.finished and table[-1]["loss"] < 0.8 * table[0]["loss"]
    assert upscale(Store(folder / "grey", 2).lr(0), load(tmp_path / "last.safetensors")).shape == (36, 42, 1)


def test_validation_images_are_grey_and_so_are_degraded_ones(folder: Path, tmp_path: Path) -> None:
    photographs = str(folder / "photographs")
    options = {"holdout": 0, "validation": photographs, "degradation": "one-pass", "steps": 5, "samples": 1}
    result = train(config(folder / "grey", network=network(in_channels=1), **options), tmp_path, device="cpu")
    written = read_8bit(tmp_path / "samples" / "step-00000005" / "p0.png")
    wanted = with_channels(read_8bit(folder / "photographs" / "p0.png"), 1)
    assert result.finished and written.shape == wanted.shape[:2]


def test_a_store_of_other_channels_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"in_channels must be 3, as the images of .*store, got 1"):
        train(config(folder / "store", network=network(in_channels=1)), tmp_path, device="cpu")
    with pytest.raises(ValueError, match=r"in_channels must be 1, as the images of .*grey, got 3"):
        train(config(folder / "grey"), tmp_path, device="cpu")


@pytest.mark.parametrize("channels", [1, 4])
def test_the_start_interpolates_any_channels(channels: int) -> None:
    model, rgb = SAT(network(in_channels=channels)).eval(), SAT(network()).eval()
    interpolate(model)
    interpolate(rgb)
    for one in (model, rgb):
        one.upsampler[0].weight.data[:, 2 * one.in_channels :] = 0
    image = torch.rand(1, 1, 9, 8)
    with torch.no_grad():
        found, wanted = model(image.expand(-1, channels, -1, -1)), rgb(image.expand(-1, 3, -1, -1))
    inside = np.s_[..., 2:-2, 2:-2]
    torch.testing.assert_close(found[inside], wanted[inside][:, :1].expand_as(found[inside]), rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="channels >= 5 and upsampler_channels >= 10; got 'onestep', 8 and 8"):
        interpolate(SAT(network(in_channels=5)))
