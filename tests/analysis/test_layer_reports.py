"""`satlib.analysis.layer_reports`: each number as loops over tokens, queries and heads give it."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch

from satlib import SAT, SATConfig, trace
from satlib.analysis.attention_maps import attended
from satlib.analysis.controls import layer_swaps
from satlib.analysis.layer_reports import layer_reports
from satlib.analysis.layer_weights import without_layer
from satlib.images.degradation import downscale
from satlib.images.tensors import to_pixels, to_tensor
from satlib.metrics import psnr
from satlib.network.attention import SelectiveAggregationAttention

Pixels = npt.NDArray[np.uint8]


def network(**changes: Any) -> SAT:
    torch.manual_seed(0)
    fields: dict[str, Any] = {"channels": 8, "heads": 2, "groups": (1, 1), "window": (4, 8), "keep_ratio": 0.1}
    model = SAT(SATConfig.preset("sat-tiny", 2, **(fields | changes))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)  # attention far from uniform
    return model


@pytest.fixture(scope="module")
def images() -> list[Pixels]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (*shape, 3), dtype=np.uint8) for shape in ((16, 20), (24, 12))]


def test_each_number_is_that_of_loops(images: list[Pixels]) -> None:
    model = network()
    found = layer_reports(model, images, queries=10_000)  # more than there are tokens: all
    lows = [to_tensor(downscale(image, 2)) for image in images]
    blocks = [m for m in model.modules() if hasattr(m, "attention")]
    selective = [b for b in blocks if isinstance(b.attention, SelectiveAggregationAttention)]
    streams: list[torch.Tensor] = []
    for number, report in enumerate(found):
        share, place, read, varies = [], [], [], []
        for low in lows:
            hook = selective[number].register_forward_pre_hook(lambda _, args: streams.append(args[0][0]))
            layer = trace(model, low)[number]
            hook.remove()
            output, energy = layer.output[0].double(), 0.0
            for token in output:
                energy += float(token.square().sum())
            share.append((energy / float(streams[-1].double().square().sum())) ** 0.5)
            mean = sum(output) / len(output)
            place.append(sum(float((token - mean).square().sum()) for token in output) / energy)
            weights = attended(model, low, torch.arange(low.shape[1] * low.shape[2]))[number].weights.double()
            for head in weights:
                average = sum(head) / len(head)
                varies.append([float((query - average).abs().sum()) / 2 for query in head])
                read.append([float((-query * query.log()).nansum().exp()) / weights.shape[-1] for query in head])
        assert report.share == pytest.approx(np.mean(share), rel=1e-5)
        assert report.place == pytest.approx(np.mean(place), rel=1e-5)
        each = [[float(np.mean(heads)) for heads in (rows[:2], rows[2:])] for rows in (read, varies)]
        assert (report.read, report.varies) == pytest.approx([np.mean(values) for values in each], rel=1e-4)
        assert report.varies > 1e-3


def test_decibels_are_lost_against_the_whole_network(images: list[Pixels]) -> None:
    model = network()
    found, swaps = layer_reports(model, images), layer_swaps(model, images)

    def level(net: SAT, image: Pixels) -> float:
        with torch.inference_mode():
            output = net(to_tensor(downscale(image, 2))[None])[0]
        return psnr(to_pixels(output, np.uint8), image, border=2)

    for number, report in enumerate(found):
        lost = [level(model, image) - level(without_layer(model, number), image) for image in images]
        assert report.zeroed == pytest.approx(np.mean(lost), abs=1e-12) and report.zeroed != 0
        assert report.swapped == pytest.approx(-float(swaps[:, number].mean()), abs=1e-12)


def test_a_silent_layer_has_no_share_and_a_uniform_one_reads_everything_alike(images: list[Pixels]) -> None:
    silent = layer_reports(without_layer(network(), 1), images)[1]
    assert (silent.place, silent.zeroed, silent.swapped) == (0, 0, 0) and silent.share == 0
    model = network(keep_ratio=1.0)
    with torch.no_grad():
        for layer in model.saa_layers():
            layer.query.weight.zero_()
            if layer.query.bias is not None:
                layer.query.bias.zero_()
    for report in layer_reports(model, images):
        assert report.read == pytest.approx(1, rel=1e-5)
        assert report.varies == pytest.approx(0, abs=1e-6) and report.place == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_reported_is_an_error_and_the_network_stays_as_it_was(images: list[Pixels]) -> None:
    model = network().train()
    layer_reports(model, images)
    assert model.training
    with pytest.raises(ValueError, match="two images are needed"):
        layer_reports(model, images[:1])
    with pytest.raises(ValueError, match="no SAA layer"):
        layer_reports(network(selective="none"), images)
    with pytest.raises(ValueError, match="queries must be a positive integer, got 0"):
        layer_reports(model, images, queries=0)
