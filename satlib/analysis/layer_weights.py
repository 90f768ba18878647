"""How much a network's output hangs on one SAA layer: the same network with that layer silent.

What a layer chooses and reads says little if nothing depends on it. The layer's output is zero here, its block's MLP
and all that follows run as before, and nothing is trained anew.

Shapes: H x W pixels, s the scale.
"""

import copy

import torch

from satlib.network.model import SAT, as_sat
from satlib.support.checks import require


def without_layer(model: SAT, layer: int) -> SAT:
    """Return a copy of a network whose SAA layer adds nothing to its block.

    Parameters
    ----------
    model
        Not changed.
    layer
        The number of the SAA layer, from 0 on.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    silent = copy.deepcopy(as_sat(model))
    layers = silent.saa_layers()
    require(0 <= layer < len(layers), "layer", layer, f"in 0..{len(layers) - 1}")
    with torch.no_grad():
        for parameter in layers[layer].project.parameters():
            parameter.zero_()
    return silent
