"""The page on one's own data: what recipes say, what long runs cost, and what fits from another scale, as tables."""

from collections.abc import Mapping, Sequence

from satlib.complexity import complexity
from satlib.config import SATConfig
from satlib.network.model import SAT
from satlib.support.tables import table
from satlib.training import TrainConfig, first_weights

FIELDS = ("steps", "milestones", "batch", "patch", "learning_rate", "betas", "weight_decay", "ema", "clip", "seed")


def recipes(plans: Mapping[str, TrainConfig], fields: Sequence[str] = FIELDS) -> str:
    """Return a table of the fields of some recipes, a column each."""
    rows = [(f"`{name}`", *(_cell(getattr(plan, name)) for plan in plans.values())) for name in fields]
    return table(("", *plans), rows)


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_cell, value)) or "–"
    return "–" if value is None else f"{value:,}"


def fresh() -> str:
    """Return a table of the weights of each upsampler that a x3 or x4 network does not find in a x2 network."""
    rows = []
    for upsampler in ("classic", "onestep"):
        made = {s: SAT(SATConfig.preset("sat-light", s, groups=(1,), upsampler=upsampler)) for s in (2, 3, 4)}
        names = (first_weights.adopt(made[s], made[2]) for s in (3, 4))
        rows.append((upsampler, *(", ".join(f"`{name}`" for name in missing) for missing in names)))
    return table(("upsampler", "×3", "×4"), rows)


def work(plan: TrainConfig) -> tuple[int, int]:
    """Return the multiply-adds of one patch of SAT forwards, and of a whole run: backwards takes twice as many.

    Raises
    ------
    ValueError
        If another network is trained.
    """
    network = plan.network
    if not isinstance(network, SATConfig):
        raise ValueError(f"network must be a SATConfig, got {network!r}")
    patch = complexity(network, (network.scale * plan.patch, network.scale * plan.patch)).total
    return patch, 3 * patch * plan.batch * plan.steps


def costs(plans: Mapping[str, TrainConfig], speed: float) -> str:
    """Return a table of what runs cost; ``speed`` is in operations a second, two for each multiply-add."""
    rows = []
    for name, plan in plans.items():
        patch, total = work(plan)
        hours = 2 * total / speed / 3600
        counts = f"{patch / 1e9:,.2f}", f"{total / 1e15:,.{0 if total > 1e17 else 4}f}"
        seen = f"{plan.batch * plan.steps / 1e6:,.4g}"
        rows.append((name, *counts, seen, f"{hours:,.1f}" if hours > 0.1 else "below 0.1"))
    head = ("run", "one patch, 10⁹", "whole run, 10¹⁵", "patches, millions", "hours")
    return table(head, rows, align="lr")
