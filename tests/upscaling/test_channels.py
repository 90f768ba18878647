"""Images through networks that do not take RGB."""

import numpy as np
import pytest
import torch
from PIL import Image

from satlib import SAT, SATConfig, save, upscale
from satlib.network.model import evaluating

CONFIG = SATConfig.preset(
    "sat-tiny", 2, in_channels=1, groups=(1,), channels=8, window=(4, 8), position_channels=4, upsampler_channels=8
)
GENERATOR = np.random.default_rng(0)
GRAY = GENERATOR.integers(0, 256, (11, 13), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> SAT:
    torch.manual_seed(0)
    return SAT(CONFIG)


def test_grey_goes_through_a_network_for_grey_as_it_is(model):
    x = torch.from_numpy(GRAY / 255).float()[None, None]
    with torch.no_grad():
        wanted = (evaluating(model)(x).clamp(0, 1)[0, 0] * 255).round().numpy()
    np.testing.assert_array_equal(upscale(GRAY, model, margin=0), wanted)
    assert upscale(GRAY[..., None], model).shape == (22, 26, 1)
    assert upscale(Image.fromarray(GRAY), model).mode == "L"


def test_colour_that_is_grey_and_alpha_go_through(model):
    rgb = GRAY[..., None].repeat(3, 2)
    out = upscale(rgb, model)
    np.testing.assert_array_equal(out, upscale(GRAY, model)[..., None].repeat(3, 2))
    opaque = np.stack((GRAY, np.full_like(GRAY, 255)), 2)
    np.testing.assert_array_equal(upscale(opaque, model)[..., 0], out[..., 0])


def test_tiles_and_the_ensemble_take_one_channel(model):
    image = GENERATOR.random((40, 20)).astype(np.float32)
    assert upscale(image, model, tile=16, overlap=4, ensemble=True).shape == (80, 40)


def test_a_file_is_loaded_with_its_channels(model, tmp_path):
    save(model, tmp_path / "gray.safetensors")
    np.testing.assert_array_equal(upscale(GRAY, tmp_path / "gray.safetensors"), upscale(GRAY, model))


def test_what_does_not_fit_is_refused_with_both_numbers(model):
    colour = GENERATOR.integers(0, 256, (11, 13, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="takes images of 1 channel, grey, got one of 3; make it grey first"):
        upscale(colour, model)
    five = SAT(CONFIG.replace(in_channels=5))
    for image, channels in ((colour, 3), (GRAY, 1)):
        with pytest.raises(ValueError, match=rf"takes images of 5 channels, got one of {channels}; .*\(B, 5, H, W\)"):
            upscale(image, five)
