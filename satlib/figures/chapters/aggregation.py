"""Chapter 6: what merged tokens show of an image, one cluster at a time, how its members weigh, lengths, and a table.

Shapes: N = H*W tokens, C channels, K clusters.
"""

from collections.abc import Mapping, Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter
from torch import Tensor

from satlib import dta
from satlib.analysis.attention_maps import merging_weights
from satlib.dta.aggregation import Aggregation
from satlib.dta.options import NormRestoration
from satlib.figures.dta.merging import pictures, repaint
from satlib.figures.explorers.aggregation import painted_center, painted_members
from satlib.figures.kit.lines import Axis, Series, lines_slider
from satlib.figures.kit.picture_sliders import picture_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.style import BLUE, GREEN, VERMILLION, panels, styled
from satlib.support.tables import table

WAYS: tuple[NormRestoration, ...] = ("none", "mean", "max")
"""To restore the norm, in the order of the panels."""

RANKS = (1, 2, 3, 5, 10, 20, 50, 100, 200)
"""Clusters that :func:`clusters` shows, by size; the largest is 1."""

LEAST = (2, 5, 20, 100)
"""Least sizes of the clusters that :func:`weighing` takes the mean of."""


def painted(image: Tensor, x: Tensor, made: Aggregation, *, temperature: float) -> Shown:
    """Paint each pixel of an image in the colour of its cluster's token, in each way to restore the norm.

    Parameters
    ----------
    image, x
        (3, H, W), and its patches (1, N, 3pp), see :func:`satlib.analysis.patch_features.patch_features`.
    made
        What DTA made of them.
    temperature
        Of the weights, tau.
    """
    clusters = made.assignment
    merged, counts = dta.merge(x, made.centers, clusters, temperature=temperature)
    drawn = {f"{x.shape[1]:,} tokens": image}
    for way in WAYS:
        tokens = dta.restore_norm(merged, x, clusters, counts, norm_restoration=way)[0]
        drawn[f"{len(tokens):,} tokens, norm restoration: {way}"] = repaint(tokens, clusters[0], image)
    return show(
        pictures(drawn, columns=2),
        alt=f"Four pictures. The photograph; painted with {made.centers.shape[1]} merged tokens, smooth areas flat; "
        "the same with the mean norm restored, alike; and with the largest norm restored, in which all colours are "
        "glaring and far from the mean colour.",
    )


def clusters(image: Tensor, x: Tensor, made: Aggregation, *, temperature: float) -> Shown:
    """Draw the members of one cluster over the grey image, with a slider from the largest cluster to small ones.

    Parameters
    ----------
    image, x
        (3, H, W), and its tokens (1, N, C).
    made
        What DTA made of them.
    temperature
        Of the weights, tau; a member is the darker, the larger its weight.
    """
    order = made.counts[0].argsort(descending=True, stable=True)[: int((made.counts[0] > 0).sum())]
    weights = merging_weights(x[0], made, temperature=temperature)
    drawn, notes = {}, {}
    for rank in (rank for rank in RANKS if rank <= len(order)):
        cluster = int(order[rank - 1])
        members = (made.assignment[0] == cluster).nonzero().flatten()
        painted = painted_members(image, members, weights[members])
        drawn[f"{rank}"] = painted_center(painted, int(made.centers[0, cluster]))
        count = 1 / float(weights[members].square().sum())
        notes[f"{rank}"] = f"{len(members):,} members become one token; as if {count:,.0f} had equal weights."
    return show(
        picture_slider(drawn, name="cluster, by size", start="2" if "2" in drawn else "1", notes=notes),
        alt="The photograph in grey. The members of one cluster are orange, darker where their weight is larger, and a "
        "blue cross is its centre. A slider goes from the largest cluster to smaller ones. "
        + " ".join(f"Cluster {rank}: {note}" for rank, note in notes.items()),
    )


