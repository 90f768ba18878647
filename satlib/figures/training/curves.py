"""A training run as pictures: its curves, and the learning rate of recipes."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from matplotlib.figure import Figure

from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, panels, styled
from satlib.training import TrainConfig
from satlib.training.schedule import learning_rate

Rows = Sequence[Mapping[str, float]]
WIDTH, HEIGHT, TITLE = 600, 480, 40
DASHES = ("dash", "dot", "dashdot")
MARKED = 40
"""Points up to which each has a mark."""
POINTS = 400
"""Places at which a schedule is drawn."""


def run_curves(log: Rows, validations: Rows, levels: Mapping[str, float]) -> go.Figure:
    """Draw the loss of a run against the step, and below it the PSNR of its validations, and levels to compare it with.

    Parameters
    ----------
    log
        Rows of ``train.csv``, as :func:`satlib.training.read_table` returns them. A pointer shows the learning rate.
    validations
        Steps and PSNR in dB, as in ``valid.csv``.
    levels
        PSNR by name, each a dashed line over all steps, with its name below its end; three at most.

    Raises
    ------
    ValueError
        If there are no rows, or too many levels.
    """
    if not log or not validations or len(levels) > len(DASHES):
        raise ValueError(
            f"one row each and up to {len(DASHES)} levels can be drawn, got {len(log)}, {len(validations)} and "
            f"{len(levels)}"
        )
    steps = [row["step"] for row in validations]
    loss = go.Scatter(
        x=[row["step"] for row in log],
        y=[float(f"{row['loss']:.5g}") for row in log],
        mode="lines+markers" if len(log) <= MARKED else "lines",
        name="loss",
        line={"color": VERMILLION},
        customdata=[f"{row['learning_rate']:.3g}" for row in log],
        hovertemplate="step %{x:,}: %{y}<br>learning rate %{customdata}<extra></extra>",
    )
    network = go.Scatter(
        x=steps,
        y=[round(row["psnr"], 3) for row in validations],
        yaxis="y2",
        mode="lines+markers",
        name="network",
        line={"color": BLUE},
        hovertemplate="step %{x:,}: %{y:.2f} dB<extra></extra>",
    )
    lines = [_level(name, level, steps[-1], dash) for (name, level), dash in zip(levels.items(), DASHES, strict=False)]
    across = {"title": {"text": "step"}, "tickformat": ",", "nticks": 6, "anchor": "y2"}
    layout = plot_layout(
        (WIDTH, HEIGHT),
        (60, 15, TITLE + 20, 45),
        controls=TITLE,
        title="Loss of random patches; PSNR of other photographs, on Y",
        x=across,
        y={"title": {"text": "loss"}, "domain": [0.55, 1], "rangemode": "tozero", "nticks": 5},
    )
    below = {**layout["yaxis"], "title": {"text": "PSNR, dB"}, "domain": [0, 0.45], "rangemode": "normal"}
    return go.Figure(data=[loss, network, *lines], layout=layout | {"yaxis2": below, "showlegend": False})


def _level(name: str, level: float, end: float, dash: str) -> go.Scatter:
    """Return a dashed line from step 0 to the end, with its name below the end."""
    return go.Scatter(
        x=[0, end],
        y=[level, level],
        yaxis="y2",
        mode="lines+text",
        text=["", name],
        textposition="bottom left",
        name=name,
        line={"color": GRAY, "dash": dash},
        hovertemplate=f"{name}: %{{y:.2f}} dB<extra></extra>",
    )


@styled
def schedules(plots: Sequence[Mapping[str, TrainConfig]]) -> Figure:
    """Draw the learning rate over the steps of a run: a panel for each mapping, a line for each of its recipes."""
    figure, axes = panels(len(plots), 0.75)
    colors = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE)
    for ax, recipes in zip(axes, plots, strict=True):
        for (name, config), color, style in zip(recipes.items(), colors, ("-", "--", ":", "-.", "-"), strict=False):
            steps = [config.steps * i // POINTS for i in range(POINTS)]
            rates = [1e4 * learning_rate(config, step) for step in steps]
            ax.plot([step / 1000 for step in steps], rates, style, color=color, label=name)
        ax.set(xlabel="step, thousands", ylabel="learning rate, 10⁻⁴", ylim=(0, None), xlim=(0, None))
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)  # above the panel: lines may be anywhere in it
    return figure
