"""Memory: how much is free, and how much a network needs."""

import os
from pathlib import Path

import torch

from satlib.complexity.count import complexity
from satlib.config import SATConfig
from satlib.support.control_groups import memory_left
from satlib.upscaling.precision import Format

TAKEN = 2.5
"""Bytes that a process takes for each byte of tensors that the formula of :mod:`satlib.complexity` counts: what its
allocator and torch's kernels keep besides. ``python -m benchmarks memory`` measures it on a CPU."""

HALF_SHARE = 0.6
"""What bfloat16 takes of float32's activations; norms and sums stay in float32. 0.54 to 0.56 were counted."""

FIXED_BYTES = 2**28
"""What a forward pass takes whatever the size of the image: blocks of similarities, position biases, libraries."""


def bytes_needed(config: SATConfig, height: int, width: int, number_format: Format = "float32") -> int:
    """Estimate, on the high side, the bytes of a forward pass over a height x width image without gradients."""
    alive = complexity(config, (width * config.scale, height * config.scale)).memory["satlib"]
    share = HALF_SHARE if number_format == "bfloat16" else 1
    return FIXED_BYTES + int(TAKEN * share * alive)


def bytes_available(device: torch.device) -> int:
    """Return the free memory of a CUDA device, or of the machine (of its control group, where one sets a limit)."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return torch.cuda.mem_get_info(device)[0] + unused
    left, free = memory_left(), _machine_bytes()
    return free if left is None else min(free, left)


def _machine_bytes() -> int:
    """Return what Linux holds to be available; elsewhere half of the physical memory, or 4 GiB if it is unknown."""
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):
        return 2**32
