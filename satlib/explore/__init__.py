"""Explorers: widgets for JupyterLab that run the library's functions while the reader turns knobs.

They draw with the functions of :mod:`satlib.figures`, so that an explorer and the book's page show the same pictures.
All take any image and any network, and are widgets themselves: the last value of a notebook cell is displayed.
Without a running kernel, as in the published book, plotly sliders take their place.
"""

from satlib.support.extras import needing

with needing("notebook"):
    from satlib.explore.aggregation_explorer import aggregation
    from satlib.explore.attention_explorer import attention
    from satlib.explore.attribution_explorer import attribution
    from satlib.explore.centers_explorer import centers
    from satlib.explore.compare_explorer import compare
    from satlib.explore.density_explorer import density
    from satlib.explore.theorem_explorer import theorem
    from satlib.explore.windows_explorer import windows

__all__ = ["aggregation", "attention", "attribution", "centers", "compare", "density", "theorem", "windows"]
