"""Devices as users give them: one check for every function and command that takes one."""

from typing import TypeVar

import torch
from torch import nn

from satlib.support.errors import first_line
from satlib.support.paths import shown

ModuleT = TypeVar("ModuleT", bound=nn.Module)

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
            reason = "give cpu, mps, cuda or, of several GPUs, cuda:1"
        if reason.startswith("Could not run"):  # and here all that the operation could run on
            reason = "this build of torch has nothing for it"
        raise ValueError(f"device {str(device)!r} cannot be used: {reason}") from error
    raise ValueError(f"device {str(device)!r} cannot be used: {reason}")


def default_device() -> torch.device:
    """Return where a loaded network goes unless somebody says otherwise: a GPU if CUDA has one. MPS is never chosen."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def widest(device: torch.device) -> torch.dtype:
    """Return the number format that sums are kept in on a device: float64, or float32 on MPS, which has no other."""
    return torch.float32 if device.type == "mps" else torch.float64


def move(module: ModuleT, device: torch.device) -> ModuleT:
    """Return a module after moving it to a device.

    Raises
    ------
    ValueError
        If it has weights in float64 and the device has no such numbers.
    """
    wide = any(parameter.dtype == torch.float64 for parameter in module.parameters())
    if wide and widest(device) != torch.float64:
        raise ValueError(f"device {str(device)!r} has no float64, which the weights are in; make them float32 first")
    return module.to(device)
