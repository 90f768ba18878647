"""`python -m benchmarks gpu`: the table of the GPU, in under ten minutes; writes satlib/results/timings/gpu.json.

Rows come in the order of their importance. The file is written anew after each, so that a run that is cut off keeps
what it has; a row that fails says why, and the next ones go on. Method: `gpu_timing.py`; what is compared and how it is
checked first: `gpu_subjects.py`.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import torch

from benchmarks import gpu_kernels
from benchmarks import gpu_subjects as subjects
from benchmarks.gpu_limits import limit, rates
from benchmarks.gpu_timing import Method, Row, clear, timed
from benchmarks.peers import SETTINGS, build, import_spandrel
from benchmarks.protocol import machine, say
from satlib import SAT
from satlib.dta.sampling import Grid
from satlib.results import timings
from satlib.support.errors import is_out_of_memory
from satlib.support.files import replacing
from satlib.upscaling.precision import FORMATS, Format

GIB = 2**30


@dataclass(frozen=True)
class Plan:
    """Sizes of everything that is measured."""

    presets: tuple[str, ...] = ("sat", "sat-light")
    """The network of the paper's table, and a light one for training."""
    grid: Grid = (128, 128)
    patch: int = 64
    batch: int = 32
    large: Grid = (720, 1280)
    sweep: tuple[Grid, ...] = (
        (64, 64),
        (64, 128),
        (128, 128),
        (128, 256),
        (256, 256),
        (256, 512),
        (512, 512),
        (512, 1024),
        (1024, 1024),
    )
    product: int = 8192
    copy: int = 4 * GIB
    method: Method = Method()
    budget: float = 540.0
    """Seconds after which no new section is begun; what is begun late is repeated less often."""


@dataclass
class Bench:
    """One run of the program."""

    device: torch.device
    plan: Plan
    path: Path
    content: dict[str, object]
    rows: dict[str, list[Row]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)

    @property
    def method(self) -> Method:
        """The plan's method, within the time that is left."""
        return replace(self.plan.method, seconds=min(self.plan.method.seconds, max(1.0, self.left / 6)))

    @property
    def left(self) -> float:
        """Seconds of the budget that are left."""
        return self.plan.budget - (time.monotonic() - self.begun)

    def add(self, section: str, row: Row) -> None:
        """Keep a row, print it, write the file."""
        self.rows.setdefault(section, []).append(row)
        say(f"{section}: " + ", ".join(f"{key} {value}" for key, value in row.items()))
        self.save(finished=False)

    def save(self, *, finished: bool) -> None:
        """Write the file whole, or leave it as it was."""
        seconds = round(time.monotonic() - self.begun, 1)
        whole = {**self.content, "finished": finished, "took": seconds, "rates": self.rates, "sections": self.rows}
        with replacing(self.path) as temporary:
            temporary.write_text(json.dumps(whole, indent=1) + "\n")


def main() -> int:
    """Measure on the GPU of this machine; 2 where there is none, 1 if a row failed."""
    if not torch.cuda.is_available():
        sys.stderr.write("python -m benchmarks gpu needs a GPU that torch can use; there is none here\n")
        return 2
    return measure(torch.device("cuda", 0), Plan(), Path(timings.__file__).with_name("gpu.json"))


