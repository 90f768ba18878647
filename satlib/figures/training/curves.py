"""A training run as pictures: its curves, and the learning rate of recipes."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from matplotlib.figure import Figure

from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.style import BLUE, GREEN, ORANGE, PURPLE, VERMILLION, panels, styled
from satlib.training import TrainConfig
from satlib.training.schedule import learning_rate

Rows = Sequence[Mapping[str, float]]
WIDTH, HEIGHT, TITLE = 640, 360, 40
DASHES = ("dash", "dot", "dashdot")
POINTS = 400
"""Places at which a schedule is drawn."""


def loss_curve(rows: Rows) -> go.Figure:
    """Draw the loss against the step; a pointer shows the learning rate, too.

    ``rows`` are those of ``train.csv``, as :func:`satlib.training.read_table` returns them.
    """
    line = go.Scatter(
        x=[row["step"] for row in rows],
        y=[float(f"{row['loss']:.5g}") for row in rows],
        mode="lines+markers",
        name="L1",
        line={"color": VERMILLION},
        customdata=[f"{row['learning_rate']:.3g}" for row in rows],
        hovertemplate="step %{x:,}: %{y}<br>learning rate %{customdata}<extra></extra>",
    )
    return _figure([line], "mean absolute error", "Random patches, each point a mean over the steps since the last")


def psnr_curve(rows: Rows, levels: Mapping[str, float]) -> go.Figure:
    """Draw the PSNR of the validation against the step, and levels to compare it with.

    Parameters
    ----------
    rows
        Steps and PSNR in dB, as in ``valid.csv``.
    levels
        PSNR by name, each a dashed line over all steps; three at most.

    Raises
    ------
    ValueError
        If there are no rows, or too many levels.
    """
    if not rows or len(levels) > len(DASHES):
        raise ValueError(f"one row and up to {len(DASHES)} levels can be drawn, got {len(rows)} and {len(levels)}")
    steps = [row["step"] for row in rows]
    network = go.Scatter(
        x=steps,
        y=[round(row["psnr"], 3) for row in rows],
        mode="lines+markers",
        name="network",
        line={"color": BLUE},
        hovertemplate="step %{x:,}: %{y:.2f} dB<extra></extra>",
    )
    lines = [
        go.Scatter(
            x=[steps[0], steps[-1]],
            y=[level, level],
            mode="lines",
            name=name,
            line={"color": GRAY, "dash": dash},
            hovertemplate=f"{name}: %{{y:.2f}} dB<extra></extra>",
        )
        for (name, level), dash in zip(levels.items(), DASHES, strict=False)
    ]
    return _figure([network, *lines], "PSNR on Y, dB", "Photographs that are not trained on, mean")


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


def _figure(data: list[go.Scatter], unit: str, title: str) -> go.Figure:
    """Return lines over the step; ``title`` says of what."""
    across = {"title": {"text": "step"}, "tickformat": ",", "nticks": 6}
    margins = (60, 15, TITLE + 20, 45)
    layout = plot_layout(
        (WIDTH, HEIGHT), margins, controls=TITLE, title=title, x=across, y={"title": {"text": unit}}
    ) | {"showlegend": len(data) > 1}
    return go.Figure(data=data, layout=layout)
