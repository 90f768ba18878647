"""How calls are timed on a GPU: events of the device, fresh inputs, results that are poisoned before each call.

The same code runs on the CPU with a wall clock, which is how it is tested where there is no GPU.
"""

import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median, quantiles

import torch
from torch import Tensor

Run = Callable[[], Tensor]
Row = dict[str, object]


@dataclass(frozen=True)
class Method:
    """How often a call is made."""

    warmups: int = 10
    iterations: int = 50
    seconds: float = 15.0
    """About what one subject may take in all; slower calls are made less often, three times or, if a single one takes
    longer, once."""


@dataclass(frozen=True)
class Timing:
    """What was measured of one subject."""

    seconds: list[float]
    peak: int
    """Most bytes of the device in use at once, weights and inputs included."""

    @property
    def median(self) -> float:
        """Median of the repetitions."""
        return median(self.seconds)

    def row(self) -> Row:
        """Return it as JSON values: median, quartiles, number of repetitions, peak."""
        low, _, high = quantiles(self.seconds, n=4) if len(self.seconds) > 1 else self.seconds * 3
        rounded = [float(f"{value:.5g}") for value in (self.median, low, high)]
        return {"seconds": rounded[0], "quartiles": rounded[1:], "repetitions": len(self.seconds), "bytes": self.peak}


class Events:
    """Times on a CUDA device, read after all calls are made."""

    def __init__(self) -> None:
        self.pairs: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def start(self) -> None:
        """Note the beginning of a call."""
        self.pairs.append((torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)))
        self.pairs[-1][0].record()

    def stop(self) -> None:
        """Note its end."""
        self.pairs[-1][1].record()

    def seconds(self) -> list[float]:
        """Wait for the device and return the seconds of each call."""
        torch.cuda.synchronize()
        return [start.elapsed_time(stop) / 1e3 for start, stop in self.pairs]


class Wall:
    """The same with the host's clock."""

    def __init__(self) -> None:
        self.found: list[float] = []

    def start(self) -> None:
        """Note the beginning of a call."""
        self.found.append(-time.perf_counter())

    def stop(self) -> None:
        """Note its end."""
        self.found[-1] += time.perf_counter()

    def seconds(self) -> list[float]:
        """Return the seconds of each call."""
        return self.found


def timed(run: Run, device: torch.device, method: Method, *, refresh: Callable[[], object] = lambda: None) -> Timing:
    """Warm up, then time ``run``.

    Before each call ``refresh`` makes new inputs, and the memory of the last result, which the next one is likely to
    get, is filled with NaN: a call that does not write its result is found out.

    Raises
    ------
    ArithmeticError
        If a result is not finite.
    """
    method = affordable(method, _once(run, device, method.seconds))
    clear(device)
    clock = Events() if device.type == "cuda" else Wall()
    finite = torch.ones((), dtype=torch.bool, device=device)
    for number in range(method.warmups + method.iterations):
        refresh()
        if number == method.warmups:
            clock = Events() if device.type == "cuda" else Wall()
        clock.start()
        out = run()
        clock.stop()
        finite &= out.isfinite().all()
        out.detach().fill_(torch.nan)
        del out
    seconds = clock.seconds()
    if not bool(finite):
        raise ArithmeticError("a result is not finite, or was not written")
    return Timing(seconds, peak(device))


def _once(run: Run, device: torch.device, limit: float) -> float:
    """Return the seconds of a call, waiting for the device: the second one, unless the first takes over the limit."""
    each = 0.0
    for _ in range(2):
        wait(device)
        start = time.perf_counter()
        run()
        wait(device)
        each = time.perf_counter() - start
        if each > limit:
            break
    return each


def affordable(method: Method, each: float) -> Method:
    """Return fewer calls where each takes long."""
    calls = int(method.seconds / max(each, 1e-9))
    if calls == 0:
        return replace(method, warmups=0, iterations=1)
    return replace(
        method, warmups=min(method.warmups, max(1, calls // 6)), iterations=min(method.iterations, max(3, calls))
    )


def wait(device: torch.device) -> None:
    """Wait until the device has done its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def clear(device: torch.device) -> None:
    """Give unused memory of a GPU back and begin to count the peak anew."""
    if device.type == "cuda":
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def peak(device: torch.device) -> int:
    """Return the peak of allocated bytes since :func:`clear`; on the CPU that of the process since its start."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
