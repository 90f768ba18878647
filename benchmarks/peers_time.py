"""`python -m benchmarks peers`: seconds of other networks beside SAT's at x4; writes satlib/results/timings/peers.json.

All networks have random weights, run on one thread and take turns; each takes part in the dense form and as satlib runs
it. Inputs have sides that every network's windows divide.
"""

from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from statistics import median
from types import ModuleType
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks import dense
from benchmarks.peers import LIGHT, SETTINGS, build, import_spandrel
from benchmarks.protocol import in_turn, machine, save, say
from satlib import SAT, SATConfig
from satlib.dta.sampling import Grid

SCALE = 4
SECONDS = 60.0
"""A network that takes longer is run once, without repetition."""

GROUPS: tuple[tuple[str, Grid], ...] = tuple((name, (n, n)) for name in ("sat", "sat-light") for n in (64, 128))


class Network(NamedTuple):
    """A network that takes part."""

    name: str
    params: int
    run: Callable[[Tensor], object]


def main() -> None:
    """Time every group, print and write the results."""
    torch.set_num_threads(1)
    started_on = machine()
    architectures = import_spandrel()
    versions = {package: version(package) for package in ("spandrel", "torchvision")}
    groups = [measure(architectures, preset, grid) for preset, grid in GROUPS]
    save("peers", started_on, {"versions": versions, "scale": SCALE, "limit": SECONDS, "groups": groups})


def measure(architectures: ModuleType, preset: str, grid: Grid) -> dict[str, object]:
    """Time SAT and its peers on one image."""
    torch.manual_seed(0)
    taking_part = list(networks(architectures, preset))
    image = torch.rand(1, 3, *grid)
    with torch.no_grad():
        seconds = in_turn({network.name: partial(network.run, image) for network in taking_part}, limit=SECONDS)
    ours = median(seconds[preset])
    for name, times in seconds.items():
        over = "" if len(times) > 1 else f"  over {SECONDS:.0f} s, not repeated"
        say(f"{grid[0]:>4} x {grid[1]:<4} {name:<18} {median(times):8.2f} s  {median(times) / ours:6.2f} of ours{over}")
    rows = [{"name": n.name, "params": n.params, "seconds": seconds[n.name]} for n in taking_part]
    return {"preset": preset, "grid": grid, "rows": rows}


def networks(architectures: ModuleType, preset: str) -> Iterator[Network]:
    """Yield SAT, its dense form, and the peers of its size."""
    model = SAT(SATConfig.preset(preset, scale=SCALE)).eval()
    yield Network(preset, model.n_params, model)
    yield Network(f"{preset}, dense", model.n_params, partial(dense.sat, model))
    light = preset == "sat-light"
    for name, (_, settings) in (LIGHT if light else SETTINGS).items():
        peer = build(architectures, name, SCALE, settings)
        yield Network(name + ("-light" if light else ""), sum(p.numel() for p in peer.parameters()), peer)
