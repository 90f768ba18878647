"""The learning rate and the decay of the moving average as functions of the step: nothing to save or to restore."""

from bisect import bisect_right
from math import cos, pi

from satlib.training.config import TrainConfig


def learning_rate(config: TrainConfig, step: int) -> float:
    """Return the learning rate of a step; the first is 0.

    As torch's MultiStepLR counts, the step whose number is a milestone is the first at the lower rate.
    """
    rate = config.learning_rate * min(1.0, (step + 1) / (config.warmup + 1))
    if config.schedule == "cosine":
        return rate * (1 + cos(pi * min(1.0, step / config.steps))) / 2
    return rate * config.decay ** bisect_right(config.milestones, step)


def average_decay(decay: float, step: int) -> float:
    """Return the decay of the moving average after a step: smaller at the beginning, when old weights are no use."""
    return min(decay, (1 + step) / (10 + step))
