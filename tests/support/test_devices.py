"""Devices: one check, which says in a line what cannot be used."""

import pytest
import torch

import satlib
from satlib import SATConfig
from satlib.metrics.perceptual import load_lpips
from satlib.support.devices import check_device
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
