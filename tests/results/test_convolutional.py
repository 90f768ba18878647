"""The network that is kept: it is what was trained, its numbers are its own, and what was expected is on record."""

import re
from pathlib import Path

import numpy as np
import pytest

from satlib import samples, upscale
from satlib.evaluation import evaluate
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.metrics import psnr
from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.resize import imresize
from satlib.results import convolutional
from satlib.support.files import hash_file
from satlib.training import read_config
from satlib.upscaling.models import get_model

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
NUMBERS = convolutional.results()
GOLDEN = {"text": 35.315, "brick": 37.573, "coffee": 34.295}
"""PSNR in dB of the kept network on sample photographs."""


def test_the_kept_network_is_that_of_its_training() -> None:
    model = get_model(convolutional.NAME)
    assert isinstance(model, Convolutional) and not model.training
    assert model.config == read_config(ROOT / "runs" / "train" / "convolutional-x2.yaml").network
    assert model.config == ConvolutionalConfig(scale=2)
    assert hash_file(convolutional.weights()) == NUMBERS["sha256"]
    assert convolutional.weights().stat().st_size <= 350_000
    assert f"`{convolutional.NAME}`" in (ROOT / "MODEL_CARD.md").read_text()


def test_its_numbers_are_of_a_whole_training() -> None:
    curve, networks = NUMBERS["curve"], NUMBERS["networks"]
    assert [step for step, _ in curve] == list(range(2_000, 16_001, 2_000)) and NUMBERS["steps"] == 16_000
    assert networks[convolutional.NAME]["held out"]["psnr"] == pytest.approx(curve[-1][1], abs=0.01)
    assert {name: found["params"] for name, found in networks.items()} == {
        "convolutional-x2": 152_332,
        "sat-tiny-x2": 149_432,
    }
    assert networks["sat-tiny-x2"]["Set5"]["psnr"] == pytest.approx(37.378, abs=2e-3)


def test_it_beats_bicubic_on_every_sample_by_golden_numbers() -> None:
    for name, expected in GOLDEN.items():
        photo = crop_to_multiple(np.asarray(samples.load(name)), 2)
        low = downscale(photo, 2)
        ours = psnr(upscale(low, convolutional.NAME, margin=0), photo, border=2)
        assert ours == pytest.approx(expected, abs=0.01), name
        assert ours > psnr(imresize(low, 2), photo, border=2), name


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data")
@pytest.mark.slow
def test_the_recorded_numbers_of_set5_are_right() -> None:
    recorded = NUMBERS["networks"][convolutional.NAME]["Set5"]
    found = evaluate(convolutional.NAME, DATA / "Set5", scale=2)
    assert (found.psnr, found.ssim) == (
        pytest.approx(recorded["psnr"], abs=2e-3),
        pytest.approx(recorded["ssim"], abs=1e-4),
    )


def test_what_was_predicted_is_what_was_written_before_the_training() -> None:
    text = (ROOT / "runs" / "experiments" / "convolutional.md").read_text()
    rows = dict(re.findall(r"^\| ([\w -]+?)(?: on the held[^|]*)? \| ([^|]+) \|", text.split("## Predicted")[1], re.M))
    numbers = {name: [float(n) for n in re.findall(r"[+-]?\d+\.\d+", cell)] for name, cell in rows.items()}
    index, beyond, decibels = convolutional.PREDICTED.values()
    assert numbers["diffusion index"] == list(index)
    assert numbers["share beyond 12 pixels"] == [beyond.value, beyond.high]
    assert numbers["PSNR"] == list(decibels)
