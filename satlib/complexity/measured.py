"""What a call costs when it is run: operations of a network, bytes that are alive, seconds.

The counterpart of `satlib.complexity`, which states the cost by formula. Operations and bytes do not depend on the
machine, and both can be had without computing anything: a network and its input on torch's "meta" device do.
"""

import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode


class Operations(NamedTuple):
    """Multiply-adds of one forward pass."""

    linear: int
    """Of nn.Linear layers."""
    convolution: int
    """Of nn.Conv2d layers."""
    normalised: int
    """Elements that pass through nn.LayerNorm (elements, not multiply-adds)."""
    products: int
    """Of matrix products and attention outside any layer."""


def operations(network: nn.Module, *inputs: object) -> Operations:
    """Run a network once without gradients and count its multiply-adds.

    Layers are counted as they are called; the products are what torch's own counter finds beyond them. It knows no
    fused attention of the CPU: run networks that use it under ``sdpa_kernel(SDPBackend.MATH)``.
    """
    linear = convolution = normalised = 0

    def count(layer: nn.Module, _: object, output: Tensor) -> None:
        nonlocal linear, convolution, normalised
        match layer:
            case nn.Linear():
                linear += output.numel() * layer.in_features
            case nn.Conv2d():
                convolution += output.numel() * layer.weight[0].numel()
            case nn.LayerNorm():
                normalised += output.numel()

    hooks = [layer.register_forward_hook(count) for layer in network.modules()]
    try:
        found = multiply_adds(lambda: network(*inputs))
    finally:
        for hook in hooks:
            hook.remove()
    return Operations(linear, convolution, normalised, found - linear - convolution)


def multiply_adds(run: Callable[[], object]) -> int:
    """Call ``run`` without gradients and return the multiply-adds of its products and convolutions."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        run()
    return int(counter.get_total_flops()) // 2


def peak_bytes(run: Callable[[], object]) -> int:
    """Call ``run`` without gradients and return the most bytes of tensors, made by it, that are alive at once.

    Storage that a kernel takes and frees inside one operation is not seen, nor what an allocator keeps.
    """
    live = _LiveBytes()
    with torch.no_grad(), live:
        run()
    return live.peak


class _LiveBytes(TorchDispatchMode):
    """Follows every storage from the operation that makes it to its end."""

    def __init__(self) -> None:
        start: Callable[[], None] = super().__init__  # torch leaves it without types
        start()
        self.now = self.peak = 0
        self.seen: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        func: Callable[..., object],
        types: Iterable[type],
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        given = {id(t.untyped_storage()) for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)}
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id(tensor.untyped_storage()) not in given:
                self._follow(tensor.untyped_storage())
        return result

    def _follow(self, storage: torch.UntypedStorage) -> None:
        if storage not in self.seen:
            self.seen.add(storage)
            self.now += storage.nbytes()
            self.peak = max(self.peak, self.now)
            weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, n_bytes: int) -> None:
        self.now -= n_bytes


class Cost(NamedTuple):
    """What one call takes."""

    seconds: float
    """CPU time, the median of some turns."""
    n_bytes: int
    """The most bytes of tensors that are alive at once, see :func:`peak_bytes`."""


def costs(runs: Mapping[str, Callable[[], object]], *, repeats: int = 7) -> dict[str, Cost]:
    """Time calls against each other without gradients, by :func:`median_seconds`, and find their peaks of memory."""
    with torch.no_grad():
        seconds = median_seconds(runs, repeats=repeats)
    return {name: Cost(seconds[name], peak_bytes(run)) for name, run in runs.items()}


def median_seconds(runs: Mapping[str, Callable[[], object]], *, repeats: int = 7) -> dict[str, float]:
    """Time calls against each other, in CPU seconds: one warm-up each, then in turns, the median of ``repeats`` turns.

    The CPU time of all threads is counted, so that other programs do not matter; compare with one thread.
    """
    for run in runs.values():
        run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    return {name: median(values) for name, values in seconds.items()}
