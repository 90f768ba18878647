"""The networks of Table 1 that are counted by formula alone, together."""

from satlib.complexity.count import low_resolution
from satlib.complexity.peers.arithmetic import Cost
from satlib.complexity.peers.cat import cat
from satlib.complexity.peers.ipg import ipg
from satlib.complexity.peers.pft import pft
from satlib.support.checks import one_of


def counts(scale: int, output: tuple[int, int] = (1280, 640)) -> dict[str, Cost]:
    """Return what PFT, IPG and CAT-A cost, by their names in Table 1.

    Parameters
    ----------
    scale
        2, 3 or 4.
    output
        (width, height) of the output in pixels; the input is that of :func:`satlib.complexity.low_resolution`.

    Raises
    ------
    ValueError
        For another scale, or an output that is none.
    """
    one_of("scale", scale, (2, 3, 4))
    grid = low_resolution(output, scale)
    return {"PFT": pft(scale, grid), "IPG": ipg(scale, grid), "CAT-A": cat(scale, grid)}
