"""Chapter 18: how far the output of a trained network moves where the released code differs, and small tables.

Outputs are (1, 3, sH, sW) in [0, 1]; changes are in levels of 255.
"""

from collections.abc import Mapping

from matplotlib import colormaps
from matplotlib.figure import Figure
from torch import Tensor

from satlib.config import SATConfig
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLACK, VERMILLION, WIDTH, frame_off, panels, styled
from satlib.support.tables import table
from satlib.training import TrainConfig

ROUNDING = 12**-0.5
"""Root mean square of what rounding to whole levels adds, about: errors are evenly spread over one level."""

FAINT = 0.995
"""Share of the pixels of all maps whose change is below the strongest colour of :func:`places`."""


COLORS = 16
"""Of the maps: more are not told apart, and weigh more than the rest of the page."""


def root_mean_square(change: Tensor) -> float:
    """Return the root mean square of a change of an output in [0, 1], in levels of 255."""
    return 255 * float(change.square().mean().sqrt())


@styled
def moved(outputs: Mapping[str, Tensor], usual: Tensor, bicubic: Tensor) -> Shown:
    """Draw how far each output lies from the usual one, and three yardsticks on the same axis.

    Parameters
    ----------
    outputs
        By what was changed; "another sample", a yardstick, changes nothing but which tokens are sampled.
    usual
        The output as the network was trained.
    bicubic
        What bicubic interpolation gives in its place.
    """
    yardsticks = {
        "the network, against bicubic": root_mean_square(bicubic - usual),
        "rounding to 8 bits": ROUNDING,
    }
    changes = {name: root_mean_square(out - usual) for name, out in outputs.items()} | yardsticks
    ordered = sorted(changes, key=lambda name: -changes[name])
    figure = Figure(figsize=(WIDTH, 0.32 * len(ordered) + 0.8), layout="constrained")
    ax = figure.subplots()
    for place, name in enumerate(ordered):
        plain = name in yardsticks or name == "another sample"
        color, marker = (BLACK, "D") if plain else (VERMILLION, "o")
        ax.plot(changes[name], place, marker, color=color, fillstyle="none" if plain else "full", markersize=7)
        ax.annotate(f"{changes[name]:.2f}", (changes[name], place), (9, 0), textcoords="offset points", va="center")
    ax.set(yticks=range(len(ordered)), yticklabels=ordered, xscale="log")
    ax.set(xlim=(0.5 * min(changes.values()), 2.5 * max(changes.values())))
    ax.set(xlabel="change of the output, root mean square, levels of 255 (log)")
    ax.xaxis.set_major_formatter("{x:g}")
    ax.grid(axis="y", color="0.9")
    ax.set_axisbelow(True)
    ax.invert_yaxis()
    told = "; ".join(f"{name} {changes[name]:.3f}" for name in ordered)
    return show(
        figure,
        alt="Dots on a logarithmic axis: how far the output moves where one choice is made as in the released code, "
        f"as root mean square in levels of 255, with three open diamonds as yardsticks. {told}.",
    )


@styled
def places(outputs: Mapping[str, Tensor], usual: Tensor) -> Shown:
    """Draw where each output differs from the usual one: maps of the largest change of a colour, on one scale."""
    maps = {name: 255 * (out - usual)[0].abs().amax(0) for name, out in outputs.items()}  # (sH, sW) each
    top = max(float(one.flatten().quantile(FAINT)) for one in maps.values())
    first = next(iter(maps.values()))
    figure, axes = panels(len(maps), first.shape[0] / first.shape[1], columns=3)
    for ax, (name, one) in zip(axes, maps.items(), strict=True):
        drawn = ax.imshow(one.numpy(), vmin=0, vmax=top, cmap=colormaps["viridis"].resampled(COLORS))
        frame_off(ax, name)
    bar = figure.colorbar(drawn, ax=axes, location="bottom", shrink=0.6, aspect=40, extend="max")
    bar.set_label("largest change of a colour, levels of 255")
    told = "; ".join(f"{name}: {one.mean():.2f} on average, {one.max():.1f} at most" for name, one in maps.items())
    return show(
        figure,
        alt=f"{len(maps)} maps of the change of each output pixel, in levels of 255, on one scale. {told}.",
    )


def sizes(configs: Mapping[str, SATConfig], params: Mapping[str, int]) -> str:
    """Return a table of the pairs of blocks and the parameters of networks, by name."""
    rows = [(f"`{name}`", sum(c.groups), f"{params[name] / 1e6:.2f}") for name, c in configs.items()]
    return table(("preset, ×2", "pairs of blocks", "parameters (M)"), rows, align="lr")


def recipes(found: Mapping[str, TrainConfig]) -> str:
    """Return a table of the weight decay, steps and milestones of recipes, by name."""
    rows = [
        (name, f"{one.weight_decay:g}", f"{one.steps:,}", ", ".join(f"{m // 1000}K" for m in one.milestones))
        for name, one in found.items()
    ]
    return table(("recipe, ×4", "weight decay", "steps", "learning rate halved at"), rows, align="lrrl")
