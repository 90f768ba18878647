"""The forest behind the separation: each token points to the nearest denser one, and the longest links are cut.

Few tokens are drawn, twice: where they lie in the image, and in the plane of the two directions in which their
features differ most. A slider over K cuts one link after the other.
"""

from typing import Any

import plotly.graph_objects as go
import torch
from torch import Tensor

from satlib.analysis.links import Links
from satlib.dta.vectors import positions
from satlib.figures.kit.layout import AXIS, plot_layout
from satlib.figures.kit.sliders import check_labels, png_uri, with_slider
from satlib.figures.kit.style import BLUE, VERMILLION

WIDTH = 680
"""Pixels of the figure: two panels and a gap between them."""

PANEL = 0.45
"""Share of the width that a panel takes."""

CONTROLS, LEGEND = 120, 85
"""Pixels of height for title and slider, and for axis title and legend below the panels."""


def links_slider(image: Tensor, links: Links, start: int) -> go.Figure:
    """Draw the links over the image (3, H, W) and in the plane, with a slider over K, which is ``start`` at first."""
    steps = {
        f"{k}": [*_panel(links, k, on_image(image, links), "2"), *_panel(links, k, links.plane, "")]
        for k in _all(links)
    }
    notes = {f"{k}": note(links, k) for k in _all(links)}
    check_labels(steps, f"{start}", notes)
    return with_slider(steps, _layout(image, links), "K", f"{start}", notes)


def on_image(image: Tensor, links: Links) -> Tensor:
    """Return the places of the tokens in the image (3, H, W), (n, 2): column and row."""
    return positions(links.tokens, image.shape[2]).flip(1)


def note(links: Links, k: int) -> str:
    """Return what happens to the k-th token, counted from 1, when it becomes a centre."""
    rho, delta = float(links.density[k - 1]), float(links.separation[k - 1])
    link = " It is the densest and has no link." if int(links.denser[k - 1]) == k - 1 else ""
    return f"Token {k} becomes a centre: ρ = {rho:.2f}, δ = {delta:.2f}, γ = {rho * delta:.2f}.{link}"


def _all(links: Links) -> range:
    return range(1, len(links.tokens) + 1)


def _panel(links: Links, k: int, place: Tensor, axis: str) -> list[go.Scatter]:
    """Return links that are kept, links that are cut, other tokens and centres, of one of the two panels."""
    own = torch.arange(len(links.tokens))
    linked = links.denser != own
    common: dict[str, Any] = {"xaxis": f"x{axis}", "yaxis": f"y{axis}", "showlegend": not axis}
    return [
        _arrows(links, place, linked & (own >= k), "link", BLUE, "solid", common),
        _arrows(links, place, linked & (own < k), "link that is cut", VERMILLION, "dash", common),
        _numbered(links, place, own[k:], "token", BLUE, "circle", common),
        _numbered(links, place, own[:k], "centre", VERMILLION, "square", common),
    ]


def _arrows(
    links: Links, place: Tensor, which: Tensor, name: str, color: str, dash: str, common: dict[str, Any]
) -> go.Scatter:
    gap = torch.full((int(which.sum()), 1, 2), torch.nan, dtype=place.dtype)
    ends = torch.cat((torch.stack((place[which], place[links.denser[which]]), 1), gap), 1).flatten(0, 1)
    x, y = ([None if value != value else round(value, 3) for value in line] for line in ends.T.tolist())
    return go.Scatter(
        x=x,
        y=y,
        name=name,
        mode="lines+markers",
        hoverinfo="skip",
        line={"color": color, "dash": dash, "width": 2},
        marker={
            "symbol": "arrow",
            "angleref": "previous",
            "color": color,
            "size": [0, 12, 0] * len(gap),
            "standoff": 8,
            "opacity": 1,
            "line": {"width": 0},
        },
        **common,
    )


def _numbered(
    links: Links, place: Tensor, which: Tensor, name: str, color: str, symbol: str, common: dict[str, Any]
) -> go.Scatter:
    x, y = place[which].T.tolist() if len(which) else ([], [])
    return go.Scatter(
        x=[round(value, 3) for value in x],
        y=[round(value, 3) for value in y],
        name=name,
        mode="markers+text",
        text=[f"{i + 1}" for i in which.tolist()],
        textfont={"color": "white", "size": 11},
        hovertext=[f"ρ = {links.density[i]:.2f}, δ = {links.separation[i]:.2f}" for i in which.tolist()],
        hovertemplate="token %{text}: %{hovertext}<extra></extra>",
        marker={"symbol": symbol, "color": color, "size": 17, "line": {"color": "white", "width": 1}},
        **common,
    )


def _layout(image: Tensor, links: Links) -> dict[str, Any]:
    height, width = image.shape[1:]
    middle = (links.plane.amax(0) + links.plane.amin(0)) / 2
    reach = 0.58 * float((links.plane.amax(0) - links.plane.amin(0)).max())
    across, up = ([float(m) - reach, float(m) + reach] for m in middle)
    plane = {
        "showticklabels": False,
        "zeroline": False,
        "showgrid": False,
        "ticks": "",
        "showline": True,
        "mirror": True,
    }
    layout = plot_layout(
        (WIDTH, round(PANEL * WIDTH * height / width) + LEGEND),
        (5, 5, 40, LEGEND),
        controls=CONTROLS,
        x=plane | {"title": {"text": "features, direction 1"}, "range": across, "domain": [1 - PANEL, 1]},
        y=plane
        | {"title": {"text": "direction 2", "standoff": 4}, "range": up, "scaleanchor": "x", "constrain": "domain"},
        background="white",
    )
    photo = {"visible": False, "constrain": "domain"}
    backdrop = {
        "source": png_uri(image),
        "xref": "x2",
        "yref": "y2",
        "x": -0.5,
        "y": -0.5,
        "sizex": width,
        "sizey": height,
    }
    return layout | {
        "xaxis2": {**AXIS, **photo, "range": [-3.5, width + 2.5], "domain": [0, PANEL], "anchor": "y2"},
        "yaxis2": {**AXIS, **photo, "range": [height + 2.5, -3.5], "scaleanchor": "x2", "anchor": "x2"},
        "images": [backdrop | {"layer": "below", "sizing": "stretch", "opacity": 0.55}],
        "legend": {"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0, "font": {"size": 13}},
    }
