"""Figures that are HTML of their own: what they share with one another, and the check of alternative texts."""


def alternative_text(alt: str) -> str:
    """Return an alternative text in one line.

    Raises
    ------
    ValueError
        If it is blank.
    """
    if not alt.strip():
        raise ValueError(f"alt must describe the figure, got {alt!r}")
    return " ".join(alt.split())


class HtmlFigure:
    """The base of such figures; as the last value of a cell one is displayed.

    Parameters
    ----------
    alt
        What there is to see, for readers who cannot see it.

    Raises
    ------
    ValueError
        If ``alt`` is blank.
    """

    def __init__(self, alt: str) -> None:
        self.alt = alternative_text(alt)

    def __repr__(self) -> str:
        """Return the alternative text."""
        return self.alt

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return the forms a front end may choose from; IPython's display protocol."""
        return {"text/html": self.html(), "text/plain": self.alt}

    def html(self) -> str:
        """Return the figure as HTML that needs nothing else; each figure has its own."""
        raise NotImplementedError
