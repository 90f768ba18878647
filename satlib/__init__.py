"""The SAT companion: the Selective Aggregation Transformer for image super-resolution, complete and readable."""

from satlib._version import __version__
from satlib.checkpoint import load, save
from satlib.config import SATConfig
from satlib.model import SAT
from satlib.tracing import trace
from satlib.upscaling import upscale

__all__ = ["SAT", "SATConfig", "__version__", "load", "save", "trace", "upscale"]
