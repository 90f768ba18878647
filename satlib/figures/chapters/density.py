"""Chapter 3: who is dense, who its neighbours are, how many of them count, and the density in the layers of a network.

Shapes: S sampled tokens of one image, m neighbours, N = H*W tokens in raster order.
"""

from collections.abc import Mapping

from matplotlib.axes import Axes
from torch import Tensor

from satlib import dta
from satlib.analysis import neighborhoods, sample_quality
from satlib.analysis.statistics import rank_correlation
from satlib.dta.aggregation import Aggregation
from satlib.dta.vectors import positions
from satlib.figures.dta.centers import density_maps
from satlib.figures.explorers.pixels import star
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.show import Shown
from satlib.figures.kit.sliders import Dots, dots_slider
from satlib.figures.kit.style import BLACK, BLUE, CENTER, panels, show_image, styled

QUANTILES = {"lowest": 0.0, "10 %": 0.1, "30 %": 0.3, "median": 0.5, "70 %": 0.7, "90 %": 0.9, "highest": 1.0}
"""Tokens that a slider goes through: the share of sampled tokens that are less dense, by the slider's label."""

FOLLOWED = {"least dense": 0.0, "30 % are less dense": 0.3, "median": 0.5, "densest": 1.0}
"""The tokens whose similarities are drawn as lines, by their names."""

WIDE = 640
"""Pixels of a figure with a legend of many words."""


def quantile_tokens(density: Tensor, quantiles: Mapping[str, float]) -> dict[str, int]:
    """Return the places, in the sample, of the tokens at these quantiles of the density (S,)."""
    order = density.argsort(stable=True)
    return {name: int(order[round(share * (len(order) - 1))]) for name, share in quantiles.items()}


@styled
def alone_and_one_of_many(image: Tensor, x: Tensor, result: Aggregation, m: int) -> Shown:
    """Draw the densest and the least dense token with their m neighbours, beside the map of the density.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    x
        (1, N, C) tokens.
    result
        What DTA made of them.
    m
        How many neighbours are drawn.
    """
    sample, rho = result.sample[0], result.density[0]
    unit = dta.normalize(dta.take(x, result.sample))[0]
    ends = {"A": int(rho.argmax()), "B": int(rho.argmin())}
    figure, axes = panels(2, image.shape[1] / image.shape[2] + 0.03)
    show_image(axes[0], image, f"A and B, each with its {m} nearest neighbours", alpha=0.55)
    for place, color, marker in zip(ends.values(), (CENTER, BLUE), "o^", strict=True):
        near = positions(sample[neighborhoods.nearest(unit, place, m)], image.shape[2])
        axes[0].scatter(near[:, 1], near[:, 0], s=28, color=color, marker=marker, edgecolors="white", linewidths=0.5)
    density_maps(image, {"": result}, on=(figure, axes[1:]))
    for ax in axes:
        ax.set_anchor("N")
        for name, place in ends.items():
            _named_star(ax, name, int(sample[place]), image.shape[2])
    return Shown(
        figure,
        f"The photograph with two stars, each with marks on its {m} nearest neighbours among {len(sample):,} sampled "
        f"tokens, and the map of the density. A, the densest token, has density {rho.max():.4f}; its neighbours lie in "
        f"areas of its own colour, away from edges. B, the least dense, has {rho.min():.2f}; its neighbours are "
        "scattered over the image. The map is bright in areas of one colour and dark along edges.",
    )


def _named_star(ax: Axes, name: str, token: int, width: int) -> None:
    star(ax, token, width)
    side = 1 if token % width < 0.8 * width else -1
    ax.annotate(
        name,
        (token % width, token // width),
        (side * 9, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        va="center",
        weight="bold",
        color=BLACK,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85},
    )


def neighbors(image: Tensor, result: Aggregation, near: Tensor) -> Shown:
    """Draw seven tokens, one at each step of a slider over the density, and their neighbours.

    ``near`` holds places in the sample, (S, m): the neighbours of each sampled token.
    """
    sample, rho, m = result.sample[0], result.density[0], near.shape[1]
    chosen = quantile_tokens(rho, QUANTILES)
    steps = {
        name: [
            Dots(sample[near[i]], f"its {m} neighbours", BLUE, 8, 1),
            Dots(sample[i : i + 1], "token", CENTER, 15, 1.5, "star"),
        ]
        for name, i in chosen.items()
    }
    notes = {name: f"Density ρ = {rho[i]:.3f}: the mean similarity to {m} neighbours" for name, i in chosen.items()}
    values = ", ".join(f"{name} {rho[i]:.3f}" for name, i in chosen.items())
    return Shown(
        dots_slider(image, steps, name="density", start="median", notes=notes),
        f"The photograph with a star on one token and dots on its {m} nearest neighbours; a slider goes from the least "
        "dense token to the densest. A token of low density has neighbours scattered over the image, one of high "
        f"density has them in smooth areas of its own colour. Few of them lie next to it. Densities: {values}.",
    )


def similarity_by_rank(alike: Tensor, runs: Mapping[int, Aggregation], m: int) -> Shown:
    """Draw the similarity of four tokens to their first, second and further neighbours, with a slider over m.

    Parameters
    ----------
    alike
        (S, S - 1) similarities of each sampled token to the others, largest first.
    runs
        What DTA makes of the tokens with each number of neighbours.
    m
        The one of them that the others are compared with.
    """
    usual = runs[m]
    kept = [i for i in range(alike.shape[1]) if i < 30 or i % 10 == 0]
    lines = {
        name: Series([i + 1 for i in kept], alike[place, kept].tolist())
        for name, place in quantile_tokens(usual.density[0], FOLLOWED).items()
    }
    notes = {}
    for k, run in runs.items():
        stay = sample_quality.overlap(run.centers[0], usual.centers[0])
        order = rank_correlation(run.density[0], usual.density[0])
        notes[f"{k}"] = f"m = {k}: rank correlation with m = {m} is {order:.3f}; {stay:.0%} of the centres stay."
    steps = {f"{k}": lines | {"m": Series([k, k], [-1, 1], reference=True)} for k in runs}
    axes = {"x": Axis("neighbour, nearest first", log=True), "y": Axis("similarity", span=(-1.0, 1.0))}
    figure = lines_slider(steps, name="m", start=f"{max(runs)}", notes=notes, **axes)
    return Shown(
        figure.update_layout(width=WIDE),
        "Similarity to the first, second, and further neighbours, for four tokens, on a logarithmic axis. The densest "
        "token's stays near 1 for hundreds of neighbours; the least dense one's falls at once. A dashed line marks m. "
        + " ".join(notes.values()),
    )


def layers(image: Tensor, found: Mapping[str, Aggregation]) -> Shown:
    """Draw the density in the first, a middle and the last of these layers, on one scale."""
    names = list(found)
    picked = {name: found[name] for name in (names[0], names[len(names) // 2], names[-1])}
    values = ", ".join(f"{result.density.median():.3f} in {name}" for name, result in picked.items())
    return Shown(
        density_maps(image, picked),
        "Maps of the density in the first, a middle and the last layer of the trained network, on one scale. Bright is "
        "dense. In the first layer the photograph's edges are dark lines. The median is " + values + ".",
    )
