"""The page of benchmarks: what the programs of `benchmarks/` have measured, as tables and sentences.

Seconds are medians, of CPU time of one thread.
"""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch

from satlib.analysis.statistics import local_slopes
from satlib.complexity import complexity
from satlib.config import SATConfig
from satlib.figures.cost.bars import stage_label
from satlib.figures.cost.speed import WAYS
from satlib.network import torch_attention
from satlib.results import timings
from satlib.support.tables import table

Rows = Sequence[Mapping[str, Any]]
CHOSEN = ("sample × sample", "q, k, v", "windows QK^T", "windows AV", "QK^T", "AV")
"""Products whose shapes the page shows."""


def machines(names: Sequence[str]) -> str:
    """Return a table of what each program ran on, and how busy the machine was."""
    lines = []
    for name in names:
        m = timings.results(name)["machine"]
        load = f"{m['load'][0]:.1f}", f"{m['load at end'][0]:.1f}"
        lines.append((f"`{name}`", m["processor"], m["cores"], m["threads"], *load, m["torch"]))
    head = ("program", "processor", "cores", "threads", "load at the start", "at the end", "torch")
    return table(head, lines, align="llrrrrl")


def targets(rows: Rows) -> str:
    """Return a table of what each operation takes in both forms, the ratio, its spread, and the targets."""
    lines = []
    for row in rows:
        name, spread = f"{row['what']}, memory", ""
        if row["unit"] == "s":
            name = row["what"]
            spread = "{:.2f}&nbsp;to&nbsp;{:.2f}".format(*timings.spread(row["dense"], row["ours"]))
        ratio = f"{timings.ratio(row['dense'], row['ours']):.2f}"
        lines.append((name, _shown(row["dense"]), _shown(row["ours"]), ratio, spread, row["must"], row.get("aim", "")))
    return table(("operation", "dense", "satlib", "ratio", "spread", "must", "aim"), lines, align="lr")


def _shown(value: int | Sequence[float]) -> str:
    return f"{value / 1e6:,.0f}&nbsp;MB" if isinstance(value, int) else f"{median(value):.3f}&nbsp;s"


def missed(rows: Rows) -> str:
    """Return how many of the targets are reached, and which are not."""
    names = [row["what"] for row in rows if timings.ratio(row["dense"], row["ours"]) < row["must"]]
    left = f"Not reached: {'; '.join(names)}." if names else "None is missed."
    return f"{len(rows) - len(names)} of {len(rows)} targets are reached. {left}"


def parts(networks: Rows) -> str:
    """Return a table of the forward pass of each network, and of the parts that take most of it."""
    lines = []
    for network in networks:
        before, after = (median(network["whole"][way]) for way in WAYS)
        seconds = {part["name"]: part["count"] * median(part["ours"]) for part in network["parts"]}
        most = ", ".join(
            f"{name} {seconds[name] / after:.0%}" for name in sorted(seconds, key=lambda n: -seconds[n])[:2]
        )
        times = f"{before:.2f}&nbsp;s", f"{after:.2f}&nbsp;s", f"{before / after:.2f}"
        lines.append((f"`{network['preset']}`", *times, most, f"{sum(seconds.values()) / after:.0%}"))
    head = ("network", "dense", "satlib", "ratio", "largest parts that remain", "all parts")
    return table(head, lines, align="lrrrlr")


def kinds(networks: Rows) -> str:
    """Return a table of seconds by kind of work, both ways of each network."""
    found = {(network["preset"], way): network["kinds"][way] for network in networks for way in WAYS}
    names = [kind for kind in next(iter(found.values())) if any(seconds[kind] for seconds in found.values())]
    lines = [(kind, *(f"{seconds[kind]:.2f}" for seconds in found.values())) for kind in names]
    return table(("seconds", *(f"{preset}, {WAYS[way]}" for preset, way in found)), lines, align="lr")


def growth(lines: Sequence[timings.Line]) -> str:
    """Return a table of the largest size of each line, and the exponents between its last two."""
    rows = [
        (
            f"{line.subject}, {WAYS[line.way]}",
            f"{line.tokens[-1]:,}",
            f"{line.seconds[-1]:.2f}&nbsp;s",
            f"{local_slopes(line.tokens, line.seconds)[-1]:.2f}",
            f"{line.n_bytes[-1] / 1e6:,.0f}&nbsp;MB",
            f"{local_slopes(line.tokens, line.n_bytes)[-1]:.2f}",
            line.stopped or "the largest size tried",
        )
        for line in lines
    ]
    head = ("", "largest N", "time", "$p$, time", "memory", "$p$, memory", "not further, because")
    return table(head, rows, align="lrrrrrl")


