"""Run under torchrun: one training step, and the gradients of the first process written down.

python -m torch.distributed.run --standalone --nproc-per-node 2 tests/training_processes.py STORE FILE
"""

import sys
from pathlib import Path

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file
from training_runs import config, network

from satlib.data import Store
from satlib.training import TrainConfig
from satlib.training.checkpoints import State
from satlib.training.first_weights import first_network
from satlib.training.optimizer import Adam
from satlib.training.patches import Batches
from satlib.training.step import train_step


def settings(store: Path) -> TrainConfig:
    """Return a run without random numbers: the whole batch in one process draws other samples than its halves."""
    return config(store, network=network(sampling="grid", drop_path=0.0), batch=8, accumulate=2, clip=None)


def gradients(store: Path, devices: int) -> dict[str, torch.Tensor]:
    """Make one step and return the gradients."""
    c = settings(store)
    fabric = Fabric(accelerator="cpu", devices=devices)
    fabric.launch()
    network, _ = first_network(c.network, "random", 0)
    state = State(network, None, Adam(network.parameters(), c))
    model, optimizer = fabric.setup(network, state.optimizer)
    images = Store(store, 2)
    loader = Batches(c, images, range(4), rank=fabric.global_rank, world=fabric.world_size).since(0)
    parts = [next(loader) for _ in range(c.accumulate)]
    train_step(fabric, model, optimizer, state, parts, c)
    found = {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}
    return {**found, "loss": state.tally.loss[None].clone()}


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = gradients(Path(sys.argv[1]), 2)
    if torch.distributed.get_rank() == 0:
        save_file(result, sys.argv[2])
    torch.distributed.destroy_process_group()
