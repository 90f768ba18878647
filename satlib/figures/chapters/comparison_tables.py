"""Chapters 15 and 16, tables: what evaluations found, set by set, what it costs, and what is gained or lost."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from satlib.complexity import complexity
from satlib.config import SATConfig
from satlib.evaluation import Evaluation, published_rows
from satlib.evaluation.crops import Square
from satlib.network.model import SAT
from satlib.results import paper
from satlib.support.tables import table
from satlib.upscaling.models import Upscaler

Squares: TypeAlias = Mapping[tuple[int, str, str], Sequence[Square]]
"""By scale, network and photograph."""


def published(found: Sequence[Evaluation]) -> str:
    """Return a table of the means of evaluations at one scale, set by set, and of what is published of each set."""
    scale, rows = found[0].protocol.scale, []
    for data in dict.fromkeys(one.data for one in found):
        rows += [(data, one.model, f"**{both(one.psnr, one.ssim)}**") for one in found if one.data == data]
        printed = published_rows(Path(data), scale).items()
        rows += [(data, name, both(values["psnr"], values["ssim"])) for name, values in printed if "psnr" in values]
        if data == "Set5":
            light = paper.table("light").where({"scale": scale})
            rows += [
                (data, f"{row['method']}, as the PFT paper gives it", both(row["Set5 PSNR"], None)) for row in light
            ]
    return table(("set", "model", f"PSNR in dB / SSIM, ×{scale}"), rows)


def gains(values: Mapping[tuple[str, str], Sequence[float]]) -> str:
    """Return a table of gains in dB by data and model: mean, smallest, largest, and on how many images there is one."""
    rows = []
    for (data, model), found in values.items():
        numbers = (f"{number:+.2f}" for number in (np.mean(found), min(found), max(found)))
        rows.append((data, model, *numbers, f"{sum(gain > 0 for gain in found)} of {len(found)}"))
    return table(("data", "model", "mean, dB", "smallest", "largest", "images with a gain"), rows, align="llr")


def costs(models: Mapping[str, Upscaler | SATConfig]) -> str:
    """Return a table of weights and multiply-adds at an output of 1280 x 640; of others than SAT of weights alone."""
    rows = []
    for name, model in models.items():
        config = model.config if isinstance(model, SAT) else model
        if isinstance(config, SATConfig):
            cost = complexity(config)
            rows.append((name, f"{cost.params['total']:,}", f"{cost.total / 1e9:,.0f}"))
        else:
            rows.append((name, f"{config.n_params:,}", "–"))
    return table(("model", "weights", "multiply-adds, 10⁹"), rows, align="lr")


def error_shares(errors: Mapping[tuple[int, str], Sequence[tuple[float, float]]]) -> str:
    """Return a table of where the squared error is.

    ``errors`` has for each scale and model a pair for each photograph: the error at edges, and all of it. Errors are
    given as parts of bicubic interpolation's at the same scale.
    """
    rows = []
    for (scale, model), values in errors.items():
        (edges, whole), base = np.array(values).T, np.array(errors[scale, "bicubic"]).T
        rest = (whole - edges) / (base[1] - base[0])
        parts = (f"{(edges / base[0]).mean():.2f}", f"{rest.mean():.2f}")
        rows.append((f"×{scale}", model, f"{(edges / whole).mean():.0%}", *parts))
    return table(("scale", "model", "share at edges", "error at edges", "error elsewhere"), rows, align="llr")


def lost_squares(squares: Squares) -> str:
    """Return a table of the squares in which each network loses, halved by their gradient, and the largest loss."""
    rows = []
    for scale, label in sorted({key[:2] for key in squares}):
        found = [(s, key[2]) for key, several in squares.items() if key[:2] == (scale, label) for s in several]
        middle = np.median([s.energy for s, _ in found])
        halves = [sum(s.gain < 0 for s, _ in found if (s.energy > middle) == half) for half in (False, True)]
        worst, where = min(found, key=lambda pair: pair[0].gain)
        loss = f"{worst.gain:+.2f} dB, {where}, row {worst.box[0]}, column {worst.box[1]}"
        rows.append((f"×{scale}", label, len(found), *halves, loss))
    head = ("scale", "network", "squares", "lost, weaker half", "lost, stronger half", "largest loss")
    return table(head, rows)


def taking_part(models: Iterable[tuple[str, Upscaler, str]]) -> str:
    """Return a table of networks, given by name, network and architecture."""
    rows = [(name, architecture, f"×{model.scale}", f"{model.n_params:,}") for name, model, architecture in models]
    return table(("name", "architecture", "scale", "parameters"), rows, align="lllr")


def both(psnr: object, ssim: object) -> str:
    """Return PSNR and SSIM as a cell; a dash for what is not known."""
    return " / ".join(
        f"{value:.{digits}f}" if isinstance(value, (int, float)) else "–" for value, digits in ((psnr, 2), (ssim, 4))
    )
