"""What a network owes to its SAA layers: each control as a slow hand would do it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from satlib import SAT, SATConfig
from satlib.analysis.controls import OFF, ONE, OTHER, controls, layer_swaps, one_vector
from satlib.analysis.layer_reports import layer_reports
from satlib.analysis.swapping import swapped, without_selective_attention
from satlib.dta.aggregation import aggregate
from satlib.images.degradation import downscale
from satlib.images.tensors import to_pixels, to_tensor
from satlib.metrics import psnr

Pixels = npt.NDArray[np.uint8]


def network(**changes: Any) -> SAT:
    fields: dict[str, Any] = {
        "channels": 8,
        "heads": 2,
        "groups": (1, 1),
        "window": (4, 8),
        "scale": 2,
        "seed": 3,
    } | changes
    config = SATConfig.preset("sat-tiny", **fields)
    model = SAT(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)  # so that what SAA reads moves whole levels of the output
    return model


@pytest.fixture(scope="module")
def images() -> list[Pixels]:
    random = np.random.default_rng(0)
    shapes = ((32, 40), (48, 36), (40, 40))
    return [random.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in shapes]


def level(output: torch.Tensor, image: Pixels) -> float:
    return psnr(to_pixels(output, np.uint8), image, border=2)


def test_each_image_reads_the_next_one_and_is_held_against_itself(images: list[Pixels]) -> None:
    model = network()
    found = controls(model, images)
    off = without_selective_attention(model)
    for number, image in enumerate(images):
        low, other = (to_tensor(downscale(x, 2)) for x in (image, images[(number + 1) % 3]))
        base = level(swapped(model, low, low), image)
        assert found[OTHER][number] == pytest.approx(level(swapped(model, low, other), image) - base, abs=1e-12)
        with torch.inference_mode():
            assert found[OFF][number] == pytest.approx(level(off(low[None])[0], image) - base, abs=1e-12)
    assert any(found[OTHER]) and any(found[ONE]) and list(found) == [OTHER, ONE, OFF]


def test_of_one_layer_the_swap_is_that_of_all(images: list[Pixels]) -> None:
    model = network(groups=(1,))
    alone = layer_swaps(model, images)
    assert alone.shape == (3, 1)
    assert alone[:, 0].tolist() == pytest.approx(controls(model, images)[OTHER], abs=1e-12)


def test_each_layer_is_swapped_alone(images: list[Pixels]) -> None:
    model, pair = network().eval(), images[:2]
    with torch.inference_mode():
        lows = [to_tensor(downscale(x, 2))[None] for x in pair]
        first, second = ([layer.aggregation for layer in model.layers(low)] for low in lows)
        base = level(model(lows[0])[0], pair[0])
        mixed = [[second[0], first[1]], [first[0], second[1]]]
        expected = [level(model(lows[0], read=read)[0], pair[0]) - base for read in mixed]
    assert layer_swaps(model, pair)[0].tolist() == pytest.approx(expected, abs=1e-12)


def test_one_vector_is_the_mean_of_all_members() -> None:
    x = torch.rand(2, 40, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    made = aggregate(x, 6, aggregation="mean", norm_restoration="none", generator=torch.Generator().manual_seed(1))
    alike = one_vector(made)
    assert alike.tokens.shape == made.tokens.shape
    torch.testing.assert_close(alike.tokens, x.mean(1, keepdim=True).expand(2, 6, 5), rtol=0, atol=1e-12)
    assert alike.assignment is made.assignment


def test_the_network_is_left_as_it_was(images: list[Pixels]) -> None:
    model = network().train()
    controls(model, images[:2])
    assert model.training and all(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_network_in_half_precision_is_measured(dtype: torch.dtype, images: list[Pixels]) -> None:
    model = network().to(dtype)
    assert all(np.isfinite(values).all() for values in controls(model, images[:2]).values())
    assert all(np.isfinite(report).all() for report in layer_reports(model, images[:2], queries=3))
    output = torch.tensor([[[0.7]]], dtype=dtype)
    assert to_pixels(output, np.uint8).item() == round(255 * output.double().item())


@pytest.mark.parametrize("measure", [controls, layer_swaps])
def test_what_cannot_be_compared_is_named(measure: object, images: list[Pixels]) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="two images are needed, so that one reads the other's tokens; got 1"):
        measure(network(), images[:1])
    with pytest.raises(ValueError, match="no SAA layer: its configuration has selective='none'"):
        measure(network(selective="none"), images)
