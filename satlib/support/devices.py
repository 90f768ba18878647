"""Devices as users give them: one check for every function and command that takes one."""

import torch

from satlib.support.errors import first_line
from satlib.support.paths import shown

_FAULTS = (RuntimeError, AssertionError, NotImplementedError, ImportError, TypeError)
"""What torch raises at a device that is not there, is not in this build, or holds no values."""


def check_device(device: object) -> torch.device:
    """Return a device, with the index that "cuda" stands for, once it has computed something.

    Raises
    ------
    ValueError
        If it is no device, is not there, or gives no values, as "meta".
    """
    if not isinstance(device, (str, torch.device)):
        raise ValueError(f"device must be a name such as 'cpu' or a torch.device, got {shown(device)}")
    try:
        one = torch.ones(1, device=device)
        if (one + one).item() == 2:
            return one.device
        reason = "it computes 1 + 1 wrongly"
    except _FAULTS as error:
        reason = first_line(error)
        if reason.startswith("Expected one of"):  # torch lists all that any build knows
            reason = "give cpu, cuda or, of several GPUs, cuda:1"
        raise ValueError(f"device {str(device)!r} cannot be used: {reason}") from error
    raise ValueError(f"device {str(device)!r} cannot be used: {reason}")


def default_device() -> torch.device:
    """Return where a loaded network goes unless somebody says otherwise: a GPU if CUDA has one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
