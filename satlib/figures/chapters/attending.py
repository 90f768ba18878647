"""The pictures of *Does it attend?*: the swap test, its controls, and maps that can only be read with their legend.

Images are (H, W, 3) uint8; L layers, I photographs, Q queries, H x W tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from satlib.analysis.attention_maps import Attended
from satlib.analysis.statistics import Interval, interval
from satlib.data.scenes import Scene
from satlib.dta.aggregation import Aggregation
from satlib.evaluation.crops import Pixels
from satlib.figures.dta.centers import centers_on_image
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLACK, BLUE, GREEN, ORANGE, VERMILLION, WIDTH, frame_off, panels, styled
from satlib.figures.quality.sheets import Row, Sheet
from satlib.figures.training.scenes import both
from satlib.images.tensors import to_tensor
from satlib.metrics.fidelity import psnr
from satlib.support.tables import table

SIDE, ZOOM = 64, 2
"""Pixels of a crop, and how often each is repeated."""

GAIN = 8
"""Differences of images are drawn so many times as strong."""

SCALE = 2
"""Of the networks of this chapter."""

Jobs = Sequence[Mapping[str, Any]]
STYLES = ("-", "--", ":")
"""Of the seeds."""

COLORS = {"exact": BLUE, "similarity": VERMILLION, "center": GREEN, "mean": ORANGE}


def swaps(images: Mapping[str, tuple[Pixels, Pixels, Pixels]]) -> Sheet:
    """Show what reading another image's tokens does: by heading, the target, the output, and the output with them.

    Of images larger than `SIDE` the crop is shown in which the two outputs differ most.
    """
    rows, told = [], []
    for title, (target, own, read) in images.items():
        change = np.abs(own.astype(int) - read).sum(2)
        place = np.s_[_most(change.sum(1)), _most(change.sum(0))]
        shown = {"target": target, "its own tokens": own, "another's tokens": read}
        crops = {name: np.ascontiguousarray(image[place]) for name, image in shown.items()}
        crops[f"difference × {GAIN}"] = np.repeat(
            (GAIN / 3 * change[place]).clip(0, 255).astype(np.uint8)[..., None], 3, 2
        )
        values = [psnr(image, target, border=SCALE) for image in (own, read)]
        rows.append(Row(f"{title}: {values[0]:.2f} dB, with another's tokens {values[1]:.2f} dB", crops))
        told.append(f"{title}: mean difference {change.mean() / 3:.2f} of 255 levels")
    return Sheet(
        rows,
        zoom=ZOOM,
        alt="Two rows of four pictures: the target, the output of a network, its output with the aggregated tokens of "
        f"another image, and the difference. {'; '.join(told)}. The photograph stays as it was; every hatching of the "
        "map changes.",
    )


def _most(weights: np.ndarray[Any, Any]) -> slice:
    """Return the `SIDE` neighbours of a line of weights (n,) that have the largest sum."""
    sums = np.convolve(weights, np.ones(min(SIDE, len(weights))), "valid")
    start = int(sums.argmax())
    return slice(start, start + SIDE)


def controls(changes: Mapping[str, Sequence[float]]) -> Shown:
    """Draw by how much PSNR changes, (I,) by what the layers read: a dot for each photograph, and the mean."""
    names, values = list(changes), np.array(list(changes.values()))
    means = [interval(torch.tensor(column)[:, None]) for column in values]
    told = "; ".join(
        f"{name} {m.mean:+.2f} ({m.low:+.2f} to {m.high:+.2f})" for name, m in zip(names, means, strict=True)
    )
    return show(
        _dots(names, values, means),
        alt=f"Change of PSNR in dB for {values.shape[1]} photographs, a dot for each, with the mean and its 95 % "
        f"interval, by what the layers read instead of their own tokens: {told}.",
    )


def by_layer(changes: Tensor) -> Shown:
    """Draw by how much PSNR changes, (I, L), if one layer alone reads another photograph's tokens."""
    names = [f"layer {number}" for number in range(1, changes.shape[1] + 1)]
    means = [interval(column[:, None]) for column in changes.T]
    told = ", ".join(f"{m.mean:+.3f}" for m in means)
    return show(
        _dots(names, changes.T.numpy(), means),
        alt=f"Change of PSNR in dB for {len(changes)} photographs, a dot for each, with the mean and its 95 % "
        "interval, if one layer alone reads another photograph's tokens. Means from the first layer to the last: "
        f"{told}.",
    )


@styled
def _dots(names: Sequence[str], values: np.ndarray[Any, Any], means: Sequence[Interval]) -> Figure:
    figure = Figure(figsize=(WIDTH, 0.9 + 0.42 * len(names)), layout="constrained")
    ax = figure.subplots()
    for place, (found, mean) in enumerate(zip(values, means, strict=True)):
        ax.plot(found, [place - 0.12] * len(found), "o", color=BLUE, markersize=4, alpha=0.6)
        ax.plot([mean.low, mean.high], [place + 0.16] * 2, color=BLACK, linewidth=1.5)
        ax.plot(mean.mean, place + 0.16, "D", color=VERMILLION, markersize=6)
    ax.axvline(0, color="0.5", linewidth=0.8)
    ax.set(yticks=range(len(names)), yticklabels=names, xlabel="change of PSNR on Y, dB")
    ax.set_ylim(len(names) - 0.5, -0.5)
    return figure


def task(scene: Scene) -> Shown:
    """Show a map in both resolutions."""
    return show(
        both(scene),
        alt="A map of coloured, finely hatched regions with a legend of four colours and their patterns in a corner; "
        "beside it the same in low resolution: the regions are plain, and the patterns stand in the legend alone.",
    )


