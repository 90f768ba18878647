"""Counting operations, bytes and seconds: known answers."""

import time
from fractions import Fraction
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from satlib.complexity.measured import costs, median_seconds, multiply_adds, operations, peak_bytes


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 6, 3, padding=1, groups=2)
        self.norm = nn.LayerNorm(6)
        self.linear = nn.Linear(6, 5)

    def forward(self, x):
        tokens = self.norm(self.conv(x).flatten(2).mT)  # (B, 20, 6)
        return self.linear(tokens) @ torch.ones(5, 7) + self.linear(tokens[:, :2]).sum()


def test_operations_are_split_by_layer_and_rest():
    found = operations(Net(), torch.rand(2, 4, 4, 5))
    assert found.convolution == 2 * 20 * 6 * (2 * 9)
    assert found.normalised == 2 * 20 * 6
    assert found.linear == 2 * 20 * 6 * 5 + 2 * 2 * 6 * 5
    assert found.products == 2 * 20 * 5 * 7


def test_operations_are_the_same_without_computing():
    network = Net()
    counted = operations(network, torch.rand(1, 4, 8, 8))
    with torch.device("meta"):
        assert operations(Net(), torch.empty(1, 4, 8, 8)) == counted


def test_operations_leave_no_hook_behind():
    network = Net()
    operations(network, torch.rand(1, 4, 4, 4))
    with pytest.raises(RuntimeError):
        operations(network, torch.rand(1, 3, 4, 4))
    assert not any(module._forward_hooks for module in network.modules())


def test_attention_is_counted_when_it_is_not_fused():
    q, v = torch.rand(1, 2, 10, 4), torch.rand(1, 2, 3, 4)
    with sdpa_kernel(SDPBackend.MATH):
        assert multiply_adds(lambda: functional.scaled_dot_product_attention(q, v, v)) == 2 * (2 * 10 * 3 * 4)


def test_peak_is_what_is_alive_at_once():
    x = torch.zeros(1000)
    assert peak_bytes(lambda: x + 1) == 4000
    assert peak_bytes(lambda: ((x + 1) + 1) + 1) == 8000  # an operand and the result
    assert peak_bytes(lambda: [x + 1, x + 2, x + 3]) == 12000
    assert peak_bytes(lambda: (x + 1).add_(1).view(10, 100)) == 4000  # no new storage
    assert peak_bytes(lambda: x.add_(1)) == 0  # what was there before does not count


def test_peak_does_not_depend_on_the_device():
    big = torch.empty(10**9, device="meta")
    assert peak_bytes(lambda: big * 2) == 4 * 10**9


def test_seconds_are_medians_of_calls_in_turns(monkeypatch):
    """The clock is ours: a real one tells how busy the machine is, and with it the other threads of this process."""
    clock, order = Fraction(), []
    cost = {"slow": iter((50, 3, 9, 4)), "quick": iter((70, 2, 1, 1))}  # the first call warms up and counts for nothing

    def spend(name):
        nonlocal clock
        order.append(name)
        clock += next(cost[name])

    monkeypatch.setattr(time, "process_time", lambda: clock)
    seconds = median_seconds({name: partial(spend, name) for name in cost}, repeats=3)
    assert order == ["slow", "quick"] * 4
    assert seconds == {"slow": 4, "quick": 1}


def test_costs_have_seconds_and_bytes_without_gradients(monkeypatch):
    clock = iter(range(100))
    monkeypatch.setattr(time, "process_time", lambda: next(clock))
    x, graphs = torch.zeros(1000, requires_grad=True), []
    runs = {"one": lambda: graphs.append((x + 1).requires_grad), "two": lambda: [x + 1, x + 2]}
    found = costs(runs, repeats=3)
    assert {name: (cost.seconds, cost.n_bytes) for name, cost in found.items()} == {"one": (1, 4000), "two": (1, 8000)}
    assert graphs == [False] * len(graphs) and len(graphs) == 5
