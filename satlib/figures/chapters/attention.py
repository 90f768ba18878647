"""The pictures of chapter 8: what queries read in the layers of selective aggregation attention.

Shapes: H x W tokens, N = H*W, Q queries, K aggregated tokens.
"""

from collections.abc import Mapping, Sequence

from torch import Tensor

from satlib.analysis.attention_maps import Attended
from satlib.complexity import Complexity
from satlib.figures.kit.picture_sliders import reading_slider
from satlib.figures.kit.show import Shown, show
from satlib.figures.network.attention import read_boxes, relative_maps, tokens_read
from satlib.results import paper
from satlib.support.tables import table


def queries(image: Tensor, seen: Attended, typical: Attended) -> Shown:
    """Draw how a few queries differ in one layer: the weights of tokens over their mean for ``typical`` queries.

    Parameters
    ----------
    image
        (3, H, W) in [0, 1].
    seen, typical
        What the queries of the picture, and queries spread over the image, read in the same layer.
    """
    weights = seen.weights.mean(0)  # (Q, K), the mean of the heads
    ratio = weights / typical.weights.mean((0, 1))
    maps = ratio[:, seen.layer.aggregation.assignment[0]].unflatten(1, image.shape[1:])
    spans = "; ".join(
        f"query {number} from {one.min():.2f} to {one.max():.2f} times" for number, one in enumerate(maps, 1)
    )
    pairs = weights.corrcoef() if len(weights) > 1 else weights.new_ones(1, 1)
    return show(
        relative_maps(image, seen.queries, maps),
        alt=f"The photograph with {len(maps)} numbered stars, and for each a map of what it reads more than other "
        f"queries do, in orange, and less, in purple. Against the mean query read: {spans}. The lowest correlation of "
        f"two queries' weights is {pairs.min():.2f}.",
    )


def most_read(image: Tensor, seen: Attended, head: int = 0) -> Shown:
    """Draw the five tokens that the first query reads most in one head, and all of its weights in order."""
    top = seen.weights[head, 0].argsort(descending=True)[:5]
    members = ", ".join(str(n) for n in seen.layer.aggregation.counts[0, top].tolist())
    return show(
        tokens_read(image, seen, head),
        alt="Left: the photograph in pale grey with a star, and in five colours the pixels of the five clusters that "
        f"the query reads most, with {members} pixels. Right: attention weights in falling order, and a dashed line "
        "where all would be alike.",
    )


def layers(seen: Sequence[Attended], start: int) -> Shown:
    """Draw how much the first query reads each pixel, as a mean of the heads, with a slider over the layers.

    ``start`` is the layer, from 0, that is shown first.
    """
    maps = {str(number): _first_query(one) for number, one in enumerate(seen, 1)}
    notes = {}
    for (name, weights), one in zip(maps.items(), seen, strict=True):
        tenth = weights.flatten().topk(max(1, weights.numel() // 10)).values.sum()
        notes[name] = (
            f"Layer {name}: {one.read()[:, 0].mean():.0f} of {one.weights.shape[2]} tokens are read; a tenth of the "
            f"pixels has {tenth:.0%} of the weight."
        )
    return show(
        reading_slider(maps, _place(seen[0]), name="layer", start=str(start + 1), notes=notes),
        alt="Map of how much the first query reads each pixel, from purple for little over white to orange for much, "
        "with a slider over the layers. " + " ".join(notes.values()),
    )


def choosiness(many: Sequence[Attended]) -> Shown:
    """Draw how many aggregated tokens queries read: a box for each layer and head."""
    n_tokens = many[0].weights.shape[2]
    read = {
        f"layer {number}, head {head}": values.tolist()
        for number, one in enumerate(many, 1)
        for head, values in enumerate(one.read(), 1)
    }
    medians = "; ".join(f"{name} {sorted(values)[len(values) // 2]:.0f}" for name, values in read.items())
    return show(
        read_boxes(read, n_tokens),
        alt=f"Boxes of how many of {n_tokens} aggregated tokens {len(many[0].queries)} queries read, for each layer "
        f"and head. Medians: {medians}.",
    )


def size_bias(without: Attended, biased: Attended) -> Shown:
    """Draw how much the first query reads each pixel in one layer, without and with log n in its logits."""
    rules = {"as trained": without, "with size bias": biased}
    notes = {}
    for rule, one in rules.items():
        counts = one.layer.aggregation.counts[0]
        largest = counts.topk(min(5, len(counts))).indices
        notes[rule] = (
            f"The largest clusters, {counts[largest].sum() / counts.sum():.0%} of the pixels, get "
            f"{one.weights[:, 0, largest].sum(-1).mean():.1%} of the weight."
        )
    maps = {rule: _first_query(one) for rule, one in rules.items()}
    return show(
        reading_slider(maps, _place(without), name="rule", start="as trained", notes=notes),
        alt="Map of how much the first query reads each pixel, from purple for little over white to orange for much, "
        "with a slider over two rules. " + " ".join(f"{rule}: {note}" for rule, note in notes.items()),
    )


def ratio_table(costs: Mapping[float, Complexity]) -> str:
    """Return a table of the costs of a network by its ratio r_c, beside the PSNR of Table D."""
    rows = []
    for ratio, cost in costs.items():
        psnr = paper.table("D").number({"r_c": ratio}, "Set5 PSNR")
        products = [f"{cost.macs[stage] / 1e9:.1f}" for stage in ("SAA QK^T", "SAA AV")]
        rows.append((ratio, psnr, f"{cost.params['total'] / 1e3:.0f}", *products))
    return table(("ratio $r_c$", "Set5 PSNR, Table D", "params (K)", "$QK'^\\top$ (G)", "$AV'$ (G)"), rows, align="lr")


def _first_query(one: Attended) -> Tensor:
    """Return the weight of each pixel for the first query, (H, W), as a mean of the heads."""
    return one.pixels()[:, 0].mean(0).view(one.layer.grid)


def _place(one: Attended) -> tuple[int, int]:
    """Return row and column of the first query."""
    return divmod(int(one.queries[0]), one.layer.grid[1])