def legends(images: Mapping[str, Pixels]) -> Sheet:
    """Show maps side by side, by caption."""
    return Sheet(
        [Row("", images)],
        zoom=ZOOM,
        alt=f"{len(images)} maps of coloured regions with a legend in a corner: {', '.join(images)}. The hatching of "
        "each region is that of its colour in the legend that was read.",
    )


def centers_on(image: Pixels, made: Aggregation) -> Shown:
    """Draw the centres of a layer on the network's input."""
    return show(
        centers_on_image(to_tensor(image), made),
        alt=f"Three copies of a map in low resolution: as it is; with the {made.sample.shape[1]} sampled tokens of a "
        f"layer; and with its {made.centers.shape[1]} centres, much denser in the small legend than elsewhere.",
    )


def looked_up(target: Pixels, image: Pixels, seen: Attended, head: int, shares: Sequence[float]) -> Shown:
    """Draw a map, the network's input with numbered queries, and how much each query reads every token in one head.

    ``shares`` (Q,) are the weights that lie on the legend's entry of the query's colour.
    """
    height, width = seen.layer.grid
    maps = seen.pixels()[head].unflatten(1, (height, width)).cpu()
    places = [(int(q) // width, int(q) % width) for q in seen.queries]
    return show(
        _reading((target, image), maps, places, shares),
        alt=f"The map, the same in low resolution with {len(maps)} numbered queries, and for each what it reads, from "
        "dark for nothing to bright: one entry of the legend, that of its own colour. On it lie "
        f"{', '.join(f'{share:.0%}' for share in shares)} of the weight.",
    )


@styled
def _reading(
    images: tuple[Pixels, Pixels], maps: Tensor, places: Sequence[tuple[int, int]], shares: Sequence[float]
) -> Figure:
    figure, axes = panels(2 + len(maps), images[0].shape[0] / images[0].shape[1], columns=3)
    for ax, image, title in zip(axes, images, ("the map", "the network's input"), strict=False):
        ax.imshow(image)
        frame_off(ax, title)
    for number, ((row, column), reading, share) in enumerate(zip(places, maps, shares, strict=True), 1):
        axes[1].text(column, row, str(number), ha="center", va="center", weight="bold", bbox={"fc": "white", "pad": 1})
        drawn = axes[1 + number].imshow(reading.clamp_min(1e-6).log10().numpy(), vmin=-5, vmax=-1)
        axes[1 + number].plot(column, row, "*", color="white", markeredgecolor=BLACK, markersize=11)
        frame_off(axes[1 + number], f"query {number}: {share:.0%} on its entry")
    ticks = {-5: "0.00001", -3: "0.001", -1: "0.1"}
    bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.5, aspect=40, ticks=list(ticks))
    bar.ax.set_xticklabels(list(ticks.values()))
    bar.set_label("share of the weight")
    return figure


def learning(runs: Mapping[str, Jobs]) -> Shown:
    """Draw the PSNR of held-out maps over the steps: a panel for each run, a line for each of its trainings.

    A training that leaves the others has the colour of its row, which is named, and the style of its seed.
    """
    floor = min(max(value for _, value in job["curve"]) for jobs in runs.values() for job in jobs)
    begun = {title: [job for job in jobs if job["curve"][-1][1] > floor + 0.1] for title, jobs in runs.items()}
    told = []
    for title, jobs in runs.items():
        ends = [f"{job['row']}, seed {job['seed']}, at {job['curve'][-1][1]:.1f} dB" for job in begun[title]]
        told.append(f"{title}, {len(jobs)} trainings: {'; '.join(ends) or 'none rises'}")
    return show(
        _curves(runs, begun),
        alt=f"PSNR of held-out maps over the steps. Trainings that do not begin stay at {floor:.1f} dB, what is "
        f"possible without a legend. Those that do end so: {'. '.join(told)}.",
    )


@styled
def _curves(runs: Mapping[str, Jobs], begun: Mapping[str, Jobs]) -> Figure:
    figure, axes = panels(len(runs), 0.85)
    for ax, (title, jobs) in zip(axes, runs.items(), strict=True):
        named: set[str] = set()
        for job in jobs:
            steps, values = zip(*job["curve"], strict=True)
            if job in begun[title]:
                color, style = COLORS.get(job["row"], BLACK), STYLES[job["seed"] % len(STYLES)]
                label = None if job["row"] in named else job["row"]
                named.add(job["row"])
                ax.plot(steps, values, style, color=color, lw=2, zorder=3, label=label)
            else:
                ax.plot(steps, values, color="0.6", linewidth=1)
        if begun[title]:
            ax.legend(loc="best")  # the curves rise early or late
        last = max(job["curve"][-1][0] for job in jobs)
        ax.set(xlim=(0, 1.02 * last), xticks=[last * i // 2 for i in range(3)], xlabel="step", title=title)
        ax.margins(y=0.12)
    axes[0].set_ylabel("PSNR of held-out maps, dB")
    return figure


def outcome_table(jobs: Jobs, predicted: Mapping[str, str]) -> str:
    """Return a table of what each row was predicted to gain from the legend, and what its seeds gained."""
    head = ("what queries read", "predicted gain, dB", "gain of each seed, dB", "swap of each seed, dB")
    rows = []
    for row, text in predicted.items():
        mine = sorted((job for job in jobs if job["row"] == row), key=lambda job: int(job["seed"]))
        gains, swapped = ([f"{abs(job[key]):.2f}" for job in mine] for key in ("gain", "swap_parts"))
        rows.append((f"`{row}`", text, ", ".join(gains) or "not trained yet", ", ".join(swapped)))
    return table(head, rows)
