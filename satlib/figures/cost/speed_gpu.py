"""How fast SAT is on a GPU, as plotly figures of what `satlib.results.timings.gpu` reads."""

import plotly.graph_objects as go

from satlib.figures.cost.speed import bars, rows_figure
from satlib.figures.kit.layout import GRAY
from satlib.figures.kit.style import BLUE, SKY, VERMILLION
from satlib.results.timings import gpu

COLORS = {"sat": BLUE, "sat, CUDA graph": SKY, "sat, dense": VERMILLION}


def forward_bars(content: gpu.Content, number_format: str) -> go.Figure:
    """Draw the milliseconds of one image through SAT in every way, and through other networks.

    Raises
    ------
    ValueError
        If nothing was measured in this format.
    """
    found = gpu.forward(content, number_format)
    if not found:
        raise ValueError(f"no forward pass was measured in {number_format!r}")
    names = [f"{name}: {1e3 * seconds:.2f} ms" for name, seconds in found.items()]
    drawn = bars("network", [1e3 * s for s in found.values()], [COLORS.get(name, GRAY) for name in found])
    figure = rows_figure([drawn], names, f"One image on a GPU, {number_format}", "milliseconds", {})
    return figure.update_layout(showlegend=False)
