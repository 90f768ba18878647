"""What a network costs, without running it: parameters, multiply-adds and memory by formula.

Start with `count`, which gives the numbers of the paper's Table A. `layer_costs` has the formulas of each layer,
`parameters` reads parameters off the modules, `measured` counts operations and bytes of a call that is run.
"""

from satlib.complexity.count import QUADRATIC, WINDOW_PRODUCTS, Complexity, complexity, largest_square, low_resolution

__all__ = [
    "Complexity",
    "QUADRATIC",
    "WINDOW_PRODUCTS",
    "complexity",
    "largest_square",
    "low_resolution",
]
