"""The measured numbers of README.md and MODEL_CARD.md are those of the files that the measuring programs wrote."""

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from satlib.evaluation.records import recorded
from satlib.figures.chapters.real_photographs import margins
from satlib.results import test_sets, timings
from satlib.training.journal import read_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CARD = (ROOT / "MODEL_CARD.md").read_text()
TIMED = {
    "token aggregation, 40 channels": "aggregation, C=40, 128x128",
    "selective aggregation attention, 40 channels, with backward pass": "SAA with backward, C=40, 128x128",
    "body of `sat-light`": "sat-light body, 128x128",
}


def means(scale: int, model: str) -> list[str]:
    """Return "PSNR / SSIM" on Set5 and Set14, as recorded beside the weights."""
    content = json.loads((files("satlib") / "weights" / f"sat-tiny-x{scale}.json").read_text())
    found: dict[tuple[str, str], dict[str, Any]] = {(r["model"], r["data"]): r["mean"] for r in content["evaluations"]}
    pairs = (found[model, data] for data in ("Set5", "Set14"))
    return [f"{mean['psnr']:.3f} / {mean['ssim']:.4f}" for mean in pairs]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_quality_is_what_was_recorded(scale: int) -> None:
    for model, label in (("bicubic", f"bicubic x{scale}"), (f"sat-tiny-x{scale}", f"`sat-tiny-x{scale}`")):
        values = " | ".join(means(scale, model))
        assert f"| {label} | {values} |" in README
        assert f"| x{scale} | `{model}` | {values} |" in CARD


def test_the_card_has_what_was_measured_of_the_network_for_real_photographs() -> None:
    assert margins(test_sets.results("degraded")["rows"]) in CARD
    found = {one.data: one for one in recorded("sat-tiny-real-x2") if one.model == "sat-tiny-real-x2"}
    set5, set14 = (f"{found[data].psnr:.3f} / {found[data].ssim:.4f}" for data in ("Set5", "Set14"))
    assert f"| x2 | `sat-tiny-real-x2` | {set5} | {set14} |" in CARD


def test_the_first_minutes_are_what_the_stop_watch_says() -> None:
    seconds = timings.results("newcomer")["seconds"]
    assert f"it took {seconds['a knob has changed it']:.0f} seconds" in README


def test_the_card_says_what_the_last_layers_do() -> None:
    last = [layer for row in test_sets.results("reports")["rows"] for layer in row["layers"][-2:]]
    share, lost = (max(layer[key] for layer in last) for key in ("share", "zeroed"))
    words = f"is {share:.1%} at most of what it is added to, and without one of them {lost:.2f} dB is lost at most"
    assert words.replace("%", " %") in " ".join(CARD.split())


def test_the_card_says_how_training_ended() -> None:
    gains, rates = [], []
    for scale in (2, 3, 4):
        folder = ROOT / "checkpoints" / f"sat-tiny-x{scale}"
        tables = (read_table(folder / name) for name in ("valid.csv", "train.csv"))
        valid, train = ([row[key] for row in rows] for rows, key in zip(tables, ("psnr", "learning_rate"), strict=True))
        gains.append(f"{valid[-1] - valid[-2]:.3f} dB (x{scale})")
        rates.append(f"{train[-1]:.0e}")
    words = " ".join(CARD.split())
    assert "{}, {} and {}".format(*gains) in words
    assert "{}, {} and {}".format(*rates) in words


def test_ratios_are_those_of_the_benchmark() -> None:
    rows = timings.results("cpu")["rows"]
    ratios = {(row["what"], row["unit"]): timings.ratio(row["dense"], row["ours"]) for row in rows}
    assert len(re.findall(r"times less", README)) == sum(
        (what, u) in ratios for what in TIMED.values() for u in ("s", "bytes")
    )
    for label, what in TIMED.items():
        memory = ratios.get((what, "bytes"))
        cells = f"{ratios[what, 's']:.1f} times less | " + (f"{memory:.0f} times less |" if memory else "|")
        assert f"| {label} | {cells}" in README
