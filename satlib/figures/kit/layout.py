"""What all plotly figures share: no background of their own, axes that stay, and room for a title and a slider.

A page draws title and slider outside of the figure; ``meta.controls`` tells it how many pixels they would take.
"""

from collections.abc import Mapping
from typing import Any

GRAY = "#767676"
"""Of reference lines, with a contrast of 4.5 to white and of 3.9 to the book's dark page."""

AXIS = {"fixedrange": True, "automargin": True}
"""An axis that cannot be dragged, and whose numbers find room."""

CLEAR = "rgba(0,0,0,0)"


def plot_layout(
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
    *,
    controls: int,
    title: str = "",
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
    background: str = CLEAR,
) -> dict[str, Any]:
    """Return the layout of a figure.

    Parameters
    ----------
    size
        Width and height in pixels, without the controls.
    margins
        Left, right, top, bottom, in pixels.
    controls
        Pixels of height that title and slider take on top.
    title
        A line of text above the figure.
    x, y
        More of each axis than :data:`AXIS` has.
    background
        Colour behind the data.
    """
    left, right, top, bottom = margins
    return {
        "template": "none",
        "width": size[0],
        "height": size[1] + controls,
        "meta": {"controls": controls},
        "margin": {"l": left, "r": right, "t": top, "b": bottom},
        "title": {"text": title, "font": {"size": 14}},
        "xaxis": {**AXIS, **(x or {})},
        "yaxis": {**AXIS, **(y or {})},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom"},
        "paper_bgcolor": CLEAR,
        "plot_bgcolor": background,
    }
