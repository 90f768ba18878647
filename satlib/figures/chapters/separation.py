"""Chapter 4: a dozen tokens and the links that are cut, where separation is large, and the scores in order.

The dozen is drawn by :mod:`satlib.figures.dta.links`. Shapes: S sampled tokens of one image, N = H*W tokens.
"""

import torch
from matplotlib.colors import LogNorm
from torch import Tensor

from satlib import dta
from satlib.analysis.links import Links
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import mark, nearest_sampled
from satlib.figures.dta.links import links_slider
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.show import Shown
from satlib.figures.kit.style import CENTER, frame_off, panels, show_image, styled

RATIOS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.08)
"""Keep ratios of the slider over the scores; the usual one is among them."""

TWIN = 1e-3
"""A separation at or below it is drawn as this one."""

LOWEST = 1e-5
"""The least score that is drawn, on a logarithmic axis."""


def dozen(image: Tensor, links: Links, start: int) -> Shown:
    """Draw tokens over the image and in a plane of their features, each with a link to its nearest denser one.

    ``links`` are those of :func:`satlib.analysis.links.find_links`; a slider over K, from ``start``, cuts them.
    """
    cut = int((links.denser[:start] != torch.arange(start)).sum())
    return Shown(
        links_slider(image, links, start),
        f"{len(links.tokens)} numbered tokens, left over the photograph, right in a plane where similar ones are near "
        f"each other. An arrow leads from each to the most similar denser one, from all but the densest. With K = "
        f"{start}, the tokens 1 to {start} are centres, drawn as squares, and {cut} arrows are dashed, which are cut: "
        "they are long in the plane. The other arrows are short there, though some of them cross the photograph.",
    )


@styled
def separated(image: Tensor, result: Aggregation) -> Shown:
    """Draw the centres over the image (3, H, W) beside the map of the separation, on a logarithmic scale."""
    grid = (image.shape[1], image.shape[2])
    delta = result.separation[0]
    figure, axes = panels(2, grid[0] / grid[1] + 0.03)
    n_centers = result.centers.shape[1]
    show_image(axes[0], image, f"the {n_centers} centres")
    mark(axes[0], image, result.centers[0], CENTER, share=1.4, edge=0.5)
    near = nearest_sampled(result.sample[0], grid)
    shown = axes[1].imshow(delta.clamp_min(TWIN)[near].numpy(), norm=LogNorm(TWIN, 2))
    frame_off(axes[1], "separation δ of the nearest sampled token")
    for ax in axes:
        ax.set_anchor("N")
    bar = figure.colorbar(shown, ax=axes[1], location="bottom", shrink=0.9, aspect=25, pad=0.02)
    bar.set_ticks([TWIN, 0.01, 0.1, 1], labels=[f"≤ {TWIN:g}\nhas a twin", "0.01", "0.1", "1\nalone"])
    bar.minorticks_off()
    share = float((delta <= TWIN).double().mean())
    return Shown(
        figure,
        f"Left, the photograph with its {n_centers} centres, most of them at edges and in texture. Right, a map of the "
        f"separation on a logarithmic scale: {share:.0%} of the sampled tokens have at most {TWIN:g}, and areas of "
        "one colour are dark but for single tokens; along edges and in texture the map is bright.",
    )


def scores(gamma: Tensor, n_tokens: int, start: float) -> Shown:
    """Draw the scores (S,) in descending order, with a slider over the keep ratio that moves K along them.

    ``n_tokens`` is N, ``start`` one of :data:`RATIOS`. Ratios with more centres than scores are left out.
    """
    ordered = gamma.sort(descending=True).values.clamp_min(LOWEST).tolist()
    kept = [i for i in range(len(ordered)) if i < 40 or i % 8 == 0]
    line = Series([i + 1 for i in kept], [ordered[i] for i in kept])
    steps, notes = {}, {}
    for k, name in ((dta.n_centers(n_tokens, ratio), f"{100 * ratio:g} %") for ratio in RATIOS):
        if k >= len(ordered):
            break
        gap = 1 - ordered[k] / ordered[k - 1]
        steps[name] = {"score": line, "K": Series([k, k], [LOWEST, 2], reference=True)}
        notes[name] = f"K = {k}: from there to the next place the score of {ordered[k - 1]:.4f} falls by {gap:.2%}."
    axes = {"x": Axis("rank of the token", log=True), "y": Axis("score γ", log=True)}
    return Shown(
        lines_slider(steps, name="K / N", start=f"{100 * start:g} %", notes=notes, **axes),
        "Scores in descending order on logarithmic axes: a smooth falling curve without a step. A dashed line marks K; "
        "the slider moves it along the curve. " + " ".join(notes.values()),
    )
