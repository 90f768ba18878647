"""Pixels whose colour a file's palette does not have: a damaged file. Decoders paint them black, without a word."""

from collections.abc import Sequence


def check_entries(counts: Sequence[int], entries: int, transparent: int | None = None) -> None:
    """Raise OSError if there are pixels beyond the palette.

    Parameters
    ----------
    counts
        How many pixels there are of each index, from 0.
    entries
        How many colours the palette has.
    transparent
        An index that needs no colour.
    """
    beyond = [index for index in range(entries, len(counts)) if counts[index] and index != transparent]
    if beyond:
        raise OSError(f"it has pixels of colour {beyond[0]}, and a palette of {entries} colours, 0 to {entries - 1}")
