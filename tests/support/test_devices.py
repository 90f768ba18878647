"""Devices: one check, which says in a line what cannot be used."""

import numpy as np
import pytest
import torch

import satlib
from satlib import SATConfig
from satlib.metrics.perceptual import load_lpips
from satlib.support.devices import check_device, move, widest
from satlib.upscaling.models import get_model
from satlib.upscaling.other_networks import load_foreign

BAD = ["meta", "privateuseone", "abacus", "cuda:99", "cpu:x", "", 0, None, torch.float32, torch.device("meta")]


def test_a_device_that_computes_is_returned_with_its_index():
    assert check_device("cpu") == check_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("device", BAD, ids=str)
def test_what_computes_nothing_is_named_in_a_line(device):
    with pytest.raises(ValueError) as error:
        check_device(device)
    assert "\n" not in str(error.value) and "device" in str(error.value) and len(str(error.value)) < 300


@pytest.mark.parametrize("device", ["meta", "privateuseone"])
@pytest.mark.parametrize(
    "use",
    [
        lambda device: satlib.load("sat-tiny-x2", device=device),
        lambda device: get_model("bicubic-x2", device),
        lambda device: get_model(satlib.SAT(SATConfig.preset("sat-tiny", 2, groups=(1,))), device),
        lambda device: load_lpips(device=device),
        lambda device: load_foreign("none.pth", device=device),
    ],
)
def test_every_function_refuses_it_in_the_same_words(use, device):
    with pytest.raises(ValueError, match=f"device '{device}' cannot be used"):
        use(device)


def test_a_network_without_values_is_refused():
    with torch.device("meta"):
        network = satlib.SAT(SATConfig.preset("sat-tiny", 2, groups=(1,)))
    with pytest.raises(ValueError, match="device 'meta' cannot be used"):
        get_model(network)


def test_sums_are_as_wide_as_the_device_allows():
    assert widest(torch.device("cpu")) == widest(torch.device("cuda")) == torch.float64
    assert widest(torch.device("mps")) == torch.float32


def test_float64_weights_stay_away_from_mps():
    network = satlib.SAT(SATConfig.preset("sat-tiny", 2, groups=(1,))).double()
    with pytest.raises(ValueError, match="device 'mps' has no float64, which the weights are in"):
        move(network, torch.device("mps"))
    assert move(network, torch.device("meta")).head.weight.is_meta


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="torch has MPS here")
def test_mps_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"^device 'mps' cannot be used: [^\n]{1,100}$"):
        satlib.load("sat-tiny-x2", device="mps")


@pytest.mark.parametrize("device", ["xla", "vulkan", "hpu", "cpu:-1"])
def test_a_device_of_another_build_is_named_in_a_short_line(device):
    with pytest.raises(ValueError, match=rf"^device '{device}' cannot be used: [^\n]{{1,100}}$"):
        check_device(device)


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="torch has no MPS here")
def test_mps_gives_about_what_the_cpu_gives():
    image = np.random.default_rng(0).random((24, 20, 3)).astype(np.float32)
    here, there = (satlib.upscale(image, "sat-tiny-x2", device=device) for device in ("cpu", "mps"))
    assert np.abs(here - there).max() < 0.01
