"""The SAT companion: the Selective Aggregation Transformer for image super-resolution, complete and readable.

Names and modules are loaded when they are first used, and torch with them.
"""

from typing import TYPE_CHECKING

from satlib._version import __version__
from satlib.support.lazy import names_on_demand

if TYPE_CHECKING:
    from satlib.analysis.tracing import trace
    from satlib.config import SATConfig
    from satlib.network.model import SAT
    from satlib.upscaling.api import upscale
    from satlib.weights.checkpoint import load, save
else:
    __getattr__, __dir__ = names_on_demand(
        __name__,
        {
            "SAT": "satlib.network.model",
            "SATConfig": "satlib.config",
            "load": "satlib.weights.checkpoint",
            "save": "satlib.weights.checkpoint",
            "trace": "satlib.analysis.tracing",
            "upscale": "satlib.upscaling",
        },
    )

__all__ = ["SAT", "SATConfig", "__version__", "load", "save", "trace", "upscale"]
