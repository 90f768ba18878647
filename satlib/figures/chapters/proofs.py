"""The pictures of the appendix on Theorem 3.2: lemmas, slopes, samplers, envelopes, photographs, trained layers.

All but the last take the rows of the committed study or what was judged of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from satlib.analysis.exact_attention import LayerError
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.show import Shown
from satlib.figures.network.exact_attention import layer_errors
from satlib.figures.theory import bounds, sliders
from satlib.theory.arrays import Floats
from satlib.theory.study import Results, Verdict, column

AGGREGATIONS = {"similarity": "similarity weights", "mean": "mean", "center": "centre alone"}
"""Names of the ways to merge a cluster."""

LAYOUTS = {"shuffle": "shuffled", "runs": "one cluster after the other", "periodic": "in turns"}
"""Names of the orders of tokens."""


def lemmas(results: Results) -> Shown:
    """Draw one picture each for Lemmas 2, 3, 5 and 6."""
    return Shown(
        bounds.lemmas(results),
        "Four panels. Lemma 2: the bias of the density falls with S at a different slope for each dimension. Lemma 3: "
        "the separations of two tokens swap abruptly when their densities cross. Lemma 5: the distance of the keys "
        "hardly falls until S comes near N when all clusters are sampled, and is thousands of times larger when one is "
        "missed. "
        "Lemma 6: the lifted attention matrices stay apart as N grows; with log n they are close.",
    )


def every_ratio(ratios: Sequence[int], errors: Sequence[float]) -> Shown:
    """Draw the error of two duplicate clusters, over the distance of their values, against the ratio of their sizes."""
    return Shown(
        sliders.two_clusters(ratios, errors),
        "The relative error of two duplicate clusters against their size ratio. It is "
        f"{errors[0]:.2g} at 1 : {ratios[0]}, follows the closed form, and is {errors[-1]:.2g} at 1 : {ratios[-1]}; a "
        "dashed curve of the largest possible error lies above it. The slider moves the measured point along the "
        "curve.",
    )


def compression(results: Results) -> Shown:
    """Draw the attention error with S = N against N, K and the size ratio."""
    return Shown(
        bounds.attention_error(results),
        "Three log-log panels of the attention error. Against N the error of SAA, of random centres and of the mean "
        "value rise together while the paper's line falls. Against K the error falls while the paper's line rises. "
        "Against the size ratio it jumps up from zero at equal sizes. With log n it stays near one hundred-thousandth.",
    )


def aggregations(results: Results) -> Shown:
    """Draw the total error against beta, with a slider over the size ratio and the aggregation."""
    steps, notes = {}, {}
    for way, name in AGGREGATIONS.items():
        for ratio in (1, 4, 16):
            series = {}
            for bias, line in ((False, "SAA"), (True, "SAA with log n")):
                rows = results.rows("coverage", size_ratio=ratio, aggregation=way, size_bias=bias)
                beta = column(rows, "beta").tolist()
                low, _, median, _, high = column(rows, "total").T.tolist()
                series[line] = Series(beta, median, low, high)
            series["random centres, log n"] = Series(beta, column(rows, "random").tolist())
            series["mean value"] = Series(beta, column(rows, "trivial").tolist())
            label = f"{name}, {ratio} : 1"
            steps[label] = series
            notes[label] = (
                f"At β = {beta[-1]:g} the median with log n is {median[-1]:.1e}, without {series['SAA'].y[-1]:.1e}."
            )
    axes = {"x": Axis("β = S / K"), "y": Axis("error, relative", log=True, digits=".2g")}
    figure = lines_slider(steps, name="aggregation, sizes", start=next(iter(steps)), notes=notes, **axes)
    return Shown(
        figure.update_layout(height=530),
        "Relative error against beta on a logarithmic axis, with bars from the 5 to the 95 percent quantile. With log "
        "n the median drops by orders of magnitude where a missed cluster becomes rare, and the upper end drops later. "
        "Random centres and the mean value stay at the top; so does SAA without log n, unless sizes are equal. "
        + " ".join(f"{label}: {note}" for label, note in notes.items()),
    )


def failure_quantiles(results: Results) -> Shown:
    """Draw quantiles of the clustering error against the square root of log(1/delta)."""
    return Shown(
        bounds.failure_quantiles(results),
        "Quantiles of the clustering error against the square root of log one over delta for beta 2, 4, 6 and 8. At "
        "4 and 6 the curve is flat and low, then jumps by four orders of magnitude where delta equals the probability "
        "of missing a cluster, marked by a dashed line, and is flat and high afterwards. At 2 it is high throughout, "
        "at 8 low. The theorem's line rises slowly.",
    )


def lipschitz(results: Results) -> Shown:
    """Draw the clustering error against L."""
    return Shown(
        bounds.lipschitz(results),
        "Log-log plot against L. The 95 percent quantile of the clustering error is a horizontal line. The median "
        "rises with slope three for similarity weights and with slope one for centres alone, which is the slope of the "
        "paper's line.",
    )


def spread(results: Results) -> Shown:
    """Draw the errors given coverage against the radius of the clusters."""
    return Shown(
        sliders.spread(results),
        "Log-log plot of errors against the cluster radius, every cluster sampled. With log n the total error rises "
        "with slope two and stays below the dashed proved bound; the cluster error rises with slope three for "
        "similarity weights and one for centres alone. Without log n the total error is flat and large when sizes "
        "differ. The slider changes the size ratio.",
    )


def samplers(results: Results) -> Shown:
    """Draw the probability of a missed cluster against beta for three samplers, with a slider over the layout."""
    steps, notes = {}, {}
    for layout, label in LAYOUTS.items():
        series = {}
        for method in ("uniform", "stratified", "grid"):
            rows = results.rows("samplers", layout=layout, method=method)
            series[method] = Series(column(rows, "beta").tolist(), column(rows, "missed").tolist())
        at = {method: line.y[line.x.index(4)] for method, line in series.items()}
        steps[label] = series
        notes[label] = f"β = 4: {', '.join(f'{method} {share:.0%}' for method, share in at.items())} of 200 draws."
    axes = {"x": Axis("β = S / K"), "y": Axis("draws that miss a cluster", span=(0, 1), digits=".1%")}
    figure = lines_slider(steps, name="clusters lie", start=next(iter(steps)), notes=notes, **axes)
    return Shown(
        figure.update_layout(yaxis={"tickformat": ".0%"}),
        "Share of draws that miss a cluster against beta for uniform, stratified and grid samples. Shuffled tokens: "
        "all three fall together. One cluster after the other: stratified and grid reach zero at small beta, uniform "
        "stays behind. In turns: stratified equals uniform, and the grid misses a cluster always or never. "
        + " ".join(f"{label}: {note}" for label, note in notes.items()),
    )


def envelopes(verdicts: Mapping[str, Verdict]) -> Shown:
    """Draw fitted bounds against errors on configurations held out, a panel for each bound."""
    ranks = ", ".join(f"{name} {verdict.rank:+.2f}" for name, verdict in verdicts.items())
    return Shown(
        bounds.envelopes(verdicts),
        "Three log-log panels of fitted bound against error on held-out configurations. The paper's bound is an "
        "unordered cloud far above the diagonal. The trivial bound is a horizontal band. The repaired bound rises with "
        "the error. Almost all points lie within a factor of thirty of each other; three lie decades below, and on "
        f"them a correlation of the logarithms would rest. Rank correlations: {ranks}.",
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
