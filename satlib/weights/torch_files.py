"""Files that `torch.save` wrote, read without running anything that they hold."""

import pickle
import struct
import warnings
from os import PathLike

import torch

from satlib.support.errors import first_line

_DAMAGE = (
    RuntimeError,
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    struct.error,
)
"""What torch's reader raises at bytes that are no file of its own; found by feeding it such bytes."""


def read_torch_file(path: str | PathLike[str]) -> object:
    """Return what a file holds, on the CPU: tensors and plain values.

    Nothing but the reading itself stands inside the ``try``, so that no fault of ours is taken for a damaged file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, something else, or holds more than tensors and plain values; the message names it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content: object = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except pickle.UnpicklingError as error:
        raise ValueError(f"{path} is damaged, or holds more than tensors and is not opened") from error
    except _DAMAGE as error:
        raise ValueError(f"{path} is damaged or is not a PyTorch checkpoint: {first_line(error)}") from error
    return content
