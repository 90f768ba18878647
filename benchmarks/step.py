"""`python -m benchmarks step`: a training step on one thread, as it is and in ways that could be faster; 10 minutes.

Times the step of the recipe `quick` (sat-tiny x2: forward, loss, backward, Adam) on 4 patches of 32 x 32 and on 2 of
64 x 64 pixels: as `satlib train` runs it; under autocast to bfloat16; with the weights of convolutions in
channels_last; and compiled by torch.compile, which takes most of the ten minutes. Counts its multiply-adds, as three
times those of the forward pass, for the share of the machine's rate. Writes satlib/results/timings/step.json.
"""

import copy
from collections.abc import Callable

import torch
from torch import nn
from torch.nn.functional import l1_loss

from benchmarks.protocol import Run, in_turn, machine, save, say
from benchmarks.roofline import machine_rates
from satlib import SAT, SATConfig
from satlib.complexity.measured import multiply_adds
from satlib.figures.chapters.speed_tables import steps

BATCHES = ((4, 32), (2, 64))
"""Patches, and pixels of their side."""

AS_IT_IS = "as it is"


def main() -> None:
    """Time, print and write."""
    torch.set_num_threads(1)
    started_on = machine()
    rate = machine_rates()["multiply-adds"]
    found = {"rate": rate, "rows": [measure(patches, side) for patches, side in BATCHES]}
    say(f"this machine makes {rate / 1e9:.1f} G multiply-adds a second in a large product")
    say(steps(found))
    save("step", started_on, found)


def measure(patches: int, side: int) -> dict[str, object]:
    """Time all ways on one batch."""
    torch.manual_seed(0)
    model = SAT(SATConfig.preset("sat-tiny", scale=2)).train()
    low, high = torch.rand(patches, 3, side, side), torch.rand(patches, 3, 2 * side, 2 * side)
    runs = {name: step(way(copy.deepcopy(model)), low, high) for name, way in WAYS.items()}
    for run in runs.values():
        run()  # one that compiles is no measure of how often it can be repeated
    found = {"patches": patches, "side": side, "multiply-adds": 3 * multiply_adds(lambda: model(low))}
    return {**found, "seconds": in_turn(runs, repetitions=15)}


def step(model: nn.Module, low: torch.Tensor, high: torch.Tensor) -> Run:
    """Return a training step of a network."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)

    def run() -> None:
        optimizer.zero_grad()
        loss = l1_loss(model(low), high)
        loss.backward()
        optimizer.step()

    return run


class InBfloat16(nn.Module):
    """A network whose products and convolutions are in bfloat16."""

    def __init__(self, model: SAT) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, 3, H, W) -> (B, 3, sH, sW), float32."""
        with torch.autocast("cpu", torch.bfloat16):
            out: torch.Tensor = self.model(x)
        return out.float()


def compiled(model: SAT) -> nn.Module:
    """Return a network that is compiled for one size of batch."""
    whole = torch.compile(model, dynamic=False)
    assert isinstance(whole, nn.Module)
    return whole


def in_channels_last(model: SAT) -> nn.Module:
    """Return a network with its convolutions' weights in channels_last."""
    for weight in model.parameters():
        if weight.dim() == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return model


WAYS: dict[str, Callable[[SAT], nn.Module]] = {
    AS_IT_IS: lambda model: model,
    "bfloat16": InBfloat16,
    "channels_last": in_channels_last,
    "compiled": compiled,
}
