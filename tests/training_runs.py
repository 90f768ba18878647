"""Small training runs for tests: a store of four photographs and a network of 1,500 weights."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from satlib import SATConfig
from satlib.data import prepare
from satlib.training import TrainConfig, train

NETWORK = {
    "scale": 2,
    "channels": 8,
    "heads": 2,
    "groups": (1,),
    "window": (4, 4),
    "gate_kernel": 3,
    "upsampler": "onestep",
    "upsampler_channels": 8,
    "keep_ratio": 0.1,
    "drop_path": 0.2,
    "position_channels": 2,
}


def network(**changes: object) -> SATConfig:
    return SATConfig.from_dict({**NETWORK, **changes})


def make_store(folder: Path) -> Path:
    photographs = folder / "photographs"
    photographs.mkdir()
    random = np.random.default_rng(0)
    for i in range(4):
        coarse = random.integers(0, 256, (6, 7, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((42 + 2 * i, 36), Image.Resampling.BICUBIC).save(photographs / f"p{i}.png")
    return prepare(photographs, folder / "store")


def config(store: Path, **changes: object) -> TrainConfig:
    values = {
        "steps": 12,
        "batch": 4,
        "patch": 8,
        "holdout": 1,
        "log_every": 3,
        "validate_every": 5,
        "save_every": 4,
        "ema": 0.9,
        "clip": 1.0,
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "network": network(),
        **changes,
    }
    return TrainConfig(store=str(store), **values)


def killed_until_done(store: Path, out: Path, kills: int, seed: int, steps: int) -> int:
    """Train in child processes, the first ``kills`` of them killed after a random time; return how many were."""
    random = np.random.default_rng(seed)
    settings = config(store, steps=steps, save_every=3, keep=3, log_every=5, validate_every=40)
    killed = 0
    while True:
        child = os.fork()
        if child == 0:
            os._exit(0 if train(settings, out, resume=True, device="cpu").finished else 1)
        if killed < kills:
            time.sleep(random.uniform(0.0, 0.5))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if status == 0:
            return killed
        if not os.WIFSIGNALED(status):
            raise SystemExit(f"a child failed with {status}")
        killed += 1


if __name__ == "__main__":
    torch.set_num_threads(1)
    numbers = [int(argument) for argument in sys.argv[3:]]
    sys.stdout.write(f"{killed_until_done(Path(sys.argv[1]), Path(sys.argv[2]), *numbers)}\n")
