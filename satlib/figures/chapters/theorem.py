"""Chapter 12: two clusters, the error against N, draws that miss a cluster, photographs and trained layers.

Shapes: N tokens in K clusters, S = beta K sampled ones, R draws.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from torch import Tensor

from satlib.analysis.exact_attention import LayerError
from satlib.figures.explorers.theorem import arrange, draws_slider
from satlib.figures.kit.layout import GRAY, plot_layout
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.show import Shown
from satlib.figures.kit.style import GREEN, VERMILLION
from satlib.figures.network.exact_attention import layer_errors
from satlib.figures.theory.cliff import cliff as draws_and_chances
from satlib.figures.theory.labels import words
from satlib.figures.theory.toy import dots_and_weights, weights
from satlib.theory import Decomposition, Mixture
from satlib.theory.arrays import Floats, Integers
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
        names.append(words(name, np.log10(tokens[0]), np.log10(error[0]) + 0.5))
        said.append(f"{name} from {error[0]:.2g} to {error[-1]:.2g}")
    logarithmic = {"type": "log", "zeroline": False}
    layout = plot_layout(
        (600, 330),
        (15, 15, 40, 50),
        controls=40,
        title="Attention error over the length of the exact output",
        x={**logarithmic, "title": {"text": "N, tokens"}, "tickvals": tokens.tolist()},
        y={**logarithmic, "range": [-7.2, 0.9], "dtick": 2, "exponentformat": "power"},
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


def photographs(results: Results) -> Shown:
    """Draw the total error on photographs against beta, with a slider over features and photographs."""
    keys = list(dict.fromkeys((f"{r['features']}", f"{r['name']}") for r in results.rows("image_error")))
    steps, notes, said = {}, {}, []
    for features, name in keys:
        series, last = {}, {}
        for bias, suffix in ((False, ""), (True, " with log n")):
            rows = results.rows("image_error", features=features, name=name, size_bias=bias)
            beta, error = column(rows, "beta").tolist(), column(rows, "total")[:, 2]
            series[f"SAA{suffix}"] = Series(beta, error.tolist())
            series[f"random centres{suffix}"] = Series(beta, column(rows, "random").tolist())
            last[bias] = float(error[-1])
        series["mean value"] = Series(beta, column(rows, "trivial").tolist())
        label = f"{features}, {name}"
        steps[label] = series
        notes[label] = f"At β = {beta[-1]:g} the error is {last[False]:.2f} of the output, {last[True]:.2f} with log n."
        said.append(f"{label}: {last[False]:.2f} and {last[True]:.2f}")
    axes = {"x": Axis("β = S / K"), "y": Axis("error, relative", log=True, span=(0.02, 1.7))}
    figure = lines_slider(steps, name="features, photograph", start=next(iter(steps)), notes=notes, **axes)
    return Shown(
        figure.update_layout(height=560, yaxis={"dtick": None, "tickvals": [0.02, 0.05, 0.1, 0.2, 0.5, 1]}),
        "Relative error against beta on a logarithmic axis, for features of three photographs, with a slider over "
        "them. For features of norm 1 the error of SAA rises with beta and lies above that of random centres; with log "
        "n it is several times smaller and nearly flat. For raw patches all errors are near one. Last errors without "
        "and with log n: " + "; ".join(said) + ".",
    )


def layers(found: Mapping[str, Sequence[Sequence[LayerError]]]) -> Shown:
    """Draw the errors of a network's layers without and with log n, and that of the mean value, a panel for each.

    ``found`` has what :func:`satlib.analysis.exact_attention.layer_errors` returned for each photograph, by network.
    """
    said = []
    for name, photos in found.items():
        middle: Floats = np.median(np.array(photos), axis=0)  # (layers, ways)
        first, last = (LayerError(*middle[i]) for i in (0, -1))
        said.append(
            f"{name}: SAA from {first.plain:.2g} in the first layer to {last.plain:.2g} in the last; with log n from "
            f"{first.size_bias:.2g} to {last.size_bias:.2g}; the mean value from {first.uniform:.2g} to "
            f"{last.uniform:.2g}."
        )
    return Shown(
        layer_errors(found, ways=("plain", "size_bias", "uniform")),
        "Relative error of each SAA layer against exact attention over tokens of restored norms, on a logarithmic "
        "axis, one panel for each network; medians over photographs, their range shaded. " + " ".join(said),
    )
