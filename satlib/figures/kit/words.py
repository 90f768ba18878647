"""Sentences and tables with measured numbers, as a cell of a chapter displays them."""

VOICES = ("Measured here", "Computed here", "The paper says", "")
"""Whose statement it is; "" for none, where the text around says so."""


class Said:
    """Markdown that a notebook cell displays as its last value; ``text`` has it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """Return the Markdown."""
        return self.text

    def _repr_markdown_(self) -> str:
        """Return the Markdown for a front end; IPython's display protocol."""
        return self.text


def measured(*paragraphs: str, voice: str = "Measured here") -> Said:
    """Return sentences and tables as the output of a cell that is tagged ``measured``.

    Parameters
    ----------
    *paragraphs
        Markdown: sentences, usually an f-string each, and tables of :func:`satlib.support.tables.table`. Line breaks
        and indentation within a sentence do not matter.
    voice
        One of :data:`VOICES`, in bold before the first sentence.

    Raises
    ------
    ValueError
        If there is no paragraph, one is blank, or ``voice`` is none of them.
    """
    if voice not in VOICES:
        raise ValueError(f"voice must be one of {VOICES}, got {voice!r}")
    if not paragraphs or not all(text.strip() for text in paragraphs):
        raise ValueError(f"sentences or tables are needed, got {paragraphs!r}")
    written = [text if text.lstrip().startswith("|") else " ".join(text.split()) for text in paragraphs]
    opening = f"**{voice}.** " if voice else ""
    if opening and written[0].lstrip().startswith("|"):
        written.insert(0, opening.strip())
    else:
        written[0] = opening + written[0]
    return Said("\n\n".join(written))
