"""Words beside what they name, in place of a legend."""

from typing import Any


def words(text: str, x: float, y: float, *, axes: tuple[str, str] = ("x", "y"), anchor: str = "left") -> dict[str, Any]:
    """Return a plotly annotation without an arrow; its end ``anchor`` stands at (x, y) of these axes."""
    return {
        "text": text,
        "x": x,
        "y": y,
        "xref": axes[0],
        "yref": axes[1],
        "xanchor": anchor,
        "yanchor": "middle",
        "showarrow": False,
        "font": {"size": 13},
    }
