"""What other networks cost, by formula: parameters and multiply-adds, in the two conventions of `satlib.complexity`.

Start with `counts`, the networks of the paper's Table 1 that no package builds for us: PFT, IPG and CAT-A. Each has a
file that says where its settings stand. `arithmetic` has the cost of a layer; `windows` has SwinIR and HAT, which can
be built and counted, so that the formulas can be held against a counter.
"""

from satlib.complexity.peers.arithmetic import Cost
from satlib.complexity.peers.by_formula import counts
from satlib.complexity.peers.cat import cat
from satlib.complexity.peers.ipg import ipg
from satlib.complexity.peers.pft import as_its_authors_count, pft
from satlib.complexity.peers.windows import hat, swinir

__all__ = ["Cost", "as_its_authors_count", "cat", "counts", "hat", "ipg", "pft", "swinir"]