def limits(preset: str) -> str:
    """Return a table of each stage's milliseconds, its limit, and what it takes at the rates of torch's products."""
    rows = [
        (
            s.name,
            f"{1e3 * s.count * s.measured:,.0f}",
            f"{1e3 * s.count * s.limit:,.0f}",
            "bytes" if s.bytes_bound else "arithmetic",
            f"{s.distance:.1f}",
            f"{1e3 * s.count * s.at_shapes:,.0f}",
            f"{s.measured / s.at_shapes:.1f}",
        )
        for s in timings.stages(preset)
    ]
    head = (
        f"stage of `{preset}`",
        "ms",
        "limit, ms",
        "set by",
        "distance",
        "torch's rates here, ms",
        "measured / that",
    )
    return table(head, rows, align="lrrlr")


def products(preset: str) -> str:
    """Return a table of the rates that matrix products reach in the shapes of a network."""
    content = timings.results("roofline")
    (network,) = (network for network in content["networks"] if network["preset"] == preset)
    found = {product["name"]: product for stage in network["stages"] for product in stage["products"]}
    rows = [
        (
            stage_label(name),
            f"{p['rows']:,} × {p['inner']:,}, {p['inner']:,} × {p['columns']:,}",
            f"{p['rate'] / 1e9:.1f}",
            f"{p['rate'] / content['rates']['multiply-adds']:.0%}",
        )
        for name, p in found.items()
        if name in CHOSEN
    ]
    return table((f"product of `{preset}`", "shape", "G multiply-adds / s", "of the best rate"), rows, align="llr")


def to_gain(networks: Rows) -> list[str]:
    """Return, for each network, the three stages that are farthest above their limits, in seconds."""
    lines = []
    for network in networks:
        stages = sorted(timings.stages(network["preset"]), key=lambda s: s.count * (s.limit - s.measured))[:3]
        above = "; ".join(
            f"**{s.name}**, {s.count * (s.measured - s.limit):.2f} s above its limit ({s.distance:.1f} times the limit)"
            for s in stages
        )
        whole = median(network["whole"]["ours"])
        lines.append(f"`{network['preset']}`: {above}. The whole forward pass takes {whole:.2f} s.")
    return lines


def precision(rows: Rows) -> str:
    """Return a table of what bfloat16 changes in each trained network, over the photographs."""
    lines = []
    for name in dict.fromkeys(row["model"] for row in rows):
        own = [row for row in rows if row["model"] == name]
        change = max(abs(row["float32"] - row["bfloat16"]) for row in own)
        apart = _span(own, "between", ".1f"), _span(own, "tiles", ".1f"), f"{change:.3f}"
        lines.append((f"`{name}`", *apart, _span(own, "kept", ".1%"), _span(own, "same", ".1%")))
    head = (
        "network",
        "dB between the outputs",
        "the same for four tiles",
        "largest change against the photograph, dB",
        "centres that stay",
        "tokens that keep their centre",
    )
    return table(head, lines, align="lr")


def _span(rows: Rows, key: str, form: str) -> str:
    values = [row[key] for row in rows]
    return f"{min(values):{form}} to {max(values):{form}}"


def kernels() -> str:
    """Return a table of the kernels of torch that may compute each attention on a GPU, the first choice first."""
    lines = []
    for what, masked in (("to aggregated tokens", False), ("in windows, with a bias", True)):
        for kind in (torch.bfloat16, torch.float32, torch.float64):
            names = [found.name.split("_")[0].lower() for found in torch_attention.kernels(kind, masked=masked)]
            lines.append((what, str(kind).removeprefix("torch."), " → ".join(names)))
    return table(("attention", "format", "kernels, the first that accepts"), lines)


def predicted(rate: float) -> str:
    """Return a table of how long `sat` would take at a rate of multiply-adds in a second."""
    lines = []
    for scale, (height, width) in ((4, (128, 128)), (2, (720, 1280))):
        macs = complexity(SATConfig.preset("sat", scale), (scale * width, scale * height)).total
        lines.append((f"{width} × {height}, ×{scale}", f"{macs / 1e12:.2f} T", f"{1e3 * macs / rate:.1f} ms"))
    return table(("input of `sat`", "multiply-adds", "at the assumed rate"), lines, align="lr")


def steps(found: Mapping[str, Any]) -> str:
    """Return a table of a training step's seconds in each way, and the share of the machine's rate as it is."""
    rows = found["rows"]
    batches = [f"{row['patches']} of {row['side']}&nbsp;×&nbsp;{row['side']}" for row in rows]
    lines = [(way, *(f"{median(row['seconds'][way]):.3f}" for row in rows)) for way in rows[0]["seconds"]]
    as_it_is = [median(next(iter(row["seconds"].values()))) for row in rows]
    shares = [row["multiply-adds"] / own / found["rate"] for row, own in zip(rows, as_it_is, strict=True)]
    return table(("step", *batches), [*lines, ("share", *(f"{share:.0%}" for share in shares))], align="lr")


def first_minutes(seconds: Mapping[str, float]) -> str:
    """Return a table of when a newcomer has what, in seconds since the first command."""
    return table(("moment", "seconds"), [(moment, f"{at:.0f}") for moment, at in seconds.items()], align="lr")
