"""`python -m benchmarks whole`: one large image through the light network at x4.

Writes satlib/results/timings/whole.json. The dense form cannot run at this size. One call without warm-up: the question
is whether it runs, in how much memory.
"""

import torch

from benchmarks.protocol import cpu_seconds, growth_in, machine, save, say
from satlib import SAT, SATConfig

GRID = (320, 640)
MOST_BYTES = 3e9
"""What the growth of the process must stay below."""


def main() -> None:
    """Run it, print and write what it took."""
    torch.set_num_threads(1)
    started_on = machine()
    torch.manual_seed(0)
    model, image = SAT(SATConfig.preset("sat-light", scale=4)).eval(), torch.rand(1, 3, *GRID)
    seconds: list[float] = []
    with torch.no_grad():
        n_bytes = growth_in(lambda: seconds.append(cpu_seconds(lambda: model(image))))
    say(f"sat-light x4, {GRID[0]} x {GRID[1]}: {seconds[0]:.0f} s, {n_bytes / 1e9:.2f} GB (must be below 3)")
    content = {"preset": "sat-light", "scale": 4, "grid": GRID, "seconds": seconds, "bytes": n_bytes}
    save("whole", started_on, {**content, "must": MOST_BYTES})
