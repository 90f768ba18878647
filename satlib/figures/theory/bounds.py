"""Theorem 3.2, drawn: measured errors beside the bound, as printed pictures. All take the rows of a study."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from satlib.figures.kit.style import BLACK, BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, panels, styled
from satlib.theory.arrays import Floats
from satlib.theory.scores import separation
from satlib.theory.study import Results, Row, Verdict, column

SERIES = {
    "blind": ("SAA", VERMILLION, "o-"),
    "aware": ("SAA with log n", GREEN, "s-"),
    "random": ("random centres", SKY, "^:"),
    "trivial": ("mean value", PURPLE, "v:"),
    "proved": ("proved bound", BLUE, "--"),
    "paper": ("paper's line, C₂ = 1", BLACK, "-"),
}

SMALLEST = 1e-9
"""An error at or below it is zero but for rounding."""


@styled
def attention_error(results: Results) -> Figure:
    """Draw the attention error with S = N against N, K and the size ratio, beside the paper's line and baselines."""
    figure, axes = panels(3, 1.15)
    variations = (
        ("n_tokens", "N tokens", {"n_centers": 8, "size_ratio": 16}),
        ("n_centers", "K centres", {"n_tokens": 1024, "size_ratio": 16}),
        ("size_ratio", "largest : smallest cluster", {"n_tokens": 1024, "n_centers": 8}),
    )
    for ax, (name, label, fixed) in zip(axes, variations, strict=True):
        rows = sorted(results.rows("size_blind", **fixed), key=lambda row: column([row], name)[0])
        for key, (title, color, style) in SERIES.items():
            median = np.median(column(rows, key), axis=1)
            drawn = np.where(median > SMALLEST, median, np.nan)  # zero is nowhere on a log axis
            ax.plot(column(rows, name), drawn, style, color=color, label=title, markersize=4)
        ax.set(xscale="log", yscale="log", xlabel=label)
        plain_ticks(ax, column(rows, name))
    axes[0].set_ylabel("‖O − O*‖, median of 8 mixtures")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def failure_quantiles(results: Results) -> Figure:
    """Draw quantiles of the clustering error against sqrt(log 1/delta), on which the theorem says straight lines."""
    figure, (ax,) = panels(1, 0.5)
    colors = (VERMILLION, ORANGE, GREEN, BLUE)
    for row, color, marker in zip(results.rows("failure"), colors, "osv^", strict=True):
        place = np.sqrt(np.log(1 / column([row], "delta")[0]))
        missed = column([row], "probability")[0]
        ax.plot(place, row["quantile"], f"{marker}-", color=color, markersize=4, label=f"β = {row['beta']}")
        if place[0] ** 2 < -np.log(missed) < place[-1] ** 2:
            ax.axvline(np.sqrt(-np.log(missed)), color=color, linestyle="--", linewidth=1)
    ax.plot(place, 1e-4 * place, color=BLACK, label="the theorem's shape")
    _baselines(ax, results.rows("failure")[0])
    ax.set(yscale="log", xlabel="√log(1/δ);  dashed: δ = P(a cluster is missed)", ylabel="(1 − δ) quantile, relative")
    ax.legend(loc="center left")
    return figure


@styled
def lipschitz(results: Results) -> Figure:
    """Draw the clustering error against L, at fixed N, K and beta: medians by aggregation, and the 95 % quantile."""
    figure, (ax,) = panels(1, 0.5)
    for way, key, label, color, style in (
        ("similarity", "high", "95 % quantile", VERMILLION, "o-"),
        ("center", "median", "median, centre alone", ORANGE, "^-"),
        ("similarity", "median", "median, similarity weights", GREEN, "s-"),
        ("similarity", "paper", "paper's line, C₁ = 1", BLACK, "-"),
    ):
        rows = results.rows("lipschitz", aggregation=way)
        place, values = column(rows, "lipschitz").mean(1), np.median(column(rows, key), axis=1)
        ax.plot(place, values, style, color=color, label=label, markersize=4)
    _baselines(ax, results.rows("lipschitz", aggregation="similarity")[0])
    ax.set(xscale="log", yscale="log", xlabel="L of the density at tokens", ylabel="‖O − O_exact‖")
    ax.legend(loc="lower right")
    return figure


@styled
def lemmas(results: Results) -> Figure:
    """Draw one picture each for Lemmas 2, 3, 5 and 6."""
    figure, axes = panels(4, 0.68, columns=2)
    _density_bias(axes[0], results)
    _separation_jump(axes[1])
    _key_perturbation(axes[2], results)
    _lifted_attention(axes[3], results)
    return figure


