"""The dense form on satlib's layers; that the page itself computes the same is the matter of tests/test_plain.py."""

import torch

from benchmarks import dense
from satlib import SAT, SATConfig

GRID = (24, 40)


def network():
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2, groups=(1, 2))).double().eval()


def test_the_residual_groups_are_those_of_the_network():
    model = network()
    x = torch.randn(2, GRID[0] * GRID[1], model.config.channels, dtype=torch.float64)
    with torch.no_grad():
        ours = x
        for group in model.groups:
            ours = group(ours, model.geometry(GRID))
        torch.testing.assert_close(dense.body(model, GRID)(x), ours, rtol=1e-10, atol=1e-10)


def test_gradients_reach_the_weights_of_the_network():
    """A training step of the dense form is compared with satlib's."""
    found = []
    for run in (lambda model, image: model(image), dense.sat):
        model = network()
        run(
            model, torch.rand(1, 3, *GRID, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
        ).sum().backward()
        found.append([parameter.grad for parameter in model.parameters()])
    for ours, slow in zip(*found, strict=True):
        torch.testing.assert_close(slow, ours, rtol=1e-8, atol=1e-8)
