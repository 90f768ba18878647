"""*Do deep layers look at edges?*: whether the centres of deeper layers lie at edges, as Fig. D of the paper suggests.

Shapes: L layers, I photographs, D draws of the sample, K centres. Centres are what
:func:`satlib.analysis.edges.layer_centers` gives, by the kind of network: I tensors (D, L, K).
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from satlib.analysis import edges
from satlib.analysis.statistics import Interval, interval
from satlib.analysis.tracing import LayerTrace
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import layer_centers
from satlib.figures.kit.lines import Axis, Series, lines, lines_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.sliders import selection_slider
from satlib.support.tables import table

Centers = Mapping[str, Sequence[Tensor]]


def by_group(image: Tensor, traced: Mapping[str, Sequence[LayerTrace]]) -> Shown:
    """Draw the centres of the last SAA layer of each group, a row for each network: the paper's Fig. D."""
    panels: dict[str, Aggregation] = {}
    for kind, layers in traced.items():
        last = {layer.group: layer for layer in layers}
        panels |= {f"group {group + 1}, {kind}": layer.aggregation for group, layer in last.items()}
    kinds = " and ".join(traced)
    return show(
        layer_centers(image, panels),
        alt=f"Copies of the photograph with the centres of the last SAA layer of each group, for the {kinds} network. "
        "The untrained network's centres gather at edges and texture in all groups.",
    )


def by_layer(image: Tensor, layers: Sequence[LayerTrace]) -> Shown:
    """Draw the choice of each layer of one network, with a slider."""
    on_edge = edges.gradient_rank(image) > 0.9
    steps, notes = {f"{i + 1}": layer.aggregation for i, layer in enumerate(layers)}, {}
    for name, r in steps.items():
        centers, sampled = (on_edge[tokens[0]].double().mean() for tokens in (r.centers, r.sample))
        notes[name] = (
            f"Layer {name}: {centers:.0%} of the centres lie on the tenth of the pixels with the strongest gradient, "
            f"and {sampled:.0%} of the sampled tokens do."
        )
    return show(
        selection_slider(image, steps, name="layer", start="1", notes=notes),
        alt="The photograph with sampled tokens and the centres of one layer of the trained network. "
        + " ".join(notes.values()),
    )


def on_edges(centers: Centers, photos: Sequence[Tensor]) -> Shown:
    """Draw how much more often than by chance centres lie on edge pixels, by layer; a slider says what an edge is."""
    steps, notes = {}, {}
    for share in (0.05, 0.1, 0.2, 0.3):
        found = {kind: interval(edges.edge_shares(c, photos, share=share) / share) for kind, c in centers.items()}
        steps[f"{share:.0%}"] = by_depth(found)
        first, deep = (found["trained"].mean[i] for i in (0, -1))
        notes[f"{share:.0%}"] = f"Trained: {first:.2f} times chance in the first layer, {deep:.2f} times in the last."
    axes = {"x": Axis("SAA layer"), "y": Axis("centres on edges, by chance 1")}
    return show(
        lines_slider(steps, name="edge pixels", start="10%", notes=notes, **axes),
        alt="How many times more often than by chance centres lie on edge pixels, by layer, for the trained and the "
        "untrained network, with intervals and a line at 1. The untrained network's line is flat, far above it. "
        + " ".join(f"Edge pixels {share}: {note}" for share, note in notes.items()),
    )


def by_depth(found: Mapping[str, Interval]) -> dict[str, Series]:
    """Return lines over the layers, with intervals (L,), and a reference at 1."""
    depth = list(range(1, len(next(iter(found.values())).mean) + 1))
    return {kind: _line(depth, i) for kind, i in found.items()} | {
        "chance": Series([1, len(depth)], [1, 1], reference=True)
    }


def _line(x: Sequence[float], values: Interval) -> Series:
    """Return a line through means (n,), with their intervals."""
    return Series(x, values.mean.tolist(), values.low.tolist(), values.high.tolist())


