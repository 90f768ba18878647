"""One optimiser step: forward, backward, gradients checked and shortened, Adam, moving average.

Nothing here waits for the device: whether a loss is finite is decided there, and Adam is told there to skip the step.
On a GPU the forward and backward pass, nearly all of a step's kernels, may be recorded once and replayed.
Random numbers (token samples, stochastic depth) come from torch's global generator, which is seeded anew by
(seed, step, process) at each step, so that a run that was interrupted draws the same as one that was not.

Shapes: b patches of a part, I channels and P side of a patch, s the scale.
"""

import torch
from lightning_fabric import Fabric
from lightning_fabric.wrappers import _FabricModule, _FabricOptimizer
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grads_with_norm_, get_total_norm
from torch.optim.swa_utils import get_ema_multi_avg_fn

from satlib.data.store import Pair
from satlib.network.geometry import Geometry
from satlib.network.model import SAT
from satlib.training.checkpoints import State
from satlib.training.config import TrainConfig
from satlib.training.patches import stream
from satlib.training.schedule import average_decay, learning_rate
from satlib.upscaling.graphs import Graph


def train_step(
    fabric: Fabric,
    model: _FabricModule,
    optimizer: _FabricOptimizer,
    state: State,
    parts: list[Pair],
    config: TrainConfig,
    graph: Graph | None = None,
) -> None:
    """Make the step ``state.step`` with this process's share of the batch, and count it in ``state``.

    Parameters
    ----------
    model, optimizer
        Those of ``state``, as Fabric wraps them.
    parts
        Patches (b, I, P, P) and (b, I, sP, sP), uint8, as many parts as ``config.accumulate``.
    graph
        What `record_gradients` returned, to be replayed instead of `gradients`.
    """
    torch.manual_seed(stream(config.seed, state.step, fabric.global_rank))
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(config, state.step)
    total = gradients(fabric, model, parts) if graph is None else graph(*(t for pair in parts for t in pair))
    parameters = [p for p in state.model.parameters() if p.grad is not None]
    norm = get_total_norm([p.grad for p in parameters if p.grad is not None])
    if config.clip is not None:
        clip_grads_with_norm_(parameters, config.clip, norm)
    bad = ~(total + norm).isfinite()
    if fabric.world_size > 1:  # the gradients are everybody's, the loss is this process's
        bad = torch.as_tensor(fabric.all_reduce(bad.float(), reduce_op="max")) > 0
    state.optimizer.skip_where(bad)
    optimizer.step()
    if state.average is not None and config.ema is not None:
        decay = average_decay(config.ema, state.step)
        average = get_ema_multi_avg_fn(decay)
        average([*state.average.parameters()], [*state.model.parameters()], torch.zeros(()))
    state.tally.add(total, bad)
    state.step += 1


def gradients(fabric: Fabric, model: _FabricModule, parts: list[Pair], geometry: Geometry | None = None) -> Tensor:
    """Give every parameter its gradient in place of the old one, and return the loss, (), on the device.

    ``geometry`` is that of the patches; ``None``: the network's own.
    """
    model.zero_grad()
    total = torch.zeros((), device=fabric.device)
    for number, pair in enumerate(parts):
        with fabric.no_backward_sync(model, enabled=number < len(parts) - 1):
            given = () if geometry is None else (geometry,)
            upscaled = model(to_float(pair.lr, fabric), *given)
            loss = functional.l1_loss(upscaled, to_float(pair.hr, fabric)) / len(parts)
            fabric.backward(loss)
        total += loss.detach()
    return total


def record_gradients(fabric: Fabric, model: _FabricModule, parts: list[Pair]) -> Graph:
    """Record `gradients` as a CUDA graph for parts of these sizes; gradients then stay where they are.

    Raises
    ------
    ValueError
        Unless there is one process, on a GPU.
    """
    if fabric.world_size > 1:
        raise ValueError(f"cuda_graph needs a single process, got {fabric.world_size}")

    network, size = model.module, (parts[0].lr.shape[2], parts[0].lr.shape[3])
    geometry = network.geometry(size) if isinstance(network, SAT) else None

    def run(*pixels: Tensor) -> Tensor:
        pairs = [Pair(*pair) for pair in zip(pixels[::2], pixels[1::2], strict=True)]
        return gradients(fabric, model, pairs, geometry)

    return Graph(run, *(t for pair in parts for t in pair), device=fabric.device)


def to_float(pixels: Tensor, fabric: Fabric) -> Tensor:
    """Bring uint8 pixels to the device, as floats in [0, 1]."""
    return pixels.to(fabric.device, non_blocking=True).float() / 255
