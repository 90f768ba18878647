"""`python -m benchmarks edges --set NAME=FOLDER`: Fig. D by number, on the images of test sets.

For the bundled networks, and for the same networks with random weights: where the centres of every SAA layer lie, on
the image's strongest gradients or elsewhere, and how evenly; and what the output of the trained ones loses when a
layer is silent. Of each photograph the middle is taken: SIDE pixels of low resolution or less, by the usual bicubic.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.protocol import say
from benchmarks.test_sets import Pixels, TestSet, arguments, images_of, middle, write
from satlib import SAT, load, upscale
from satlib.analysis import edges
from satlib.analysis.layer_weights import without_layer
from satlib.images.degradation import downscale
from satlib.metrics import psnr

NETWORKS = ("sat-tiny-x2", "sat-tiny-x4")
SIDE = 64
DRAWS = 3
SHARE = 0.1
"""Of the pixels that count as edge pixels, those with the strongest gradient."""

Row = dict[str, object]


def main() -> int:
    """Measure all networks on all sets and write the rows."""
    sets, to = arguments("edges")
    torch.set_num_threads(1)
    rows = [row for network in NETWORKS for row in measure(network, sets)]
    settings = {"side": SIDE, "draws": DRAWS, "share": SHARE, "groups": {n: load(n).config.groups for n in NETWORKS}}
    write(to, "edges", settings, rows)
    return 0


def measure(network: str, sets: Sequence[TestSet], draws: int = DRAWS, side: int = SIDE) -> list[Row]:
    """Return the rows of one network: for each image one of the trained and one of the untrained network."""
    trained = [load(network, seed=draw) for draw in range(draws)]
    config = trained[0].config
    models = {"trained": trained, "untrained": [untrained(model) for model in trained]}
    silent = [without_layer(trained[0], layer) for layer in range(len(trained[0].saa_layers()))]
    rows: list[Row] = []
    for name, file in ((s.name, file) for s in sets for file in images_of(s.folder)):
        photo = middle(file, side, config.scale)
        low = downscale(photo, config.scale)
        head: Row = {"network": network, "set": name, "image": file.stem}
        found = {kind: head | {"kind": kind} | where_centers_lie(networks, low) for kind, networks in models.items()}
        found["trained"]["worth"] = worth(trained[0], silent, low, photo)
        rows += found.values()
        say(f"{network}  {name:<12} {file.stem:<12} {found['trained']['edges']}")
    return rows


def untrained(model: SAT) -> SAT:
    """Return the same network with random weights, which its seed decides."""
    torch.manual_seed(model.config.seed)
    return SAT(model.config).eval()


def where_centers_lie(models: Sequence[SAT], low: Pixels) -> dict[str, list[float]]:
    """Return two shares for each layer, means of the draws: centres on edge pixels, and cells with a centre."""
    image: Tensor = torch.from_numpy(low.copy()).permute(2, 0, 1).float() / 255
    centers = edges.layer_centers(models, [image])
    found = {"edges": edges.edge_shares(centers, [image], share=SHARE), "cells": edges.cell_shares(centers, [image])}
    return {name: [round(value, 4) for value in shares.mean((1, 2)).tolist()] for name, shares in found.items()}


def worth(model: SAT, silent: Sequence[SAT], low: Pixels, photo: Pixels) -> list[float]:
    """Return by how many dB the PSNR of Y falls when a layer is silent, for each layer."""
    scale = model.config.scale
    usual, *without = (psnr(upscale(low, network, margin=0), photo, border=scale) for network in (model, *silent))
    return [round(usual - value, 4) for value in without]
