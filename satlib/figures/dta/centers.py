"""What DTA looked at and what it chose: centres over the image (the paper's Fig. D), scores, decision graph.

All take one image: an ``Aggregation`` with a batch of one, made on the grid (H, W) of that image.
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import EllipseCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from torch import Tensor

from satlib.dta.aggregation import Aggregation
from satlib.dta.vectors import positions
from satlib.figures.kit.style import BLACK, BLUE, CENTER, SAMPLE, frame_off, panels, show_image, styled


@styled
def centers_on_image(image: Tensor, result: Aggregation) -> Figure:
    """Draw the image (3, H, W) alone, with the sampled tokens, and with the centres chosen among them."""
    check_single(image, result)
    n_tokens, n_sampled, n_centers = (t.shape[1] for t in (result.assignment, result.sample, result.centers))
    figure, axes = panels(3, image.shape[1] / image.shape[2])
    show_image(axes[0], image, f"{n_tokens:,} tokens, one per pixel")
    show_image(axes[1], image, f"{n_sampled:,} sampled")
    mark(axes[1], image, result.sample[0], SAMPLE)
    show_image(axes[2], image, f"{n_centers:,} centres")
    mark(axes[2], image, result.centers[0], CENTER, share=1.4, edge=0.5)
    return figure


@styled
def layer_centers(image: Tensor, results: Mapping[str, Aggregation]) -> Figure:
    """Draw the centres of several layers, one panel for each, titled by the keys: the paper's Fig. D."""
    figure, axes = panels(len(results), image.shape[1] / image.shape[2], columns=3)
    for ax, (title, result) in zip(axes, results.items(), strict=True):
        check_single(image, result)
        show_image(ax, image, title)
        mark(ax, image, result.centers[0], CENTER, share=1.4, edge=0.5)
    return figure


@styled
def samplings(image: Tensor, results: Mapping[str, Aggregation]) -> Figure:
    """Draw sampled tokens and centres for several ways to sample, one panel for each, titled by the keys."""
    figure, axes = panels(len(results), image.shape[1] / image.shape[2], columns=2)
    for ax, (title, result) in zip(axes, results.items(), strict=True):
        check_single(image, result)
        show_image(ax, image, title, alpha=0.45)
        mark(ax, image, result.sample[0], BLUE, share=0.6)
        mark(ax, image, result.centers[0], CENTER, share=1.4, edge=0.5)
    return figure


