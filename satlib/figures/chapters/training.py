"""Chapter 14: a run's curves, recipes, what the network makes of a photograph, and its centres before and after."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from satlib import samples
from satlib.analysis.tracing import LayerTrace
from satlib.dta.aggregation import Aggregation
from satlib.figures.dta.centers import layer_centers
from satlib.figures.kit.narrow import narrowed
from satlib.figures.kit.show import Shown, show
from satlib.figures.quality import scores
from satlib.figures.quality.scores import Pixels
from satlib.figures.training import curves
from satlib.figures.training.curves import Rows
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.support.tables import table
from satlib.training import TrainConfig
from satlib.training.validation import Example

SIDE = 64
"""Pixels of the box that is shown of a photograph."""


def run(log: Rows, validations: Rows, bicubic: float) -> Shown:
    """Draw the loss and the PSNR of a run against the step; ``bicubic`` is that of bicubic interpolation, in dB."""
    return show(
        curves.run_curves(log, validations, {"bicubic": bicubic}),
        alt=f"Two curves against the step. Above, the loss, from {log[0]['loss']:.3f} to {log[-1]['loss']:.3f}, with "
        f"some noise. Below, the PSNR of the held-out photographs, from {validations[0]['psnr']:.1f} dB to "
        f"{validations[-1]['psnr']:.1f} dB; a dashed line shows bicubic interpolation at {bicubic:.1f} dB.",
    )


def passed(validations: Rows, bicubic: float) -> str:
    """Return a sentence that says from which validation on a network is better than bicubic interpolation."""
    steps = [row["step"] for row in validations if row["psnr"] > bicubic]
    return f"It is better than bicubic interpolation from step {steps[0]:,} on." if steps else "It is below bicubic."


def schedules(panels: Sequence[Mapping[str, TrainConfig]]) -> Shown:
    """Draw the learning rate of recipes over the steps, a panel for each mapping."""
    said = [
        f"{name}: {plan.learning_rate:g} at most, {_fall(plan)} in {plan.steps:,} steps."
        for recipes in panels
        for name, plan in recipes.items()
    ]
    return show(
        curves.schedules(panels),
        alt=f"{len(panels)} panels of the learning rate against the step. {' '.join(said)}",
    )


def _fall(plan: TrainConfig) -> str:
    if plan.schedule == "cosine":
        return f"after a warm-up of {plan.warmup} steps down to zero along a cosine"
    return f"times {plan.decay:g} at {len(plan.milestones)} milestones"


def qualities(examples: Sequence[Example], quality: Mapping[str, Sequence[float]]) -> str:
    """Return a table of PSNR in dB: a row for each photograph and for the mean, a column for each output."""
    rows = [
        (example.name, *(f"{value:.2f}" for value in values))
        for example, *values in zip(examples, *quality.values(), strict=True)
    ]
    rows.append(("**mean**", *(f"**{np.mean(values):.2f}**" for values in quality.values())))
    return table(("photograph", *quality), rows)


def shown_of(examples: Sequence[Example], scale: int) -> tuple[Example, str]:
    """Return an example that may be shown, a sample photograph, and a sentence that says whether validation saw it."""
    seen = [example for example in examples if example.name in samples.names()]
    if seen:
        return seen[-1], "One of the photographs that validation saw."
    hr = crop_to_multiple(np.asarray(samples.load("coffee")), scale)
    instead = "The photographs of this validation may not be shown; so a sample photograph, which validation never saw."
    return Example("coffee", downscale(hr, scale), hr), instead


def crops(example: Example, outputs: Mapping[str, Pixels], scale: int) -> Shown:
    """Draw outputs in the box where the error of the first of them is largest, beside the photograph."""
    box = scores.hardest_box(example.hr, next(iter(outputs.values())), SIDE)
    return show(
        scores.crops(example.hr, outputs, box, border=scale),
        alt=f"The photograph {example.name!r} with a box in it, and what is in the box: in the photograph, and in "
        f"{', '.join(outputs)}. The network begins with a blurred picture and then draws edges more sharply.",
    )


def centers(image: Tensor, traced: Mapping[str, Sequence[LayerTrace]]) -> Shown:
    """Draw the centres of the first, a middle and the last group of each network, a row for each."""
    panels: dict[str, Aggregation] = {}
    for name, layers in traced.items():
        found = {layer.group: layer.aggregation for layer in layers}  # the last layer of each group
        chosen = sorted({min(found), sorted(found)[len(found) // 2], max(found)})
        panels |= {f"{name}, group {group + 1}": found[group] for group in chosen}
    by_group = sorted(panels, key=lambda title: int(title.rsplit(" ", 1)[1]))  # where two stand in a row, of one group
    return show(
        layer_centers(image, panels),
        narrow=narrowed(layer_centers(image, {title: panels[title] for title in by_group})),
        alt=f"The photograph with the centres of the network's groups, a row each: {', '.join(traced)} training.",
    )
