"""`satlib.analysis.layer_weights`: one layer is silent, and nothing else is changed."""

import pytest
import torch

from satlib import SAT, SATConfig, trace
from satlib.analysis.layer_weights import without_layer


def network() -> SAT:
    torch.manual_seed(0)
    fields = {"channels": 8, "heads": 2, "groups": (1, 2), "window": (4, 8), "keep_ratio": 0.1}
    return SAT(SATConfig.preset("sat-tiny", scale=2, **fields)).eval()


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_only_that_layer_gives_nothing(layer: int) -> None:
    model, image = network(), torch.rand(3, 9, 7, generator=torch.Generator().manual_seed(1))
    silent = without_layer(model, layer)
    with torch.no_grad():
        for number, (module, own) in enumerate(zip(silent.saa_layers(), model.saa_layers(), strict=True)):
            x = torch.rand(1, 63, 8, generator=torch.Generator().manual_seed(2))
            given, expected = module(x, (9, 7))[0], own(x, (9, 7))[0]
            assert expected.abs().max() > 0
            assert torch.equal(given, torch.zeros_like(given) if number == layer else expected)
    before, after = trace(model, image), trace(silent, image)
    changed = [not torch.equal(a.tokens, b.tokens) for a, b in zip(before, after, strict=True)]
    assert changed == [number > layer for number in range(3)]


def test_a_layer_that_is_not_there_is_an_error() -> None:
    for layer in (-1, 3):
        with pytest.raises(ValueError, match=rf"layer must be in 0\.\.2, got {layer}"):
            without_layer(network(), layer)
