"""A network as one graph: compiled by torch, or recorded on a GPU and replayed as one launch (CUDA graphs).

Both serve one size of input. A replay has no Python and no launch of single kernels in it, which is what a small image
on a fast GPU waits for. Nothing here falls back to something else: without a GPU, or with another size, there is an
error, and the caller decides.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from satlib.network.model import SAT
from satlib.upscaling.precision import Format, computing

WARMUPS = 3
"""Runs before recording: libraries choose their algorithms, and casts are made."""


class Recorded(NamedTuple):
    """Work that can be repeated."""

    replay: Callable[[], None]
    output: Tensor
    """Holds the result of the last replay."""


class Graph:
    """A function of tensors, recorded once on a GPU.

    Parameters
    ----------
    run
        Takes tensors and returns one; may also leave results elsewhere, such as gradients. It must not wait for the
        device. It is never called again, but kept: what it refers to, the weights and the geometry of one size, is
        found by its address in a replay, and must stay where it is.
    examples
        Inputs of the sizes and dtypes that later ones have; on any device.
    device
        The GPU.

    Raises
    ------
    ValueError
        If the device is not a GPU that torch can use.
    """

    def __init__(self, run: Callable[..., Tensor], *examples: Tensor, device: torch.device | str = "cuda") -> None:
        place = torch.device(device)
        if place.type != "cuda" or not torch.cuda.is_available():
            raise ValueError(f"a CUDA graph needs a GPU that torch can use, got device {str(place)!r}")
        self.run = run
        self.inputs = [torch.empty_like(t, device=place).copy_(t) for t in examples]
        self.recorded = record(lambda: run(*self.inputs), place)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Replay with new inputs, and return the result, which the next call overwrites.

        Raises
        ------
        ValueError
            If inputs differ from the examples in number, shape or dtype.
        """
        expected, got = ([(tuple(t.shape), t.dtype) for t in tensors] for tensors in (self.inputs, inputs))
        if got != expected:
            raise ValueError(f"the graph was recorded for inputs {expected}, got {got}")
        for own, given in zip(self.inputs, inputs, strict=True):
            own.copy_(given, non_blocking=True)
        self.recorded.replay()
        return self.recorded.output


def record(run: Callable[[], Tensor], device: torch.device) -> Recorded:
    """Run some times on a stream of its own, then record one more run."""
    with torch.cuda.device(device):
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(WARMUPS):
                run()
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        # Other threads may pin memory meanwhile, which "global" would take for a mistake.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            output = run()
    return Recorded(graph.replay, output)


def forward_graph(model: SAT, image: Tensor, *, number_format: Format = "float32") -> Graph:
    """Record the forward pass of a network, in eval mode and without gradients, for images like (B, 3, H, W).

    Raises
    ------
    ValueError
        If the network is in training mode.
    """
    if model.training:
        raise ValueError("the network is in training mode; call eval() first")
    device = next(model.parameters()).device
    geometry = model.geometry((image.shape[2], image.shape[3]))

    def run(x: Tensor) -> Tensor:
        # Autocast ends with the run: casts of weights that it kept from a warm-up would be missing in the recording.
        with torch.no_grad(), computing(number_format, device):
            out: Tensor = model(x, geometry)
        return out

    return Graph(run, image, device=device)


def compiled(
    model: SAT, image: Tensor, *, backend: str | Callable[..., Any] = "inductor"
) -> Callable[[Tensor], Tensor]:
    """Compile a network, in eval mode, for images like (B, 3, H, W), whole: a part that cannot be compiled is an error.

    The geometry of that size is made before and is an input of what is compiled. The first call compiles. The function
    raises a ValueError for another size. What inductor makes for a GPU adds in any order, unless
    ``torch.use_deterministic_algorithms`` asks for a fixed one.
    """
    if model.training:
        raise ValueError("the network is in training mode; call eval() first")
    geometry = model.geometry((image.shape[2], image.shape[3]))
    whole: Callable[..., Tensor] = torch.compile(model, fullgraph=True, dynamic=False, backend=backend)

    def run(x: Tensor) -> Tensor:
        if x.shape != image.shape:
            raise ValueError(f"the network was compiled for {tuple(image.shape)}, got {tuple(x.shape)}")
        return whole(x, geometry)

    return run
