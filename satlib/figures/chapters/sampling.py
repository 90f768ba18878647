"""Chapter 2: what a sample misses, how four ways of sampling cut the image, and how large the gaps are.

Shapes: N = H*W tokens in raster order, S sampled ones.
"""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.colors import to_rgb
from torch import Tensor

from satlib.analysis import sample_quality
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import check_single, mark
from satlib.figures.dta.samples import WINDOW, strata
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.show import Shown
from satlib.figures.kit.sliders import Dots, dots_slider
from satlib.figures.kit.style import BLUE, CENTER, VERMILLION, panels, show_image, styled


@styled
def missed(image: Tensor, everything: Aggregation, samples: Mapping[str, Tensor]) -> Shown:
    """Paint the pixels of clusters without a sampled token, a panel for each way to sample, with the sample as dots.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    everything
        The clusters of the image, as DTA makes them when all tokens are sampled.
    samples
        (S,) by the way of sampling.
    """
    check_single(image, everything)
    assignment = everything.assignment[0]
    figure, axes = panels(len(samples), image.shape[1] / image.shape[2])
    said = []
    for ax, (way, sample) in zip(axes, samples.items(), strict=True):
        lost = ~torch.isin(assignment, assignment[sample])  # (N,)
        n_lost, n_clusters = (len(assignment[which].unique()) for which in (lost, torch.ones_like(lost)))
        painted = (0.6 + 0.4 * image.mean(0, keepdim=True)).repeat(3, 1, 1).flatten(1)
        painted[:, lost] = painted.new_tensor(to_rgb(VERMILLION)).unsqueeze(1)
        show_image(ax, painted.view_as(image), f"{way}: {n_lost} of {n_clusters} clusters missed")
        mark(ax, image, sample, BLUE, share=0.4)
        said.append(f"{way}, {n_lost} of {n_clusters} clusters with {lost.double().mean():.1%} of the pixels")
    return Shown(
        figure,
        "The photograph in grey, once for each way to sample, with a small blue dot on each sampled token. Orange are "
        "the pixels of clusters without a sampled token: single pixels and short pieces at edges. Missed: "
        + "; ".join(said)
        + ".",
    )


def four_ways(image: Tensor, ways: Mapping[str, tuple[Tensor | None, Tensor]]) -> Shown:
    """Draw cells and sample of each way in a window at the middle of the image: see :func:`strata`."""
    return Shown(
        strata(image, ways),
        f"Windows of {WINDOW} by {WINDOW} pixels at the middle of the photograph, with borders of cells and dots for "
        "sampled tokens. Stratified: near-square cells of about eight pixels, one dot anywhere in each. Strips: runs "
        "of pixels in reading order, a few dots in each. Grid: the same square cells, dots in their middles. Random: "
        "no cells; dots in clumps, with gaps between them.",
    )


def gaps(image: Tensor, samples: Mapping[str, Tensor]) -> Shown:
    """Draw the samples (S,) over the image, with a slider over the ways to sample."""
    notes, grid = {}, (image.shape[1], image.shape[2])
    for way, sample in samples.items():
        far = sample_quality.distance_to_nearest(sample, grid)
        notes[way] = f"To the nearest sampled pixel: {far.mean():.2f} pixels in the mean, {far.max():.1f} at most."
    steps = {way: [Dots(sample, "sampled", CENTER, 4, 0)] for way, sample in samples.items()}
    return Shown(
        dots_slider(image, steps, name="sampling", start=next(iter(samples)), notes=notes),
        "The photograph with a dot on each sampled token. Stratified and grid samples are even; strips and random "
        "samples leave gaps and clumps. " + " ".join(f"{way}: {text}" for way, text in notes.items()),
    )


def squares(missed: Mapping[int, Mapping[str, Sequence[float]]], n_tokens: int, sizes: Mapping[int, int]) -> Shown:
    """Draw the share of squares without a sampled token against their size, with a slider over beta.

    Parameters
    ----------
    missed
        Shares for squares of side 1, 2, 3 and so on, by beta and then by the way to sample.
    n_tokens, sizes
        N, and S by beta.
    """
    steps, notes = {}, {}
    for beta, ways in missed.items():
        areas = [(side + 1) ** 2 for side in range(len(next(iter(ways.values()))))]
        alone = [sample_quality.missed_scattered(n_tokens, sizes[beta], area) for area in areas]
        steps[f"{beta}"] = {way: Series(areas, shares) for way, shares in ways.items()} | {
            "scattered tokens": Series(areas, alone, reference=True)
        }
        notes[f"{beta}"] = (
            f"Of all squares of 3 × 3 tokens, {ways['stratified'][2]:.0%} are missed by a stratified sample and "
            f"{ways['random'][2]:.0%} by a random one."
        )
    axes = {"x": Axis("tokens in the square"), "y": Axis("share missed", digits=".1%")}
    return Shown(
        lines_slider(steps, name="β", start="4", notes=notes, **axes).update_layout(width=640),
        "Share of squares without a sampled token, against their size in tokens. All curves begin at one minus "
        "S / N. Grid and stratified fall to zero fastest; random follows the dashed curve for scattered tokens, "
        "and strips lie between. With a larger beta all fall sooner. "
        + " ".join(f"β = {beta}: {text}" for beta, text in notes.items()),
    )