@styled
def score_maps(image: Tensor, result: Aggregation) -> Figure:
    """Draw density, separation and score as maps; every pixel shows its nearest sampled token.

    Separation and score have logarithmic colours, up to the second largest value: the densest token, the root, shall
    not set the scale. A ring marks it, and dots on the score are the centres.
    """
    check_single(image, result)
    grid = (image.shape[1], image.shape[2])
    figure, axes = panels(3, grid[0] / grid[1] + 0.15)
    nearest = nearest_sampled(result.sample[0], grid)
    root = result.sample[0, result.separation[0].argmax()]
    maps = {"density ρ": result.density, "separation δ": result.separation, "score γ = ρδ": result.score}
    for ax, (name, values), stretched in zip(axes, maps.items(), (False, True, True), strict=True):
        norm = below_the_root(values[0]) if stretched else None
        picture = ax.imshow(values[0][nearest].numpy(), norm=norm)
        frame_off(ax, name)
        ends: Literal["both", "neither"] = "both" if norm else "neither"
        figure.colorbar(picture, ax=ax, location="bottom", shrink=0.9, aspect=25, pad=0.02, extend=ends)
        if stretched:
            ax.plot(int(root) % grid[1], int(root) // grid[1], "o", ms=10, mfc="none", mec=BLACK, mew=3)
            ax.plot(int(root) % grid[1], int(root) // grid[1], "o", ms=10, mfc="none", mec="white", mew=1.2)
    mark(axes[2], image, result.centers[0], CENTER, share=0.9, edge=0.3)
    return figure


def below_the_root(values: Tensor) -> LogNorm | None:
    """Return logarithmic colours for values (S,), up to the second largest, from 1e-4 of it or the 5 % quantile on.

    ``None`` if these are not two different positive numbers.
    """
    high = float(values.sort(descending=True).values[:2][-1])
    low = max(float(values.quantile(0.05)), 1e-4 * high)
    return LogNorm(low, high, clip=True) if 0 < low < high else None


@styled
def density_maps(
    image: Tensor, results: Mapping[str, Aggregation], on: tuple[Figure, list[Axes]] | None = None
) -> Figure:
    """Draw the density in several layers on one scale, a panel for each, titled by the keys.

    ``on`` is a figure and its panels to draw on; a new figure is made without it.
    """
    figure, axes = on or panels(len(results), image.shape[1] / image.shape[2] + 0.15, columns=3)
    lowest = min(float(result.density.min()) for result in results.values())
    for ax, (title, result) in zip(axes, results.items(), strict=True):
        check_single(image, result)
        nearest = nearest_sampled(result.sample[0], (image.shape[1], image.shape[2]))
        picture = ax.imshow(result.density[0][nearest].numpy(), vmin=lowest, vmax=1)
        frame_off(ax, f"density ρ, {title}" if title else "density ρ")
    bar = figure.colorbar(picture, ax=axes, location="bottom", shrink=0.9 / len(results) ** 0.5, aspect=25, pad=0.02)
    bar.set_ticks(
        [lowest, (1 + lowest) / 2, 1], labels=[f"{lowest:.2f}, alone", f"{(1 + lowest) / 2:.2f}", "1, one of many"]
    )
    return figure


@styled
def decision_graph(result: Aggregation) -> Figure:
    """Draw separation against density; the chosen tokens lie above the curve rho * delta = the K-th score."""
    n_centers = result.centers.shape[1]
    chosen = torch.isin(result.sample[0], result.centers[0]).numpy()
    rho, delta, gamma = (t[0].double().numpy() for t in (result.density, result.separation, result.score))
    figure, (ax,) = panels(1, 0.5)
    ax.scatter(rho[~chosen], delta[~chosen], s=9, color=SAMPLE, marker="o", label="sampled only")
    ax.scatter(rho[chosen], delta[chosen], s=22, color=CENTER, marker="^", label=f"the {n_centers} centres")
    threshold = np.sort(gamma)[-n_centers]
    if threshold > 0:
        curve = np.linspace(max(rho.min(), threshold / 2), rho.max(), 200)
        ax.plot(curve, threshold / curve, color=BLACK, linewidth=1, linestyle="--", label="the K-th score")
    ax.set_yscale("symlog", linthresh=0.01)
    ax.set(xlabel="density ρ", ylabel="separation δ (linear below 0.01)", ylim=(0, 3))
    ax.legend(loc="upper left", ncols=3)
    return figure


def check_single(image: Tensor, result: Aggregation) -> None:
    """Raise ValueError unless ``result`` is of one image, a token for each pixel of ``image`` (3, H, W)."""
    shape = tuple(result.assignment.shape)
    if shape != (1, image.shape[-2] * image.shape[-1]):
        raise ValueError(f"an image of shape {tuple(image.shape)} does not fit tokens assigned as {shape}")


def mark(ax: Axes, image: Tensor, tokens: Tensor, color: str, *, share: float = 1.0, edge: float = 0) -> None:
    """Put a dot on each of the tokens (S,) of an image (3, H, W).

    A dot is one token wide, but at least 1/70 of the image, so that it is seen; ``share`` scales that. ``edge`` is
    the width of its white edge, in points.
    """
    size = share * max(1.0, image.shape[2] / 70)
    ax.add_collection(
        EllipseCollection(
            [size],
            [size],
            [0],
            units="xy",
            facecolors=color,
            edgecolors="white",
            linewidths=edge,
            offsets=positions(tokens, image.shape[2]).flip(1).numpy(),
            offset_transform=ax.transData,
        )
    )


def nearest_sampled(sample: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return for every token of the grid (H, W) the place in ``sample`` (S,) of the nearest sampled one, (H, W)."""
    everywhere = positions(torch.arange(grid[0] * grid[1]), grid[1]).float()
    return torch.cdist(everywhere, positions(sample, grid[1]).float()).argmin(1).view(grid)
