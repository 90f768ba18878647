"""`explore.attribution`: the maps are those of `satlib.analysis`, of the square that was clicked."""

import pytest
import torch
from explorers import PHOTO, tiny

from satlib import explore, samples
from satlib.analysis.attribution import Square, attribution
from satlib.analysis.swapping import Swapped, without_selective_attention
from satlib.explore.attribution_explorer import BICUBIC, OFF, OWN, STEPS
from satlib.images.inputs import small_image
from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.upscaling.models import Bicubic


def test_the_maps_are_those_of_the_analysis() -> None:
    model, image = tiny(), small_image(PHOTO, 48)
    explorer = explore.attribution(model, PHOTO, other=samples.load("gravel"))
    expected = attribution(model, image, explorer.square, steps=STEPS)
    assert torch.equal(explorer.maps[OWN].map, expected.map) and explorer.maps[OWN].gained == expected.gained
    swapped = Swapped(model, small_image(samples.load("gravel"), 48))
    theirs = attribution(swapped, image, explorer.square, steps=STEPS)
    assert torch.equal(explorer.maps["another's tokens"].map, theirs.map)
    explorer.right.value = BICUBIC
    assert torch.equal(explorer.maps[BICUBIC].map, attribution(Bicubic(2), image, explorer.square, steps=STEPS).map)


@pytest.mark.slow
def test_a_click_moves_the_square_and_drops_the_maps_of_the_last() -> None:
    explorer = explore.attribution(tiny(), PHOTO)
    before = explorer.maps[OWN].map
    explorer.photo.clicked = (0.01, 0.99)
    assert explorer.square == Square(2 * 24 - 16, 0, 16), "at the lower left, within the output"
    assert not torch.equal(explorer.maps[OWN].map, before)
    explorer.side.value = 4
    assert explorer.square == Square(2 * 24 - 4, 0, 4)
    assert "unexplained" in explorer.numbers.value and "beyond 8 pixels" in explorer.numbers.value


def test_without_selective_attention_is_the_network_whose_layers_add_nothing() -> None:
    model = tiny()
    off = without_selective_attention(model)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".attention.project." in name and name.replace(".project.", ".query.") in dict(model.named_parameters()):
                weight.zero_()
    image = torch.rand(2, 3, 12, 17, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(off(image), model(image))
    assert off.n_params < model.n_params


def test_a_network_of_another_kind_is_compared_with_bicubic_alone() -> None:
    explorer = explore.attribution(Bicubic(2), PHOTO)
    assert list(explorer.networks) == [OWN, BICUBIC] and OFF not in explorer.left.options
    assert torch.equal(explorer.maps[OWN].map, explorer.maps[BICUBIC].map)


def test_a_further_network_is_compared_too() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        further = Convolutional(ConvolutionalConfig(scale=2, channels=4, blocks=1, upsampler_channels=6))
    explorer = explore.attribution(tiny(), PHOTO, beside=further)
    assert list(explorer.networks) == [OWN, "another's tokens", OFF, "convolutional x2", BICUBIC]
    explorer.right.value = "convolutional x2"
    expected = attribution(further, explorer.image, explorer.square, steps=STEPS)
    assert torch.equal(explorer.maps["convolutional x2"].map, expected.map)
    with pytest.raises(ValueError, match=r"beside must be a network of scale 2, got 'bicubic'"):
        explore.attribution(tiny(), PHOTO, beside=Bicubic(3))


def test_an_image_of_one_pixel_has_a_square() -> None:
    explorer = explore.attribution(tiny(), torch.rand(3, 1, 1))
    assert explorer.square == Square(0, 0, 2)
    assert "unexplained" in explorer.numbers.value
