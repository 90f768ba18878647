"""Token merging by DTA for any transformer: without training, and without a matrix of N x N similarities.

`merge` makes K tokens of N and returns how it did, a `Merged`: the merged tokens, their sizes for the attention's
logits, and the way back to N tokens. `clusters` has the value, `choice` the function. Nothing here has weights.
"""

from satlib.merging.choice import merge
from satlib.merging.clusters import Merged

__all__ = ["Merged", "merge"]
