"""The baseline of the benchmarks computes the function of satlib, so that their times can be compared."""

import pytest
import torch

from benchmarks import dense
from satlib import SAT, SATConfig, dta
from satlib.network.geometry import eval_sample


def network(preset, **overrides):
    torch.manual_seed(0)
    model = SAT(SATConfig.preset(preset, scale=2, groups=(1, 2), **overrides)).double().eval()
    for parameter in model.parameters():  # attention maps that are far from uniform
        if parameter.ndim == 2:
            parameter.data *= 5
    return model


@pytest.mark.parametrize("grid", [(24, 40), (33, 37), (64, 64)])
@pytest.mark.parametrize(
    ("preset", "overrides"),
    [
        ("sat-tiny", {}),
        ("sat-tiny", {"aggregation": "mean", "norm_restoration": "mean"}),
        ("sat-light", {"norm_restoration": "none"}),
        ("sat-released", {"channels": 48}),
    ],
)
def test_the_dense_network_is_the_network(preset, overrides, grid):
    model, x = network(preset, **overrides), torch.rand(2, 3, *grid, dtype=torch.float64)
    with torch.no_grad():
        ours, slow = model(x), dense.sat(model, x)
    assert (ours - slow).abs().max() <= 1e-10 * slow.abs().max()


@pytest.mark.parametrize("aggregation", ["similarity", "mean"])
@pytest.mark.parametrize("restoration", ["max", "mean", "none"])
def test_dense_gradients_are_the_gradients(aggregation, restoration):
    grid, options = (32, 24), {"aggregation": aggregation, "norm_restoration": restoration}
    sample = eval_sample(SATConfig(scale=2), grid, 0)
    x = torch.randn(2, 768, 12, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 23, 12, dtype=torch.float64)
    ours = dta.aggregate(x, 23, grid=grid, sample=sample, **options).tokens
    slow = dense.aggregate(x, 23, sample, **options)
    torch.testing.assert_close(ours, slow, rtol=1e-10, atol=1e-12)
    expected = torch.autograd.grad((slow * weight).sum(), x)[0]
    torch.testing.assert_close(torch.autograd.grad((ours * weight).sum(), x)[0], expected, rtol=1e-9, atol=1e-12)
