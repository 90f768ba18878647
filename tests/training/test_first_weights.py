"""What training starts from: the same random weights every time, an interpolation, or another network's weights."""

import pytest
import torch
from torch.nn.functional import interpolate as torch_interpolate
from training_runs import network

from satlib import SAT, save
from satlib.training.first_weights import adopt, first_network, interpolate


def test_random_weights_are_the_seeds_and_leave_the_generator_alone() -> None:
    before = torch.get_rng_state()
    a, b, c = (first_network(network(), "random", seed)[0].state_dict() for seed in (3, 3, 4))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a[name], b[name]) for name in a) and not torch.equal(a["head.weight"], c["head.weight"])


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_start_interpolates(scale: int) -> None:
    model, fresh = first_network(network(scale=scale, upsampler_channels=6), "interpolation", 0)
    assert fresh == []
    x = torch.rand(2, 3, 7, 9)
    expected = torch_interpolate(x, scale_factor=scale, mode="bilinear", align_corners=False)
    inner = (..., slice(scale, -scale), slice(scale, -scale))  # at the border torch repeats pixels
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(x)[inner], expected[inner], rtol=0, atol=2e-6)


def test_the_start_is_near_an_interpolation_with_more_channels_and_everything_learns() -> None:
    model, _ = first_network(network(upsampler_channels=16), "interpolation", 0)
    x = torch.rand(1, 3, 12, 12)
    with torch.no_grad():
        difference = model.eval()(x) - torch_interpolate(x, scale_factor=2, mode="bilinear")
    assert difference[..., 2:-2, 2:-2].square().mean().sqrt() < 0.05
    model.train()(x).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and (parameter.grad != 0).any() or "attention.key.bias" in name, name


def test_a_selective_start_changes_queries_and_keys_alone_and_attends_to_like_tokens() -> None:
    plain, _ = first_network(network(), "interpolation", 0)
    begun, _ = first_network(network(), "interpolation", 0, query_std=0.5)
    own, other = plain.state_dict(), begun.state_dict()
    assert all(torch.equal(own[n], other[n]) for n in own if ".query.weight" not in n and ".key.weight" not in n)
    layer = begun.groups[0].blocks[1].attention
    assert torch.equal(layer.query.weight, layer.key.weight) and 0.3 < float(layer.query.weight.detach().std()) < 0.8
    x = torch.nn.functional.layer_norm(torch.randn(60, 8), (8,))
    with torch.no_grad():
        logits = layer.query(x) @ layer.key(x).T
    own_logit, mean, spread = logits.diagonal(), logits.mean(1), logits.std(1)
    assert ((own_logit - mean) / spread).median() > 1.5


def test_only_the_upsampler_in_one_step_can_interpolate() -> None:
    with pytest.raises(ValueError, match="needs the upsampler 'onestep'.*'classic'"):
        interpolate(SAT(network(upsampler="classic")))


@pytest.mark.parametrize(
    ("upsampler", "fresh"),
    [("onestep", ["upsampler.0.weight", "upsampler.0.bias"]), ("classic", ["upsampler.2.weight", "upsampler.2.bias"])],
)
def test_weights_of_another_scale(upsampler: str, fresh: list[str], tmp_path) -> None:
    small = SAT(network(upsampler=upsampler))
    save(small, tmp_path / "x2.safetensors")
    model, found = first_network(network(upsampler=upsampler, scale=4), str(tmp_path / "x2.safetensors"), 1)
    assert found == fresh
    given, own = small.state_dict(), model.state_dict()
    assert all(torch.equal(own[name], given[name]) for name in own if not name.startswith("upsampler."))
    if upsampler == "classic":
        assert torch.equal(own["upsampler.0.weight"], given["upsampler.0.weight"])
        assert torch.equal(own["upsampler.4.weight"], given["upsampler.2.weight"])


def test_weights_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ValueError, match=r"head.weight is \(8, 3, 3, 3\), not \(16, 3, 3, 3\) \(and .* more\)"):
        adopt(SAT(network(channels=16)), SAT(network()))
