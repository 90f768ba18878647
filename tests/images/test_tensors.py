"""Tensors of pixels: levels of 0 to 255 are refused wherever a network looks at an image, and not taken for light."""

import pytest
import torch
from selective_networks import network

from satlib import trace
from satlib.analysis.attention_maps import attended
from satlib.analysis.attribution import Square, attribution
from satlib.analysis.edges import edge_strength, layer_centers
from satlib.analysis.exact_attention import layer_errors
from satlib.analysis.influence import effective_receptive_field, influence, moved
from satlib.analysis.layer_tokens import layer_inputs
from satlib.analysis.occlusion import occlusion
from satlib.analysis.squares import strongest_square
from satlib.analysis.swapping import Swapped, swapped

LEVELS = torch.randint(256, (3, 9, 12), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
LIGHT = LEVELS / 255
SQUARE = Square(2, 2, 4)
LOOKS = {
    "trace": lambda model, image: trace(model, image),
    "attended": lambda model, image: attended(model, image, torch.tensor([0])),
    "layer_centers": lambda model, image: layer_centers([model], [image]),
    "layer_inputs": layer_inputs,
    "layer_errors": layer_errors,
    "swapped": lambda model, image: swapped(model, image, LIGHT),
    "other": lambda model, image: swapped(model, LIGHT, image),
    "Swapped": Swapped,
    "influence": lambda model, image: influence(model, image, (1, 1)),
    "field": lambda model, image: effective_receptive_field(model, image[None], (1, 1)),
    "moved": lambda model, image: moved(model, image, (1, 1)),
    "attribution": lambda model, image: attribution(model, image, SQUARE, steps=1),
    "occlusion": lambda model, image: occlusion(model, image, SQUARE, part=9),
    "strongest_square": lambda model, image: strongest_square(image, 2, 4),
    "edge_strength": lambda model, image: edge_strength(image),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_levels_are_refused_and_light_is_taken(look):
    model = network("aggregate")
    look(model, LIGHT)
    for levels in (LEVELS, LEVELS.int()):
        with pytest.raises(ValueError, match=r"(image|other) must hold floats in \[0, 1\], got torch.u?int"):
            look(model, levels)