def _density_bias(ax: Axes, results: Results) -> None:
    for dim, color in zip((1, 2, 4, 8, 16), (BLUE, SKY, GREEN, ORANGE, VERMILLION), strict=True):
        rows = results.rows("bias", intrinsic_dim=dim)
        place = column(rows, "n_samples")
        ax.plot(place, column(rows, "bias").mean(1), "o-", color=color, label=f"D = {dim}")
    ax.plot(place, 0.15 / np.sqrt(place), "--", color=BLACK, label="1/√S")
    ax.set(xscale="log", yscale="log", xlabel="S", title="Lemma 2: bias of the density")
    plain_ticks(ax, place)
    ax.legend(ncols=2, fontsize=8)


def _separation_jump(ax: Axes) -> None:
    s = np.array([[1, 0.9, 0.5], [0.9, 1, 0.5], [0.5, 0.5, 1]])
    lead = np.linspace(-0.02, 0.02, 200)
    deltas = np.array([separation(s, [0.7 + x, 0.7, 0.1]) for x in lead])
    for k, (name, color, style) in enumerate((("A", VERMILLION, "-"), ("B", BLUE, "--"), ("C", BLACK, ":"))):
        ax.plot(lead, deltas[:, k], style, color=color, label=f"δ of {name}")
    ax.set(xlabel="density of A minus density of B", title="Lemma 3: three tokens", ylim=(0, 0.6))
    ax.legend(loc="center right", fontsize=8)


def _key_perturbation(ax: Axes, results: Results) -> None:
    rows = results.rows("perturbation", aggregation="similarity")
    place = 16 * column(rows, "beta")
    ax.plot(place, column(rows, "covered"), "s-", color=GREEN, label="every cluster sampled")
    hit = [row for row in rows if row["missing"] != "none"]
    ax.plot(16 * column(hit, "beta"), column(hit, "missing"), "o-", color=VERMILLION, label="one missed")
    ax.plot(place, 0.3 * np.sqrt(place[0] / place), "--", color=BLACK, label="1/√S")
    ax.set(xscale="log", yscale="log", xlabel="S of N = 512", title="Lemma 5: ‖K′ − K′_exact‖")
    plain_ticks(ax, place)
    ax.legend(loc="upper right", fontsize=8)


def _lifted_attention(ax: Axes, results: Results) -> None:
    rows = results.rows("lifted", sigma=1e-3)
    place = column(rows, "n_tokens")
    for key in ("blind", "aware"):
        title, color, style = SERIES[key]
        ax.plot(place, np.median(column(rows, key), axis=1), style, color=color, label=title)
    ax.plot(place, column(rows, "paper"), "--", color=BLACK, label="K/√N")
    ax.set(xscale="log", yscale="log", xlabel="N", title="Lemma 6: ‖A* − A_exact‖, lifted")
    plain_ticks(ax, place)
    ax.legend(loc="center right", fontsize=8)


@styled
def envelopes(verdicts: Mapping[str, Verdict]) -> Figure:
    """Draw bound against error on the configurations held out, a panel for each bound."""
    figure, axes = panels(len(verdicts), 1.0)
    low, high = _limits([v.error for v in verdicts.values()] + [v.bound for v in verdicts.values()])
    for ax, (name, verdict) in zip(axes, verdicts.items(), strict=True):
        above = verdict.bound >= verdict.error
        ax.plot([low, high], [low, high], color=BLACK, linewidth=1)
        ax.scatter(verdict.error[above], verdict.bound[above], s=14, color=BLUE, marker="o")
        ax.scatter(verdict.error[~above], verdict.bound[~above], s=28, color=VERMILLION, marker="x")
        ax.set(xscale="log", yscale="log", xlabel="error", title=f"{name}: rank {verdict.rank:+.2f}")
    axes[0].set_ylabel("fitted bound")
    return figure


def _baselines(ax: Axes, row: Row) -> None:
    """Draw the error of random centres and of the mean value as horizontal lines."""
    for key in ("random", "trivial"):
        title, color, _ = SERIES[key]
        ax.axhline(
            column([row], key)[0], color=color, linestyle=":" if key == "random" else "-.", linewidth=1, label=title
        )


def plain_ticks(ax: Axes, places: Floats) -> None:
    """Put a tick at each measured place of a logarithmic axis, labelled by its number."""
    ax.set_xticks(places, [f"{place:g}" for place in places])
    ax.set_xticks([], minor=True)


def _limits(arrays: Sequence[np.ndarray]) -> tuple[float, float]:
    return min(float(a.min()) for a in arrays) / 2, max(float(a.max()) for a in arrays) * 2
