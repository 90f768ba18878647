"""Explorers: widgets for JupyterLab that run the library's functions while the reader turns knobs.

They draw with the functions of :mod:`satlib.figures`, so that an explorer and the book's page show the same pictures.
All take any image and any network, and are widgets themselves: the last value of a notebook cell is displayed.
Without a running kernel, as in the published book, plotly sliders take their place.
"""

from satlib.extras import needing

with needing("notebook"):
    from satlib.explore.choosing import centers
    from satlib.explore.comparing import compare
    from satlib.explore.crowding import density
    from satlib.explore.merging import aggregation
    from satlib.explore.missing import theorem
    from satlib.explore.reading import attention

__all__ = ["aggregation", "attention", "centers", "compare", "density", "theorem"]
