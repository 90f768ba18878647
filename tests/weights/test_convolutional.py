"""Convolutional networks in files: what is written comes back, and what is wrong is named."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from satlib import SAT, SATConfig, load, save
from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.upscaling.models import get_model
from satlib.weights.convolutional import is_convolutional, load_convolutional, save_convolutional

CONFIG = ConvolutionalConfig(scale=2, channels=4, blocks=1, upsampler_channels=6)


@pytest.fixture
def model() -> Convolutional:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Convolutional(CONFIG)


def test_a_network_comes_back(model: Convolutional, tmp_path: Path) -> None:
    paths = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    for path in paths:
        save_convolutional(model, path)
    assert paths[0].read_bytes() == paths[1].read_bytes() and is_convolutional(paths[0])
    found = load_convolutional(paths[0])
    assert found.config == CONFIG and not found.training
    assert all(torch.equal(weight, found.state_dict()[name]) for name, weight in model.state_dict().items())
    by_file = get_model(paths[0])
    assert isinstance(by_file, Convolutional) and by_file.config == CONFIG


def test_half_precision_is_read_as_float32(model: Convolutional, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    expected = {name: weight.half().float() for name, weight in model.state_dict().items()}
    save_convolutional(model.half(), path)
    found = load_convolutional(path).state_dict()
    assert all(torch.equal(expected[name], weight) and weight.dtype == torch.float32 for name, weight in found.items())


def test_it_is_float32_whatever_torchs_default_is(model: Convolutional, tmp_path: Path) -> None:
    path, before = tmp_path / "a.safetensors", torch.get_default_dtype()
    save_convolutional(model, path)
    torch.set_default_dtype(torch.float64)
    try:
        found = load_convolutional(path)
    finally:
        torch.set_default_dtype(before)
    assert {weight.dtype for weight in found.parameters()} == {torch.float32}


def test_a_network_that_could_not_be_loaded_is_not_saved(model: Convolutional, tmp_path: Path) -> None:
    torch.nn.utils.parametrizations.weight_norm(model.head)
    with pytest.raises(ValueError, match="the network cannot be saved, .*: head.weight is missing"):
        save_convolutional(model, tmp_path / "a.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_files_of_sat_are_told_apart(model: Convolutional, tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours.safetensors", tmp_path / "theirs.safetensors"
    save_convolutional(model, ours)
    save(SAT(SATConfig.preset("sat-tiny", scale=2)), theirs)
    assert not is_convolutional(theirs) and not is_convolutional(tmp_path / "none.safetensors")
    with pytest.raises(ValueError, match="ours.safetensors holds a convolutional network, not a SAT"):
        load(ours)
    with pytest.raises(ValueError, match="theirs.safetensors holds no convolutional network"):
        load_convolutional(theirs)


def test_what_is_wrong_with_a_file_is_named(model: Convolutional, tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_convolutional(path)
    with pytest.raises(ValueError, match=r"networks are saved as .safetensors, got '.*a.pth'"):
        save_convolutional(model, tmp_path / "a.pth")
    path.write_bytes(b"nothing")
    assert not is_convolutional(path)
    with pytest.raises(ValueError, match="is damaged or is not a safetensors file"):
        load_convolutional(path)
    save_file({"head.bias": torch.zeros(4)}, path, {"format": "satlib convolutional", "config": '{"scale": 2}'})
    with pytest.raises(ValueError, match=r"do not fit the configuration: .* \(and \d+ more\)"):
        load_convolutional(path)
    save_file({"head.bias": torch.zeros(4)}, path, {"format": "satlib convolutional", "config": '{"scale": 7}'})
    with pytest.raises(ValueError, match=r"unusable configuration: scale must be one of"):
        load_convolutional(path)
    with torch.no_grad():
        model.head.bias[0] = float("nan")
    save_convolutional(model, path)
    with pytest.raises(ValueError, match="not finite: head.bias"):
        load_convolutional(path)