def weighing(taus: Sequence[float], counting: Sequence[Tensor], likeness: Sequence[Tensor], counts: Tensor) -> Shown:
    """Draw how near the weighted tokens are to plain means, against the temperature.

    Parameters
    ----------
    taus
        Temperatures.
    counting, likeness
        For each temperature, by cluster (1, K): the share of members that count, and the cosine to the plain mean.
    counts
        (1, K) sizes of the clusters; the slider takes the mean over those of a least size.
    """
    steps, notes, usual = {}, {}, list(taus).index(0.1)
    for least in (least for least in LEAST if (counts >= least).any()):
        kept = counts >= least
        steps[f"{least}"] = {
            "share of members that count": Series(taus, [float(values[kept].mean()) for values in counting]),
            "cosine to the plain mean": Series(taus, [float(values[kept].mean()) for values in likeness]),
        }
        notes[f"{least}"] = (
            f"{int(kept.sum())} clusters of {least} tokens or more. At τ = 0.1, {counting[usual][kept].mean():.0%} "
            f"of the members count; cosine {likeness[usual][kept].mean():.4f}."
        )
    axes = {"x": Axis("temperature τ", log=True), "y": Axis("1: as in the plain mean", span=(0, 1.02))}
    return show(
        lines_slider(steps, name="least size", start=list(steps)[min(1, len(steps) - 1)], notes=notes, **axes),
        alt="Share of members that count, and cosine between the merged token and the plain mean, against the "
        "temperature. Both rise to 1; at a temperature of 0.1 most members count, and the cosine is 1 to within the "
        "line's width. " + " ".join(notes.values()),
    )


@styled
def lengths(counts: Tensor, restored: Mapping[str, Tensor]) -> Shown:
    """Draw the lengths of the tokens (K, C) restored in the ways "none", "mean" and "max", against the sizes (K,)."""
    some = counts > 0
    sizes = counts[some]
    norm = {way: tokens[some].norm(dim=1) for way, tokens in restored.items()}
    lost = 1 - norm["none"] / norm["mean"].clamp_min(1e-6)
    figure, (left, right) = panels(2, 0.75)
    _dots(left, sizes, norm["none"], BLUE, "o", "none: as averaged")
    _dots(left, sizes, norm["max"], VERMILLION, "^", "max: as restored")
    left.set(title="length of each cluster's token", ylabel="length", ylim=(0, 1.25 * float(norm["max"].max())))
    left.legend(loc="upper left", ncols=2, handletextpad=0.1, columnspacing=1)
    _dots(right, sizes, lost, GREEN, "s", "")
    right.set(title="length lost by averaging, which mean gives back", ylabel="share of the members' mean length")
    right.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    for ax in (left, right):
        ax.set(xscale="log", xlabel="tokens in the cluster")
    return show(
        figure,
        alt="Two scatter plots against the size of the cluster. Left, the length of its token: averaged tokens spread "
        f"from {norm['none'].min():.2f} to {norm['none'].max():.2f}; restored by max all lie on one line at "
        f"{norm['max'].max():.2f}. Right, the share of length that averaging took: {lost.median():.1%} in the median, "
        f"from {lost.min():.0%} to {lost.max():.0%}.",
    )


def _dots(ax: Axes, sizes: Tensor, values: Tensor, color: str, marker: str, name: str) -> None:
    ax.scatter(sizes.numpy(), values.numpy(), s=14, color=color, marker=marker, alpha=0.7, label=name)


def changes_table(changes: Mapping[str, Sequence[float]], names: Sequence[str]) -> str:
    """Return a table of changes of the PSNR in dB, a row for each variant; one change for each photograph in names."""
    rows = []
    for variant, values in changes.items():
        change = torch.as_tensor(values)
        low, high = (f"{change[i]:+.3f} ({names[i]})" for i in (int(change.argmin()), int(change.argmax())))
        rows.append((variant, f"{change.mean():+.3f}", low, high, int((change < 0).sum())))
    head = ("variant", "change of the mean (dB)", "lowest change", "highest change", "photographs that get worse")
    return table(head, rows)


def length_table(tokens: Mapping[str, Aggregation]) -> str:
    """Return a table of the shortest, median and longest aggregated token, by name; empty clusters do not count."""
    rows = []
    for name, made in tokens.items():
        length = made.tokens[0, made.counts[0] > 0].norm(dim=1)
        rows.append((name, *(f"{value:.2f}" for value in (length.min(), length.median(), length.max()))))
    return table(("tokens", "shortest", "median", "longest"), rows)
