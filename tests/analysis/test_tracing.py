"""`trace`: one entry for each SAA layer, holding what that layer really did, and nothing left behind."""

import pytest
import torch
from torch import Tensor

from satlib import SAT, SATConfig, trace
from satlib.network.geometry import eval_sample

CONFIG = SATConfig(
    scale=2, channels=16, heads=2, groups=(2, 1), window=(2, 4), gate_kernel=3, upsampler_channels=4, keep_ratio=0.1
)
IMAGE = torch.rand(1, 3, 9, 12, generator=torch.Generator().manual_seed(1))


def network():
    torch.manual_seed(0)
    return SAT(CONFIG).eval()


def test_one_entry_for_each_layer_in_order():
    layers = trace(network(), IMAGE)
    assert [(layer.group, layer.block, layer.grid) for layer in layers] == [
        (0, 1, (9, 12)),
        (0, 3, (9, 12)),
        (1, 1, (9, 12)),
    ]
    for number, layer in enumerate(layers):
        a = layer.aggregation
        assert a.tokens.shape == (1, 10, 16) and a.centers.shape == a.counts.shape == (1, 10)
        assert a.assignment.shape == (1, 108) and a.sample.shape == a.density.shape == (1, 40)
        assert a.separation.shape == a.score.shape == (1, 40) and a.counts.sum() == 108
        assert torch.equal(a.counts[0], torch.bincount(a.assignment[0], minlength=10))
        assert set(a.centers[0].tolist()) <= set(a.sample[0].tolist())
        assert layer.tokens.shape == layer.output.shape == (1, 108, 16)
        assert torch.equal(a.score, a.density * a.separation)
        assert not a.tokens.requires_grad
        assert torch.equal(a.sample[0], eval_sample(network().config, (9, 12), number))


def test_it_tells_what_the_layers_did():
    """The traced tokens, fed to the layer's own attention, give what the layer gave."""
    model = network()
    seen = []
    for module in model.saa_layers():
        module.register_forward_hook(lambda _, inputs, out: seen.append((inputs[0], *out)))
    layers = trace(model, IMAGE)
    assert len(seen) == len(layers) == 3
    for layer, (tokens, output, aggregation) in zip(layers, seen, strict=True):
        assert torch.equal(layer.tokens, tokens) and torch.equal(layer.output, output)
        assert all(torch.equal(a, b) for a, b in zip(layer.aggregation, aggregation, strict=True))


def test_it_leaves_nothing_behind():
    model = network()
    with torch.no_grad():
        before, state = model(IMAGE), torch.get_rng_state()
        weights = {name: value.clone() for name, value in model.state_dict().items()}
        trace(model, IMAGE)
        assert torch.equal(torch.get_rng_state(), state) and torch.equal(model(IMAGE), before)
    for module in model.modules():
        assert not module._forward_hooks and not module._forward_pre_hooks and not module.training
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_two_traces_are_equal_and_two_images_differ():
    model = network()
    first, second, other = trace(model, IMAGE), trace(model, IMAGE), trace(model, IMAGE.flip(3))
    for a, b in zip(first, second, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a.aggregation, b.aggregation, strict=True))
    assert not all(torch.equal(a.aggregation.centers, b.aggregation.centers) for a, b in zip(first, other, strict=True))


def test_training_works_after_tracing_an_image_of_the_same_size():
    images = torch.rand(2, 3, 10, 13, generator=torch.Generator().manual_seed(0))

    def gradients(model: SAT) -> list[Tensor]:
        torch.manual_seed(1)
        model.zero_grad()
        model(images).sum().backward()
        return [parameter.grad.clone() for parameter in model.parameters()]

    for training in (True, False):
        traced, fresh = network().train(training), network().train(training)
        trace(traced, images[:1])
        found = gradients(traced)
        assert all(torch.equal(a, b) for a, b in zip(found, gradients(fresh), strict=True))
        assert all(gradient.isfinite().all() for gradient in found) and any(gradient.any() for gradient in found)


def test_a_wrong_image_is_refused():
    with pytest.raises(ValueError, match="SAT takes floats of shape"):
        trace(network(), IMAGE[:, :1])


def test_a_single_image_a_batch_and_a_training_network():
    model = network()
    expected = trace(model, IMAGE)
    for image in (IMAGE[0], IMAGE.double()):
        for a, b in zip(trace(model, image), expected, strict=True):
            assert all(torch.equal(x, y) for x, y in zip(a.aggregation, b.aggregation, strict=True))
    state = torch.get_rng_state()
    modes = [module.training for module in model.train().modules()]
    in_training = trace(model, IMAGE)
    assert model.training and [module.training for module in model.modules()] == modes
    assert torch.equal(in_training[0].aggregation.sample, expected[0].aggregation.sample)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_network_for_grey_takes_grey_images_and_no_others():
    model = SAT(CONFIG.replace(in_channels=1))
    gray = (255 * IMAGE[0, 0]).round().to(torch.uint8).numpy()
    of_array, of_tensor = trace(model, gray), trace(model, torch.from_numpy(gray)[None] / 255)
    assert [layer.grid for layer in of_array] == [(9, 12)] * 3
    assert all(torch.equal(a.tokens, b.tokens) for a, b in zip(of_array, of_tensor, strict=True))
    with pytest.raises(ValueError, match="takes images of 1 channel, grey, got one of 3"):
        trace(model, gray[..., None].repeat(3, 2))
