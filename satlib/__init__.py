"""The SAT companion: the Selective Aggregation Transformer for image super-resolution, complete and readable.

Names and modules are loaded when they are first used, and torch with them.
"""

from typing import TYPE_CHECKING

from satlib._version import __version__
from satlib.lazy import names_on_demand

if TYPE_CHECKING:
    from satlib.checkpoint import load, save
    from satlib.config import SATConfig
    from satlib.model import SAT
    from satlib.tracing import trace
    from satlib.upscaling import upscale
else:
    __getattr__, __dir__ = names_on_demand(
        __name__,
        {
            "SAT": "satlib.model", "SATConfig": "satlib.config", "load": "satlib.checkpoint",
            "save": "satlib.checkpoint", "trace": "satlib.tracing", "upscale": "satlib.upscaling",
        },
    )  # fmt: skip

__all__ = ["SAT", "SATConfig", "__version__", "load", "save", "trace", "upscale"]
