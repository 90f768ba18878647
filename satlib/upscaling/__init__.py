"""An image through a network: whole or in tiles, in the memory that there is.

Start with `api`; `run` does the work, `models` finds the network, `tiles`, `memory`, `precision` and `graphs` decide
how a forward pass is run, `other_networks` brings those of other papers.
"""

from satlib.upscaling.api import upscale, upscale_file

__all__ = [
    "upscale",
    "upscale_file",
]
