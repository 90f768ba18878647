"""Chapter 5: which tokens become centres, their scores, the clusters, and what the knobs change.

All take one image (3, H, W) and what DTA chose on it, an ``Aggregation`` with a batch of one.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from satlib.analysis import sample_quality
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import centers_on_image, decision_graph, score_maps
from satlib.figures.dta.clusters import cluster_maps
from satlib.figures.kit.show import Shown, show
from satlib.figures.kit.sliders import selection_slider
from satlib.support.tables import table


def chosen(image: Tensor, result: Aggregation) -> Shown:
    """Draw the image alone, with the sampled tokens, and with the centres."""
    return show(
        centers_on_image(image, result),
        alt="Three copies of the photograph at low resolution: as it is; with "
        f"{result.sample.shape[1]} sampled tokens spread evenly over it; and with the {result.centers.shape[1]} chosen "
        "centres, most of them where colours change.",
    )


def scores(image: Tensor, result: Aggregation) -> Shown:
    """Draw maps of density, separation and score."""
    delta = result.separation[0].sort(descending=True).values
    return show(
        score_maps(image, result),
        alt="Three maps of the photograph. Density is close to 1 in smooth areas and low along edges and in texture. "
        "Separation, on a logarithmic scale, is the opposite, and the score looks like the separation; dots on it are "
        "the centres, nearly all in its bright parts. A ring marks the densest token: its separation is "
        f"{delta[0]:.2f}, that of the next one {delta[:2][-1]:.2f}.",
    )


def graph(result: Aggregation) -> Shown:
    """Draw separation against density, with the curve above which tokens become centres."""
    return show(
        decision_graph(result),
        alt=f"Scatter plot of separation against density of {result.sample.shape[1]} sampled tokens. The "
        f"{result.centers.shape[1]} centres, triangles, lie above a slowly falling dashed curve. The densest tokens "
        "reach down to separation zero; few points stand out at the top right.",
    )


def clusters(image: Tensor, result: Aggregation) -> Shown:
    """Draw the clusters: each in its mean colour, the five largest, and the sizes of all."""
    sizes = result.counts[0][result.counts[0] > 0]
    return show(
        cluster_maps(image, result),
        alt="Left: the photograph with each cluster in its mean colour is hard to tell from the original. Middle: the "
        f"five largest clusters cover the smooth areas. Right: cluster sizes fall from {int(sizes.max()):,} tokens to "
        f"{int(sizes.min())}.",
    )


def more_sampled(image: Tensor, by_beta: Mapping[float, Aggregation], everything: Aggregation) -> Shown:
    """Draw the choice with a slider over beta; ``everything`` is the choice among all tokens."""
    steps = {f"{beta:g}": result for beta, result in by_beta.items()}
    notes = {
        beta: f"{r.sample.shape[1]:,} tokens are sampled; of the {r.centers.shape[1]} centres, "
        f"{sample_quality.overlap(r.centers[0], everything.centers[0]):.0%} are also chosen with S = N."
        for beta, r in steps.items()
    }
    return show(
        selection_slider(image, steps, name="β", start="4", notes=notes),
        alt="The photograph with sampled tokens as small dots and centres as large ones. With a larger beta more "
        f"tokens are sampled, and the same number of centres moves closer to the edges. {said(notes, 'β')}",
    )


def more_kept(image: Tensor, by_ratio: Mapping[float, Aggregation]) -> Shown:
    """Draw the choice with a slider over the keep ratio."""
    steps = {f"{100 * ratio:g} %": result for ratio, result in by_ratio.items()}
    notes = {
        ratio: f"{r.centers.shape[1]} centres are chosen out of {r.sample.shape[1]:,} sampled tokens; the largest "
        f"cluster holds {r.counts.max() / r.assignment.shape[1]:.0%} of the image."
        for ratio, r in steps.items()
    }
    return show(
        selection_slider(image, steps, name="K / N", start="3 %", notes=notes),
        alt="The photograph with sampled tokens as small dots and centres as large ones. With a larger keep ratio more "
        f"tokens become centres, along edges first. {said(notes, 'K / N')}",
    )


def four_ways(image: Tensor, by_way: Mapping[str, Aggregation], everything: Aggregation) -> Shown:
    """Draw the choice with a slider over ways to sample; ``everything`` is the choice among all tokens."""
    notes = {}
    for way, r in by_way.items():
        gap = sample_quality.distance_to_nearest(r.sample[0], (image.shape[1], image.shape[2]))
        missed = 1 - sample_quality.coverage(r.sample[0], everything.assignment[0])
        notes[way] = f"Farthest pixel: {gap.max():.1f} from a sampled one. Clusters without a sample: {missed:.0%}."
    return show(
        selection_slider(image, by_way, name="sampling", start=next(iter(by_way)), notes=notes),
        alt="The photograph with sampled tokens as small dots and centres as large ones, for several ways to sample. "
        f"The centres follow the same edges in all. {said(notes, 'sampling')}",
    )


def said(notes: Mapping[str, str], name: str) -> str:
    """Return the notes of a slider as sentences, for an alternative text."""
    return " ".join(f"{name} = {label}: {note}" for label, note in notes.items())


def shared_table(draws: Mapping[str, Sequence[Aggregation]]) -> str:
    """Return a table of what draws share, two by two: sampled tokens and centres, by the name of the settings."""
    rows = []
    for name, made in draws.items():
        pairs = list(zip(made[::2], made[1::2], strict=True))
        tokens = torch.tensor([sample_quality.overlap(a.sample[0], b.sample[0]) for a, b in pairs])
        same = torch.tensor([sample_quality.overlap(a.centers[0], b.centers[0]) for a, b in pairs])
        rows.append((name, f"{tokens.mean():.1%}", f"{same.mean():.1%} ± {same.std():.1%}"))
    return table(("settings", "sampled tokens", "centres"), rows)
