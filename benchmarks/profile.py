"""`python -m benchmarks profile`: where a forward pass spends its time; writes satlib/results/timings/profile.json.

Twice over: by part of the network, each part called alone, both ways in turn; and by kind of work, which torch's
profiler reads off the operators of the whole forward pass.
"""

from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from benchmarks.parts import NETWORKS, WAYS, Part, network, parts, whole, without_aggregation
from benchmarks.protocol import Run, in_turn, machine, save, say
from satlib.dta.sampling import Grid

KINDS = {
    "products": ("mm", "addmm", "bmm", "baddbmm", "dot"),
    "convolutions": ("mkldnn_convolution", "_slow_conv2d_forward", "_conv_depthwise2d"),
    "norms and softmax": ("native_layer_norm", "_softmax", "linalg_vector_norm"),
    "selection": ("topk", "sort", "max", "min", "argmax", "argmin", "amax", "amin"),
    "moving data": (
        "copy_",
        "cat",
        "index",
        "gather",
        "index_select",
        "constant_pad_nd",
        "roll",
        "fill_",
        "zero_",
        "scatter",
        "scatter_",
        "scatter_add",
        "scatter_add_",
        "scatter_reduce",
        "scatter_reduce_",
        "one_hot",
        "repeat",
        "arange",
        "tril",
        "triu",
        "index_put_",
        "index_add_",
        "index_add",
        "pixel_shuffle",
    ),
}
"""Operators of torch (without "aten::") by kind of work; all others do arithmetic on single elements."""

OTHER = "elementwise"


def main() -> None:
    """Profile every network, print and write the results."""
    torch.set_num_threads(1)
    started_on = machine()
    save("profile", started_on, {"networks": [look(preset, grid) for preset, grid in NETWORKS]})


def look(preset: str, grid: Grid) -> dict[str, object]:
    """Profile one network."""
    model = network(preset)
    both = dict(zip(WAYS, whole(model, grid), strict=True))
    found = parts(model, grid)
    seconds = {way: without_aggregation(times) for way, times in in_turn_by_way(found).items()}
    rows = [
        {"name": name, "count": part.count, **{way: seconds[way][name] for way in WAYS}}
        for name, part in zip(seconds["ours"], found, strict=True)
    ]
    say(f"{preset}, {grid[0]} x {grid[1]}, seconds of a forward pass: dense, ours")
    for part, row in zip(found, rows, strict=True):
        say(f"  {row['name']:<18}" + "".join(f"{part.count * median(seconds[w][str(row['name'])]):9.3f}" for w in WAYS))
    total = in_turn(both, repetitions=3)
    say(f"  {'whole network':<18}" + "".join(f"{median(total[way]):9.3f}" for way in WAYS))
    kinds = {way: by_kind(run) for way, run in both.items()}
    for kind in kinds["ours"]:
        say(f"  {kind:<18}" + "".join(f"{kinds[way][kind]:9.3f}" for way in WAYS))
    return {"preset": preset, "grid": grid, "parts": rows, "whole": total, "kinds": kinds}


def in_turn_by_way(found: list[Part]) -> dict[str, dict[str, list[float]]]:
    """Time all parts in turn, each both ways; seconds by way and name."""
    runs = {f"dense {part.name}": part.dense for part in found} | {f"ours {part.name}": part.ours for part in found}
    both = in_turn(runs)
    return {way: {part.name: both[f"{way} {part.name}"] for part in found} for way in WAYS}


def by_kind(run: Run) -> dict[str, float]:
    """Return the CPU seconds of one call by kind of work."""
    with profile(activities=[ProfilerActivity.CPU], acc_events=True) as recorded:
        run()
    seconds = dict.fromkeys([*KINDS, OTHER], 0.0)
    for event in recorded.key_averages():
        name = event.key.removeprefix("aten::")
        kind = next((kind for kind, names in KINDS.items() if name in names), OTHER)
        seconds[kind] += event.self_cpu_time_total / 1e6
    return {kind: float(f"{value:.5g}") for kind, value in seconds.items()}
