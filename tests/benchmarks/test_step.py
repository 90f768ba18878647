"""`python -m benchmarks step`: what it times is one step of one network, in every way."""

import copy

import pytest
import torch
from torch.nn.functional import l1_loss

from benchmarks import step
from satlib import SAT, SATConfig


def small() -> SAT:
    torch.manual_seed(0)
    return SAT(SATConfig.preset("sat-tiny", scale=2).replace(groups=(1,), channels=8, heads=2, window=(4, 8))).train()


@pytest.mark.parametrize("name", [name for name in step.WAYS if name != "compiled"])
def test_each_way_has_the_loss_of_the_step_as_it_is(name: str) -> None:
    low, high = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)
    losses = []
    for way in (step.AS_IT_IS, name):
        model = step.WAYS[way](small())
        torch.manual_seed(1)  # of the tokens that are sampled
        losses.append(l1_loss(model(low), high).item())
    assert losses[1] == pytest.approx(losses[0], rel=2e-2 if name == "bfloat16" else 1e-5)


def test_a_step_changes_the_weights_as_adam_does_and_makes_the_loss_smaller() -> None:
    low, high = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 16, 16)
    model = small()
    before, run = copy.deepcopy(model), step.step(model, low, high)
    run()
    moved = [(a - b).abs().max().item() for a, b in zip(model.parameters(), before.parameters(), strict=True)]
    assert max(moved) == pytest.approx(1e-4, rel=1e-2)  # Adam's first step has the length of its learning rate
    for _ in range(50):
        run()
    assert l1_loss(model(low), high) < l1_loss(before(low), high)


@pytest.mark.slow
def test_rows_and_the_share_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = {name: way for name, way in step.WAYS.items() if name != "compiled"}
    monkeypatch.setattr(step, "WAYS", ways)
    found = step.measure(1, 8)
    seconds = found["seconds"]
    assert isinstance(seconds, dict) and list(seconds) == list(ways)
    assert isinstance(found["multiply-adds"], int) and found["multiply-adds"] > 10**7
    row = {"patches": 4, "side": 32, "multiply-adds": 3 * 10**9, "seconds": {name: [0.2, 0.25, 0.9] for name in ways}}
    assert step.steps({"rate": 48e9, "rows": [row]}).splitlines()[2].split("|")[-2].strip() == "0.250"
