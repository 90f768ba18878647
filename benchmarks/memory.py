"""`python -m benchmarks memory`: how much a process grows in a forward pass, beside the formula of `satlib.complexity`.

Writes satlib/results/timings/memory.json, which justifies the factor in `satlib.upscaling.memory`. Each pass runs in a
process of its own, on one thread of the CPU: what an earlier one has freed would hide what a later one takes.
"""

from multiprocessing import get_context

import torch

from benchmarks.protocol import growth_in, machine, save, say
from satlib import SAT, SATConfig
from satlib.complexity import complexity
from satlib.dta.sampling import Grid

Case = tuple[str, int, Grid]

CASES: tuple[Case, ...] = (
    ("sat-tiny", 2, (256, 256)),
    ("sat-tiny", 4, (256, 256)),
    ("sat-tiny", 4, (300, 400)),
    ("sat-light", 2, (200, 320)),
    ("sat-light", 4, (256, 256)),
    ("sat", 4, (128, 128)),
)
"""Preset, scale, and (H, W) of the input."""


def main() -> None:
    """Run all cases, print and write what each took."""
    torch.set_num_threads(1)  # as in the processes that are measured
    started_on, rows = machine(), []
    for case in CASES:
        with get_context("spawn").Pool(1) as pool:
            n_bytes = pool.apply(growth, (case,))
        preset, scale, grid = case
        formula = formula_bytes(case)
        say(f"{preset} x{scale}, {grid[0]} x {grid[1]}: {n_bytes / 1e6:.0f} MB, {n_bytes / formula:.2f} of the formula")
        rows.append({"preset": preset, "scale": scale, "grid": grid, "bytes": n_bytes, "formula": formula})
    save("memory", started_on, {"rows": rows})


def growth(case: Case) -> int:
    """Return by how many bytes this process grows in a forward pass without gradients."""
    preset, scale, grid = case
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, image = SAT(SATConfig.preset(preset, scale)).eval(), torch.rand(1, 3, *grid)
    with torch.inference_mode():
        model(image[..., :8, :8])
        return growth_in(lambda: model(image))


def formula_bytes(case: Case) -> int:
    """Return what the formula says of the tensors alive at the peak."""
    preset, scale, (height, width) = case
    cost = complexity(SATConfig.preset(preset, scale), (width * scale, height * scale))
    return cost.memory["satlib"]