def tenths(centers: Centers, photos: Sequence[Tensor]) -> Shown:
    """Draw how often centres lie in each tenth of the pixels, ordered by gradient, with a slider over the layers."""
    found = {kind: interval(edges.decile_shares(c, photos)) for kind, c in centers.items()}  # (10, L)
    rank, chance = list(range(1, 11)), {"chance": Series([1, 10], [1, 1], reference=True)}
    smooth = found["trained"].mean[:5].mean(0) / 2  # share of the centres in the smoother half of the image, (L,)
    steps, notes = {}, {}
    for i, share in enumerate(smooth):
        drawn = {kind: _line(rank, Interval(*(ends[:, i] for ends in t))) for kind, t in found.items()}
        steps[f"{i + 1}"] = drawn | chance
        notes[f"{i + 1}"] = f"Layer {i + 1}, trained: {share:.0%} of the centres lie in the smoother half."
    axes = {"x": Axis("tenth of the pixels, strongest gradient last"), "y": Axis("centres, by chance 1")}
    return show(
        lines_slider(steps, name="layer", start="1", notes=notes, **axes),
        alt="Relative frequency of centres in each tenth of the pixels, ordered by gradient, for the trained and the "
        "untrained network. In the first layer both rise from far below 1 to far above it. " + " ".join(notes.values()),
    )


def spread(centers: Centers, photos: Sequence[Tensor]) -> Shown:
    """Draw the share of K equal cells that have a centre in them, by layer."""
    cover = {kind: interval(edges.cell_shares(c, photos)) for kind, c in centers.items()}
    k, n_layers = centers["trained"][0].shape[-1], len(cover["trained"].mean)
    drawn = {kind: _line(range(1, n_layers + 1), i) for kind, i in cover.items()}
    drawn["placed blindly"] = Series([1, n_layers], [1 - (1 - 1 / k) ** k] * 2, reference=True)
    first, deep = (cover["trained"].mean[i] for i in (0, -1))
    note = f"Trained: {first:.0%} of the cells have a centre in the first layer, {deep:.0%} in the last"
    return show(
        lines(drawn, x=Axis("SAA layer"), y=Axis("cells with a centre", digits=".0%"), note=note),
        alt="Share of K equal cells that have a centre in them, by layer, for the trained and the untrained network, "
        f"with intervals, and a dashed line for centres placed blindly, above both. {note}.",
    )


def change_table(on_edges: Mapping[str, Tensor], in_cells: Mapping[str, Tensor]) -> str:
    """Return a table of changes (I, D) from one layer to another, in percentage points, a row for each network."""
    head = ("network", "centres on edges", "photographs with fewer", "cells with a centre")
    rows = []
    for kind, change in on_edges.items():
        fewer = f"{int((change.mean(1) < 0).sum())} of {len(change)}"
        rows.append((kind, _points(change), fewer, _points(in_cells[kind])))
    return table(head, rows)


def _points(change: Tensor) -> str:
    mean, low, high = (100 * float(value) for value in interval(change))
    return f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"


def worth_table(loss: Tensor, on_edges: Tensor) -> str:
    """Return a table of what silencing a layer costs (I, L), in dB, beside its share of centres on edges (L,)."""
    head = ("layer", "worth, dB", "mean change, either sign", "photographs that lose", "centres on edge pixels")
    rows = [
        (i + 1, f"{d.mean():+.3f}", f"{d.abs().mean():.3f}", f"{int((d > 0).sum())} of {len(d)}", f"{on_edges[i]:.1%}")
        for i, d in enumerate(loss.T)
    ]
    return table(head, rows)


def reach_table(centers: Sequence[Tensor], photos: Sequence[Tensor]) -> str:
    """Return a table of the centres on edge pixels, by chance 1, if a pixel beside an edge counts like the edge."""
    rows = []
    for reach in (0, 1, 2, 4):
        found = interval(edges.edge_shares(centers, photos, reach=reach) / 0.1)
        rows.append((reach, *(f"{found.mean[i]:.2f} ({found.low[i]:.2f} to {found.high[i]:.2f})" for i in (0, -1))))
    return table(("reach", "first layer", "last layer"), rows)
