"""`swapped`: what is read is the other image's, everything else one's own."""

import pytest
import torch
from selective_networks import network

from satlib import samples
from satlib.analysis.layer_weights import without_layer
from satlib.analysis.position_bias import random_bias_spread
from satlib.analysis.swapping import Swapped, swapped, without_selective_attention
from satlib.evaluation import evaluate
from satlib.upscaling.models import get_model

GENERATOR = torch.Generator().manual_seed(1)
IMAGES, OTHERS = torch.rand(2, 3, 9, 12, generator=GENERATOR), torch.rand(2, 3, 7, 10, generator=GENERATOR)


def lively(selective):
    """Queries and keys large enough that no softmax is flat."""
    model = network(selective).double()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if ".attention." in name and name.endswith("weight") and weight.ndim == 2:
                weight.normal_(std=0.3)
    return model


def by_hand(model, image, other):
    """Run two networks side by side and hand the layers of one what the other has aggregated."""
    seen = []
    blocks = [block for group in model.groups for block in group.blocks[1::2]]
    with torch.no_grad():
        for block in blocks:
            hook = block.attention.register_forward_hook(lambda _, __, out: seen.append(out[1]))
            model(other)
            hook.remove()
        made = iter(seen)
        for block in blocks:
            block.attention.aggregate = lambda x, geometry, generator: next(made)
        output = model(image)
        for block in blocks:
            del block.attention.aggregate
    return output


@pytest.mark.parametrize("selective", ["aggregate", "exact"])
def test_it_is_the_network_with_other_tokens_handed_to_each_layer(selective):
    model = lively(selective)
    found = swapped(model, IMAGES, OTHERS)
    torch.testing.assert_close(found, by_hand(model, IMAGES.double(), OTHERS.double()))
    with torch.no_grad():
        assert (found - model(IMAGES.double())).abs().max() > 1e-4


@pytest.mark.parametrize("selective", ["aggregate", "exact", "none"])
def test_ones_own_tokens_give_ones_own_output(selective):
    model = lively(selective)
    with torch.no_grad():
        torch.testing.assert_close(swapped(model, IMAGES, IMAGES), model(IMAGES.double()))


def test_without_saa_nothing_is_read():
    model = lively("none")
    with torch.no_grad():
        torch.testing.assert_close(swapped(model, IMAGES, OTHERS), model(IMAGES.double()))


def test_one_image_is_one_of_a_batch_and_the_mode_is_restored():
    model = lively("aggregate").train()
    one = swapped(model, IMAGES[1], OTHERS[1])
    assert one.shape == (3, 18, 24) and model.training
    torch.testing.assert_close(one, swapped(model, IMAGES, OTHERS)[1])


@pytest.mark.parametrize("other", [OTHERS[:1], OTHERS[0], OTHERS[:, :2]])
def test_other_numbers_of_images_are_an_error(other):
    with pytest.raises(ValueError, match="image and other must be as many images"):
        swapped(lively("aggregate"), IMAGES, other)


def test_a_network_that_reads_one_other_image_moves_with_what_it_reads():
    model = lively("aggregate").float()
    found = get_model(Swapped(model, OTHERS[0]))
    assert isinstance(found, Swapped)
    with torch.no_grad():
        torch.testing.assert_close(found(IMAGES)[:1], swapped(model, IMAGES[:1], OTHERS[:1]))
        assert found.double()(IMAGES.double()).dtype == torch.float64


def test_an_evaluation_goes_on_with_rows_of_the_same_other_image_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    samples.load("coffee").crop((60, 60, 92, 90)).save(tmp_path / "photos" / "coffee.png")
    model, folder, rows = lively("aggregate"), tmp_path / "photos", tmp_path / "rows.jsonl"
    for other in OTHERS:
        went_on = evaluate(Swapped(model, other), folder, scale=2, resume=rows)
        assert went_on.psnr == evaluate(Swapped(model, other), folder, scale=2).psnr


def test_what_is_derived_takes_a_wrapped_network_and_draws_nothing():
    model = lively("aggregate")
    wrapped, state = torch.nn.DataParallel(model), torch.get_rng_state()
    with torch.no_grad():
        for make in (without_selective_attention, lambda x: without_layer(x, 1), lambda x: Swapped(x, OTHERS[0])):
            assert torch.equal(make(wrapped)(IMAGES.double()), make(model)(IMAGES.double()))
    assert random_bias_spread((2, 4), 8) > 0
    assert torch.equal(torch.get_rng_state(), state)
