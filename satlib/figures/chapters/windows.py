"""The pictures and tables of chapter 7: what a token reads in local windows, and what the position bias tells.

Shapes: H x W tokens, N = H*W, h x w a window.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from satlib.analysis.receptive_field import InWindows, window_labels
from satlib.dta.sampling import Grid
from satlib.figures.dta.idea import faded
from satlib.figures.kit.picture_sliders import picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.network import windows as draw
from satlib.support.tables import table


def partitions(image: Tensor, token: int, window: Grid) -> Shown:
    """Draw how windows cut an image (3, H, W), wide and high, in place and shifted, and what one token reads there."""
    grid = (image.shape[1], image.shape[2])
    cuts = {
        f"{h} × {w}{', shifted' if shifted else ''}": window_labels(grid, (h, w), shifted=shifted)
        for shifted in (False, True)
        for h, w in (window, window[::-1])
    }
    seen = "; ".join(f"{title}: {int((label == label[token]).sum())} pixels" for title, label in cuts.items())
    return show(
        draw.partitions(image, cuts, token),
        alt="Four copies of the photograph, pale, cut by lines into rectangles: wide ones and high ones, each also "
        f"moved by half a window. One rectangle, around a star, has full colour. {seen}.",
    )


def reads_table(reads: Mapping[str, Sequence[int]]) -> str:
    """Return a table of how many tokens are read with windows in place and shifted, by the reading token's name."""
    rows = [(name, *counts) for name, counts in reads.items()]
    return table(("token", "windows in place", "windows shifted"), rows, align="lr")


def reach(image: Tensor, token: int, steps: Sequence[Tensor]) -> Shown:
    """Draw what a token has seen after each of several local blocks, (N,) bool each, with a slider over them."""
    n_tokens = image[0].numel()
    pictures = {"0": faded(image, torch.arange(n_tokens) == token)}
    notes = {"0": "Before the first block a token has seen itself alone."}
    for number, seen in enumerate(steps, 1):
        pictures[str(number)] = faded(image, seen)
        notes[str(number)] = (
            f"Local blocks: {number}. Seen: {seen.sum():,} of {n_tokens:,} tokens, {seen.double().mean():.0%}."
        )
    return show(
        picture_slider(pictures, name="local blocks", start="1", notes=notes),
        alt="The photograph, pale, with the part in full colour that one token has seen, and a slider over the number "
        "of local blocks: after one it is a cross, with each further block a larger, ragged area. "
        + " ".join(notes.values()),
    )


def places(image: Tensor, found: Mapping[str, InWindows]) -> Shown:
    """Draw what one token reads in its windows, and black what the mask hides from it, with a slider over tokens."""
    pictures, notes = {}, {}
    for name, (read, hidden) in found.items():
        masked = hidden.any(0)
        pictures[name] = faded(image, read.any(0)) * ~masked.view(image.shape[1:])
        notes[name] = f"Read by {name}: {int(read.any(0).sum()):,} tokens. Hidden by the mask: {int(masked.sum()):,}."
    return show(
        picture_slider(pictures, name="token", start=next(iter(found)), notes=notes),
        alt="The photograph, pale, with the two windows of a token in full colour, black where the mask hides tokens "
        "that the shift has brought into them, and a slider over tokens. " + " ".join(notes.values()),
    )


def position_maps(tables: Sequence[Tensor]) -> Shown:
    """Draw the position bias (2h-1, 2w-1) of some local blocks, the network's first ones, against the offset."""
    ranges = ", ".join(f"{one.max() - one.min():.2f}" for one in tables)
    return show(
        draw.position_maps({f"local block {number}": one for number, one in enumerate(tables, 1)}),
        alt=f"Maps of the bias of {len(tables)} local blocks against the offset in rows and columns, on one scale from "
        f"purple over white to orange. The differences between the largest and the smallest bias are {ranges}.",
    )


def spread_table(widths: Mapping[str, int], spread: Mapping[str, float]) -> str:
    """Return a table of what a position bias of random parameters can tell, by network, with its width p."""
    rows = [(f"`{name}`", width, f"{spread[name]:.3g}") for name, width in widths.items()]
    return table(("network", "p", "largest difference between two offsets"), rows, align="lr")