def measure(device: torch.device, plan: Plan, path: Path) -> int:
    """Measure every section, and return 1 if anything failed, else 0."""
    bench = Bench(device, plan, path, {"machine": {**machine(), **describe(device)}})
    for name, section in SECTIONS.items():
        if bench.left < 0:
            bench.add(name, {"skipped": "the time was over"})
            continue
        clear(device)
        try:
            for row in section(bench):
                bench.add(name, row)
        except (RuntimeError, MemoryError, ArithmeticError, ValueError) as error:
            bench.add(name, {"failed": f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"})
    bench.save(finished=True)
    return int(any("failed" in row for rows in bench.rows.values() for row in rows))


def describe(device: torch.device) -> Row:
    """Return what numbers depend on besides the host: GPU, its memory, driver libraries, packages."""
    if device.type != "cuda":
        return {"gpu": device.type}
    properties = torch.cuda.get_device_properties(device)
    return {
        "gpu": properties.name,
        "memory": properties.total_memory,
        "capability": f"{properties.major}.{properties.minor}",
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def forward_rows(bench: Bench) -> Iterator[Row]:
    """Yield the forward pass of one image in every way, with its share of the limit, after the checks."""
    bench.rates = rates(bench.device, bench.method, bench.plan.product, bench.plan.copy)
    model = subjects.network(bench.plan.presets[0], 4, bench.device).eval()
    for number_format in reversed(FORMATS):
        least = limit(model.config, bench.plan.grid, number_format, bench.rates)
        for way in ("ours", "graph", "dense"):
            yield {**_forward_row(bench, model, number_format, way), "limit": float(f"{least:.4g}")}


def _forward_row(bench: Bench, model: SAT, number_format: Format, way: str) -> Row:
    row: Row = {"way": way, "format": number_format}
    if way == "graph" and bench.device.type != "cuda":
        return {**row, "skipped": "CUDA graphs need a GPU"}
    agreement = subjects.check_forward(model, bench.plan.grid, number_format, way)
    subject = subjects.forward(model, bench.plan.grid, number_format, way)
    found = timed(subject.run, bench.device, bench.method, refresh=subject.refresh)
    return {**row, "agrees": agreement, **found.row()}


def training_rows(bench: Bench) -> Iterator[Row]:
    """Yield the training step of both networks, both ways."""
    plan = bench.plan
    for preset in reversed(plan.presets):
        for number_format in reversed(FORMATS):
            for way in ("ours", "dense"):
                model = subjects.network(preset, 4, bench.device, training=True)
                agreement = subjects.check_gradients(model, plan.patch // 2, number_format, way)
                row: Row = {"preset": preset, "way": way, "format": number_format, "agrees": agreement}
                yield {**row, **_largest_batch(bench, model, number_format, way)}


def _largest_batch(bench: Bench, model: SAT, number_format: Format, way: str) -> Row:
    """Time a step with the batch of the plan, or with the largest half, quarter ... of it that fits."""
    batch = bench.plan.batch
    while True:
        try:
            return {"batch": batch, **_training_row(bench, model, batch, number_format, way)}
        except (RuntimeError, MemoryError) as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
        batch //= 2
        clear(bench.device)


def _training_row(bench: Bench, model: SAT, batch: int, number_format: Format, way: str) -> Row:
    subject = subjects.training(model, batch, bench.plan.patch, number_format, way)
    return timed(subject.run, bench.device, bench.method, refresh=subject.refresh).row()


def large_rows(bench: Bench) -> Iterator[Row]:
    """Yield a large image at x2, whole, in bfloat16."""
    model = subjects.network(bench.plan.presets[0], 2, bench.device).eval()
    subject = subjects.forward(model, bench.plan.large, "bfloat16", "ours")
    method = replace(bench.method, warmups=1, iterations=3)
    found = timed(subject.run, bench.device, method, refresh=subject.refresh)
    yield {"grid": bench.plan.large, "format": "bfloat16", **found.row(), "must": 16 * GIB}


def peer_rows(bench: Bench) -> Iterator[Row]:
    """Yield the peers' forward passes on the same image."""
    try:
        architectures = import_spandrel()
    except ImportError as error:
        yield {"skipped": f"the extra `peers` is not installed: {error}"}
        return
    bench.content["versions"] = {"spandrel": version("spandrel")}
    image = torch.rand(1, 3, *bench.plan.grid, device=bench.device)
    for number_format in reversed(FORMATS):
        for name, (_, settings) in SETTINGS.items():
            peer = build(architectures, name, 4, settings).to(bench.device)
            run = subjects.forwards(peer, image, number_format)
            try:
                found = timed(run, bench.device, bench.method, refresh=image.uniform_)
            except (RuntimeError, ArithmeticError) as error:
                yield {"name": name, "format": number_format, "failed": str(error).strip().splitlines()[0]}
            else:
                yield {"name": name, "format": number_format, **found.row()}
            del peer, run
            clear(bench.device)


def sweep_rows(bench: Bench) -> Iterator[Row]:
    """Yield time and memory against the number of tokens in bfloat16, to the largest that fits in memory and time."""
    model = subjects.network(bench.plan.presets[0], 4, bench.device).eval()
    method = replace(bench.method, warmups=2, iterations=7, seconds=bench.method.seconds / 3)
    for way in ("ours", "dense"):
        last: list[float] = []
        for grid in bench.plan.sweep:
            row: Row = {"way": way, "grid": grid}
            if len(last) > 1 and 6 * last[-1] ** 2 / last[-2] > bench.left / 2:
                yield {**row, "skipped": "the time would not be enough"}
                break
            try:
                subject = subjects.forward(model, grid, "bfloat16", way)
                found = timed(subject.run, bench.device, method, refresh=subject.refresh)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                yield {**row, "skipped": "out of memory"}
                break
            last.append(found.median)
            yield {**row, **found.row()}
            clear(bench.device)


def kernel_rows(bench: Bench) -> Iterator[Row]:
    """Yield torch's attention kernels side by side."""
    tokens = bench.plan.grid[0] * bench.plan.grid[1]
    method = Method(warmups=3, iterations=20, seconds=min(2.0, bench.method.seconds))
    yield from gpu_kernels.attention_rows(bench.device, method, tokens, max(1, bench.plan.batch * tokens // 1024))


def profile_rows(bench: Bench) -> Iterator[Row]:
    """Yield the kernels of the forward pass."""
    model = subjects.network(bench.plan.presets[0], 4, bench.device).eval()
    yield from gpu_kernels.profile_rows(bench.device, subjects.forward(model, bench.plan.grid, "bfloat16", "ours").run)


SECTIONS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "forward": forward_rows,
    "training": training_rows,
    "large": large_rows,
    "profile": profile_rows,
    "peers": peer_rows,
    "kernels": kernel_rows,
    "sweep": sweep_rows,
}
"""What is measured, the most important first."""
