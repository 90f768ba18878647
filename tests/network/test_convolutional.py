"""The convolutional network: each of its outputs against plain convolutions, and how far it sees."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from satlib import SAT, SATConfig
from satlib.network.convolutional import Convolutional, ConvolutionalConfig
from satlib.network.model import RGB_MEAN
from satlib.training.first_weights import bilinear_kernels, interpolate
from satlib.upscaling.models import Upscaler, get_model

SMALL = ConvolutionalConfig(scale=2, channels=4, blocks=2, upsampler_channels=6)


def build(config: ConvolutionalConfig, seed: int = 0) -> Convolutional:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Convolutional(config).eval()


def picture(height: int, width: int, channels: int = 3) -> Tensor:
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))


def slow(model: Convolutional, x: Tensor) -> Tensor:
    """The network by its weights' names, one convolution after the other."""
    state, config = model.state_dict(), model.config

    def conv(name: str, x: Tensor) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    mean = torch.tensor(RGB_MEAN if config.in_channels == 3 else [0.0] * config.in_channels).view(-1, 1, 1)
    shallow = deep = conv("head", x - mean)
    for block in range(config.blocks):
        deep = deep + conv(f"blocks.{block}.second", conv(f"blocks.{block}.first", deep).clamp_min(0))
    features = conv("features.0", conv("body_conv", deep) + shallow)
    out = functional.pixel_shuffle(
        conv("upsampler.0", torch.where(features > 0, features, 0.01 * features)), config.scale
    )
    return out + (x if config.scale == 1 else mean)


@pytest.mark.parametrize("scale", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_it_is_these_convolutions(scale: int, channels: int) -> None:
    model = build(ConvolutionalConfig(scale=scale, in_channels=channels, channels=4, blocks=2, upsampler_channels=6))
    for height, width in ((1, 1), (5, 8)):
        x = picture(height, width, channels)
        with torch.no_grad():
            out = model(x)
        assert out.shape == (2, channels, scale * height, scale * width)
        torch.testing.assert_close(out, slow(model, x))


def test_it_sees_as_far_as_its_convolutions_and_no_further() -> None:
    assert SMALL.reach == 8 and ConvolutionalConfig(scale=2).reach == 18
    model, x = build(SMALL), picture(1, 41)[:1].requires_grad_()
    (slope,) = torch.autograd.grad(model(x)[0, :, 0, 40].sum(), x)  # of input column 20
    seen = slope[0].abs().sum((0, 1)).nonzero().flatten().tolist()
    assert seen == list(range(20 - 8, 20 + 8 + 1))


def test_it_has_the_size_of_the_small_sat() -> None:
    convolutional, sat = build(ConvolutionalConfig(scale=2)), SAT(SATConfig.preset("sat-tiny", scale=2))
    assert convolutional.n_params == 152_332
    assert abs(convolutional.n_params / sat.n_params - 1) < 0.03
    assert convolutional.upsampler[0].weight.shape == sat.upsampler[0].weight.shape
    assert torch.equal(convolutional.mean, sat.mean)


def test_it_can_begin_as_an_interpolation() -> None:
    model, x = build(SMALL), picture(6, 7)
    interpolate(model)
    with torch.no_grad():
        model.upsampler[0].weight[:, 6:] = 0  # what is random is in no other channel
        out = model(x)
    inner = functional.pixel_shuffle(functional.conv2d(x.flatten(0, 1)[:, None], bilinear_kernels(2)[:, None]), 2)
    torch.testing.assert_close(out[..., 2:-2, 2:-2], inner.view(2, 3, 8, 10), atol=1e-5, rtol=0)


def test_it_upscales() -> None:
    model = build(SMALL)
    assert isinstance(model, Upscaler) and get_model(model) is model
    assert (model.name, model.scale, model.in_channels) == ("convolutional x2", 2, 3)


def test_a_configuration_comes_back() -> None:
    assert ConvolutionalConfig.from_dict(SMALL.to_dict()) == SMALL


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scale": 5}, "scale must be one of 1, 2, 3, 4, 8, got 5"),
        ({"scale": 2, "blocks": 0}, "blocks must be a positive integer, got 0"),
        ({"scale": 2, "in_channels": 17}, "in_channels must be at most 16, got 17"),
        ({"scale": 2, "heads": 2}, "unknown ConvolutionalConfig field 'heads'"),
        ({}, "scale is missing"),
    ],
)
def test_what_no_network_can_have_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ConvolutionalConfig.from_dict(values)


@pytest.mark.parametrize("x", [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(1, 3, 4, 0)])
def test_what_is_no_batch_of_images_is_named(x: Tensor) -> None:
    with pytest.raises(ValueError, match=r"floats of shape \(B, 3, H, W\), not empty; got"):
        build(SMALL)(x)
