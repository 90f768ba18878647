"""The optimiser: Adam, which is told on the device whether a step counts."""

from collections.abc import Iterator

import torch
from torch import Tensor

from satlib.training.config import TrainConfig


class Adam(torch.optim.Adam):
    """Adam in one fused kernel, which can leave everything as it is without waiting for the device."""

    found_inf: Tensor | None = None
    """What the kernel asks: 1 means that this step does not count. Torch names it so."""

    def __init__(self, parameters: Iterator[torch.nn.Parameter], config: TrainConfig) -> None:
        super().__init__(
            parameters, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay, fused=True
        )

    def skip_where(self, bad: Tensor) -> None:
        """Let the next step change nothing where ``bad``, a bool on the device, is true."""
        self.found_inf = bad.float()
