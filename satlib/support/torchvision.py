"""Importing packages that import torchvision, also beside a CPU build of torch.

There the compiled operators of torchvision's usual builds are missing, and its import fails. They are declared then,
without a body, which is enough for networks that call none of them, as those of LPIPS and of spandrel.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import torch

from satlib.support.errors import first_line

OPERATORS = ("nms", "qnms")
"""What torchvision registers its Python parts for when it is imported."""

IMPORT_ERRORS = (ImportError, RuntimeError, AttributeError)
"""What a torchvision that does not fit raises when it is imported."""


def import_beside_torchvision(name: str, what: str) -> ModuleType:
    """Import a module that imports torchvision.

    Parameters
    ----------
    name
        The module.
    what
        What a message says needs it.

    Raises
    ------
    OSError
        If the import fails all the same.
    """
    try:
        return importlib.import_module(name)
    except IMPORT_ERRORS:
        pass
    try:
        with _operators_declared():
            return importlib.import_module(name)
    except IMPORT_ERRORS as error:
        needed = f"{what} needs a torchvision that fits torch {torch.__version__}"
        raise OSError(f"{needed}; the one installed fails: {first_line(error)}") from error


@contextmanager
def _operators_declared() -> Iterator[None]:
    """Declare the operators that are missing, until the import has ended; torch forgets them with the library."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    yield
