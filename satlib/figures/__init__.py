"""Every picture of the book: matplotlib and plotly figures, one style, and how a page shows them."""

from satlib.support.extras import needing

with needing("notebook"):
    from satlib.figures.dta.centers import (
        centers_on_image,
        decision_graph,
        density_maps,
        layer_centers,
        samplings,
        score_maps,
    )
    from satlib.figures.dta.clusters import cluster_maps
    from satlib.figures.kit.show import Shown, show
    from satlib.figures.kit.sliders import selection_slider
    from satlib.figures.kit.words import measured
    from satlib.figures.tables import published_table

__all__ = [
    "Shown",
    "centers_on_image",
    "cluster_maps",
    "decision_graph",
    "density_maps",
    "layer_centers",
    "measured",
    "published_table",
    "samplings",
    "score_maps",
    "selection_slider",
    "show",
]
