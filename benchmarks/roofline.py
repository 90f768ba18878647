"""`python -m benchmarks roofline`: how far every stage of a block is from what this machine can do.

Measures three rates of one thread: multiply-adds of a large matrix product, exponentials, and bytes of a copy that no
cache holds; then the rate of every product that a stage consists of, at its own shape. Counts what each stage needs
(`needs.py`) and times it. Writes satlib/results/timings/roofline.json; `satlib.results.timings.stages` makes limits of
it.
"""

import time
from statistics import median

import torch

from benchmarks.needs import Product, needs
from benchmarks.parts import NETWORKS, network, parts, without_aggregation
from benchmarks.protocol import Run, in_turn, machine, save, say
from satlib.dta.sampling import Grid

PIECE = 2**18
"""Elements of a product's result at most, when its rate is measured: kernels work in pieces that stay in cache."""

AT_LEAST = 0.03
"""Seconds of each reading of a rate."""


def main() -> None:
    """Measure rates and stages, print and write them."""
    torch.set_num_threads(1)
    started_on = machine()
    rates = machine_rates()
    for kind, rate in rates.items():
        say(f"{kind:<14} {rate / 1e9:8.2f} G/s")
    save("roofline", started_on, {"rates": rates, "networks": [look(preset, grid) for preset, grid in NETWORKS]})


def machine_rates() -> dict[str, float]:
    """Return multiply-adds, exponentials and bytes (read plus written) in a second, at best."""
    a, b = torch.rand(2, 1024, 1024)
    small, source = torch.rand(2**14), torch.rand(2**26)
    into, target = torch.empty_like(small), torch.empty_like(source)
    return {
        "multiply-adds": rate(lambda: torch.mm(a, b), 1024**3),
        "exponentials": rate(lambda: torch.exp(small, out=into), small.numel()),
        "bytes": rate(lambda: target.copy_(source), 2 * source.nbytes),
    }


def rate(run: Run, work: int) -> float:
    """Return work per second of CPU time, the median of seven readings, to four digits."""
    run()
    readings = []
    for _ in range(7):
        calls, start = 0, time.process_time()
        while time.process_time() - start < AT_LEAST:
            run()
            calls += 1
        readings.append(calls * work / (time.process_time() - start))
    return float(f"{median(readings):.4g}")


def product_rate(product: Product) -> float:
    """Return the multiply-adds in a second of products of this shape, in pieces of `PIECE` results."""
    rows = max(1, min(product.rows, PIECE // product.columns))
    batch = max(1, min(product.batch, PIECE // (rows * product.columns)))
    a, b = torch.rand(batch, rows, product.inner), torch.rand(batch, product.inner, product.columns)
    out = torch.empty(batch, rows, product.columns)
    return rate(lambda: torch.bmm(a, b, out=out), batch * rows * product.inner * product.columns)


def look(preset: str, grid: Grid) -> dict[str, object]:
    """Time the stages of one network and set their needs beside them."""
    model = network(preset)
    found = {part.name: part for part in parts(model, grid)}
    seconds = without_aggregation(in_turn({name: part.ours for name, part in found.items()}))
    rows: list[dict[str, object]] = []
    for name, need in needs(model.config, grid).items():
        part = found["SAA layer" if name == "SAA attention" else name]
        products = [
            {**product._asdict(), "macs": product.macs, "rate": product_rate(product)} for product in need.products
        ]
        rows.append(
            {
                "name": name,
                "count": part.count,
                "products": products,
                "depthwise": need.depthwise,
                "exponentials": need.exponentials,
                "bytes": need.n_bytes,
                "seconds": seconds[name],
            }
        )
        say(f"{preset:<10} {name:<18} {median(seconds[name]):8.4f} s  {need.macs / 1e9:8.3f} G multiply-adds")
        for product in products:
            say(f"{'':<10}   {product['name']:<16} {product['rate'] / 1e9:8.2f} G/s")
    return {"preset": preset, "grid": grid, "stages": rows}
