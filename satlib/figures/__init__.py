"""Every picture of the book: matplotlib and plotly figures, one style, and how a page shows them."""

from satlib.extras import needing

with needing("notebook"):
    from satlib.figures.centers import (
        centers_on_image,
        decision_graph,
        density_maps,
        layer_centers,
        samplings,
        score_maps,
    )
    from satlib.figures.clusters import cluster_maps
    from satlib.figures.published import published_table
    from satlib.figures.show import Shown, show
    from satlib.figures.sliders import selection_slider

__all__ = [
    "Shown",
    "centers_on_image",
    "cluster_maps",
    "decision_graph",
    "density_maps",
    "layer_centers",
    "published_table",
    "samplings",
    "score_maps",
    "selection_slider",
    "show",
]
