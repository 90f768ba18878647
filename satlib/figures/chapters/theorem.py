"""Chapter 12: two clusters, the error against N, draws that miss a cluster, and one trained layer.

Shapes: N tokens in K clusters, S = beta K sampled ones, R draws.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from satlib.analysis.exact_attention import LayerError
from satlib.figures.explorers.theorem import arrange, draws_slider
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.show import Shown
from satlib.figures.kit.style import GREEN, VERMILLION
from satlib.figures.theory.cliff import cliff as draws_and_chances
from satlib.figures.theory.labels import words
from satlib.figures.theory.toy import dots_and_weights, weights
from satlib.theory import Decomposition, Mixture
from satlib.theory.arrays import Integers
from satlib.theory.study import Results, column


def two_clusters(toys: Mapping[int, Tensor]) -> Shown:
    """Draw the tokens of two clusters beside the weights that three ways to attend give them, with a slider.

    ``toys`` holds the tokens (N, 2), as :func:`satlib.figures.theory.toy.weights` takes them, by the ratio of sizes.
    """
    said = []
    for tokens in toys.values():
        few, many = tokens.sum(0).int().tolist()
        shares = (f"{way} {float(w[0]):.0%} and {float(w[1]):.0%}" for way, w in weights(tokens).items())
        said.append(f"With {few} and {many} tokens: {', '.join(shares)}.")
    return Shown(
        dots_and_weights(toys),
        "Left a dot for each token: a few blue ones and more orange squares. Right three bars, each cut into the "
        "weight of all blue tokens and that of all orange ones. Exact attention and SAA with log n follow the numbers "
        "of tokens; SAA always gives half to each. " + " ".join(said),
    )


def error_by_tokens(results: Results) -> Shown:
    """Draw the attention error over the exact output's norm against N, K = 8, sizes 1 : 16: medians of 8 mixtures."""
    rows = sorted(results.rows("size_blind", n_centers=8, size_ratio=16), key=lambda row: column([row], "n_tokens")[0])
    tokens, exact = column(rows, "n_tokens"), column(rows, "exact")
    lines = {
        "SAA": ("blind", VERMILLION, "circle", "solid"),
        "the theorem's second term, C₂ = 1": ("paper", GRAY, "circle", "dash"),
        "SAA with log n": ("aware", GREEN, "square", "solid"),
    }
    drawn, names, said = [], [], []
    for name, (key, color, symbol, dash) in lines.items():
        error = np.median(column(rows, key) / exact, axis=1)
        drawn.append(
            go.Scatter(
                x=tokens.tolist(),
                y=[float(f"{value:.4g}") for value in error],
                name=name,
                mode="lines" if key == "paper" else "lines+markers",
                line={"color": color, "dash": dash, "width": 2.5},
                marker={"symbol": symbol, "size": 8},
                hovertemplate="N = %{x}: %{y:.2g}",
            )
        )
        if key == "paper":  # below the end of a line that falls, so that it is not crossed
            below = {"yanchor": "top", "yshift": -4}
            names.append(words(name, np.log10(tokens[-1]), np.log10(error[-1]), anchor="right") | below)
        else:
            names.append(words(name, np.log10(tokens[0]), np.log10(error[0])) | {"yanchor": "bottom", "yshift": 4})
        said.append(f"{name} from {error[0]:.2g} to {error[-1]:.2g}")
    logarithmic = {"type": "log", "zeroline": False}
    layout = plot_layout(
        (600, 330),
        (15, 15, 40, 50),
        controls=40,
        title="Attention error over the length of the exact output",
        x={**logarithmic, "title": {"text": "N, tokens"}, "tickvals": tokens.tolist()},
        y={**logarithmic, "range": [-7.2, 1.6], "dtick": 2, "exponentformat": "power"},
    )
    return Shown(
        go.Figure(data=drawn, layout=layout | {"annotations": names, "showlegend": False}),
        f"Log-log lines of the relative error for N from {tokens[0]:g} to {tokens[-1]:,.0f} tokens, "
        "each named beside it: " + "; ".join(said) + ". SAA and SAA with log n are flat; the theorem's line falls.",
    )


def cliff(found: Mapping[int, Mapping[int, Decomposition]], counted: Mapping[int, Mapping[int, float]]) -> Shown:
    """Draw the error of each draw against beta above the chance of a missed cluster, with a slider over the sizes.

    Parameters
    ----------
    found
        Errors of many draws, by the ratio of the largest cluster to the smallest and by beta.
    counted
        The probability that a cluster has no sampled token, by the same.
    """
    figure = draws_and_chances(found, counted)
    notes = " ".join(f"{frame.name}: {frame.layout.title.text}" for frame in figure.frames)
    return Shown(
        figure,
        "A mark for each draw, at its relative error on a logarithmic axis, against beta. Draws that miss a cluster "
        "lie high; the others lie orders of magnitude lower, and nothing lies between. Below, the share of draws that "
        "miss a cluster falls from one to zero as beta grows, along the line that was counted. The slider makes "
        "clusters of unequal size, and the cliff comes later. " + notes,
    )


def draws(mixture: Mixture, samples: Sequence[Integers]) -> Shown:
    """Draw tokens in a column for each cluster, the sampled ones at the bottom, with a slider over the samples."""
    n = len(mixture.sizes)
    columns = {f"{i}": arrange(mixture.labels, sample) for i, sample in enumerate(samples, 1)}
    missed = {name: len(set(tokens.column[tokens.missed].tolist())) for name, tokens in columns.items()}
    notes = {name: f"{count} of {n} clusters missed" for name, count in missed.items()}
    return Shown(
        draws_slider(columns, name="draw", start="1", notes=notes),
        f"{n} columns of tokens, one for each cluster, the sampled ones at the bottom; a slider draws another sample. "
        "Clusters missed: " + ", ".join(f"{count} in draw {name}" for name, count in missed.items()) + ".",
    )


def first_layer(error: LayerError) -> str:
    """Say how far a trained network's layer on one photograph is from exact attention, without and with log n."""
    return (
        "The first SAA layer of the network for ×4, on one photograph: relative to exact attention over all tokens, at "
        f"the length that the layer knows, the error is {error.plain:.2f}; with log n it is {error.size_bias:.2f}. "
        f"Answering with the mean value of all tokens has the error {error.uniform:.2f}."
    )
