"""Which patches a step sees: a function of the seed and the patch's number alone.

Patch ``i`` of a run is cut from a photograph, at a place, and in an orientation that are drawn from a generator seeded
by (seed, i). The position in the data is therefore the number of the step: nothing about it is saved, and neither
worker processes, nor the number of GPUs, nor an interruption changes what a step sees.

Shapes: P side of a low-resolution patch, I its channels, s the scale.
"""

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from satlib.data.degradation import Pass, degrade_bytes
from satlib.data.store import Pair, Store
from satlib.training.config import TrainConfig


class Patches(Dataset[Pair]):
    """The endless list of random patches of a store.

    Parameters
    ----------
    store, photographs
        Which photographs to cut from.
    size
        Side P of a patch, in low-resolution pixels.
    seed
        Another seed is another list.
    degradation
        Passes that make the low-resolution patch of the other one, drawn anew for each; it is mirrored at its edges.
        None: it is cut from the store. What is cut, and where, is the same.

    Raises
    ------
    ValueError
        If no photograph is as large as a patch; smaller ones are left out.
    """

    def __init__(
        self, store: Store, photographs: Sequence[int], size: int, seed: int, degradation: Sequence[Pass] = ()
    ) -> None:
        self.store, self.size, self.seed, self.degradation = store, size, seed, degradation
        self.photographs = sorted(set(store.large_enough(size)) & set(photographs))
        if not self.photographs:
            raise ValueError(f"no training photograph has {size} x {size} pixels at scale 1/{store.scale}")

    def __getitem__(self, number: int) -> Pair:
        """Return patch ``number``: (I, P, P) and (I, sP, sP) uint8."""
        generator = torch.Generator().manual_seed(stream(self.seed, number))
        pair = self.store.random_crop(self.size, generator, self.photographs)
        orientation = int(torch.randint(8, (), generator=generator))
        high = orient(pair.hr, orientation)
        if self.degradation:
            return Pair(degrade_bytes(high, self.store.scale, self.degradation, generator), high)
        return Pair(orient(pair.lr, orientation), high)


def stream(*numbers: int) -> int:
    """Return a seed for these numbers, as different for neighbouring numbers as for distant ones."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def orient(image: Tensor, orientation: int) -> Tensor:
    """Return (C, H, W) in one of its 8 orientations: turned by 90 degrees 0 to 3 times, from 4 on after a mirroring."""
    return torch.rot90(image.flip(2) if orientation >= 4 else image, orientation % 4, (1, 2)).contiguous()


class Plan(Sampler[list[int]]):
    """The numbers of the patches of each part of each step, for one process.

    Parameters
    ----------
    steps
        How many there are.
    batch, parts
        Patches of a step over all processes, and the parts that each process has it in.
    rank, world
        Which process of how many.

    Raises
    ------
    ValueError
        If the batch cannot be divided.
    """

    def __init__(self, steps: int, batch: int, parts: int, rank: int = 0, world: int = 1) -> None:
        if batch % (parts * world):
            raise ValueError(f"batch={batch} cannot be divided among {world} processes in {parts} parts")
        self.first, self.steps, self.batch, self.parts = 0, steps, batch, parts
        self.rank, self.world = rank, world

    def since(self, first: int) -> "Plan":
        """Return the plan without the steps before ``first``."""
        later = copy.copy(self)
        later.first = first
        return later

    def __len__(self) -> int:
        """Return the number of parts."""
        return (self.steps - self.first) * self.parts

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the numbers of each part, step after step."""
        size = self.batch // (self.parts * self.world)
        for step in range(self.first, self.steps):
            for part in range(self.parts):
                start = step * self.batch + (part * self.world + self.rank) * size
                yield list(range(start, start + size))


class Batches:
    """The parts of all steps of a run, for one process; each a :class:`Pair` with a leading batch axis.

    Parameters
    ----------
    config, store, photographs
        What to cut from which photographs of a store.
    rank, world
        Which process of how many.

    Raises
    ------
    ValueError
        If the patches do not fit into the photographs, or the batch cannot be divided.
    """

    def __init__(
        self, config: TrainConfig, store: Store, photographs: Sequence[int], *, rank: int = 0, world: int = 1
    ) -> None:
        self.patches = Patches(store, photographs, config.patch, config.seed, config.degradation)
        self.plan = Plan(config.steps, config.batch, config.accumulate, rank, world)
        self.workers = config.workers

    def since(self, first: int, *, pin: bool = False) -> Iterator[Pair]:
        """Return an iterator from step ``first`` on; ``pin`` keeps tensors where a GPU can fetch them by itself."""
        loader: DataLoader[Pair] = DataLoader(
            self.patches,
            batch_sampler=self.plan.since(first),
            num_workers=self.workers,
            pin_memory=pin,
            prefetch_factor=4 if self.workers else None,
        )
        return iter(loader)


def split(n: int, holdout: int) -> tuple[list[int], list[int]]:
    """Return which of n photographs are for training and which are held out, evenly spaced.

    Raises
    ------
    ValueError
        If none would be left for training.
    """
    if holdout >= n:
        raise ValueError(f"holdout must leave photographs to train on, got {holdout} of {n}")
    held = {(2 * i + 1) * n // (2 * holdout) for i in range(holdout)}
    return [i for i in range(n) if i not in held], sorted(held)
