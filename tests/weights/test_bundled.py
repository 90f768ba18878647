"""The bundled weights: there, ours, better than bicubic by what the model card says, and used by default."""

import json
from pathlib import Path

import numpy as np
import pytest
from slowness import slow_but

from satlib import SATConfig, load, samples, upscale
from satlib.data.degradation import PRESETS
from satlib.evaluation import evaluate
from satlib.evaluation.protocol import degraded
from satlib.images.degradation import crop_to_multiple, downscale
from satlib.metrics import psnr
from satlib.resize import imresize
from satlib.training import read_config
from satlib.training.config import STARTS
from satlib.weights import benchmark_names

ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "satlib" / "weights"
NAMES = sorted(path.stem for path in WEIGHTS.glob("*.safetensors"))
DATA = ROOT.parent / "shared" / "data"


def scale_of(name: str) -> int:
    return int(name[-1])


def test_the_tiny_networks_are_bundled() -> None:
    assert {"sat-tiny-x2", "sat-tiny-x3", "sat-tiny-x4", "sat-tiny-real-x2"} <= set(NAMES)
    assert benchmark_names() == [name for name in NAMES if name != "sat-tiny-real-x2"]


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_network_is_its_preset(name: str) -> None:
    model = load(name)
    preset = name.rsplit("-x", 1)[0].removesuffix("-real")
    assert model.config == SATConfig.preset(preset, scale=scale_of(name))
    assert not model.training and all(parameter.isfinite().all() for parameter in model.parameters())
    assert f"`{name}`" in (ROOT / "MODEL_CARD.md").read_text()


@pytest.mark.parametrize("name", slow_but(["sat-tiny-x2"], benchmark_names()))
def test_a_bundled_network_beats_bicubic_on_every_sample(name: str) -> None:
    scale = scale_of(name)
    for sample in samples.names():
        photo = crop_to_multiple(np.asarray(samples.load(sample)), scale)
        low = downscale(photo, scale)
        ours, baseline = (
            psnr(image, photo, border=scale) for image in (upscale(low, name, margin=0), imresize(low, scale))
        )
        assert ours > baseline, sample


@pytest.mark.slow
def test_the_network_for_real_photographs_is_better_on_degraded_ones_and_worse_on_clean_ones() -> None:
    found: dict[str, list[list[float]]] = {}
    for seed, sample in enumerate(samples.names()):
        photo = np.ascontiguousarray(np.asarray(samples.load(sample).convert("RGB"))[36:132, 48:144])
        given = (degraded(photo, 2, PRESETS["mild"], seed), downscale(photo, 2))
        for name in ("bicubic-x2", "sat-tiny-x2", "sat-tiny-real-x2"):
            levels = [psnr(upscale(low, name, margin=0), photo, border=2) for low in given]
            found.setdefault(name, []).append(levels)
    bicubic, usual, real = (np.mean(levels, axis=0) for levels in found.values())
    assert real[0] > usual[0] + 0.2 and real[0] > bicubic[0] + 0.5
    assert usual[1] > real[1]


@pytest.mark.skipif(not DATA.is_dir(), reason="no ../shared/data")
@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_recorded_numbers_of_set5_are_right(name: str) -> None:
    record = json.loads((WEIGHTS / f"{name}.json").read_text())
    (recorded,) = [r["mean"] for r in record["evaluations"] if (r["data"], r["model"]) == ("Set5", name)]
    found = evaluate(name, DATA / "Set5", scale=scale_of(name))
    assert found.psnr == pytest.approx(recorded["psnr"], abs=2e-3)
    assert found.ssim == pytest.approx(recorded["ssim"], abs=1e-4)


@pytest.mark.parametrize(
    "folder",
    sorted(path.parents[1] for path in ROOT.glob("checkpoints/*/checkpoints/*.pt")),
    ids=lambda path: path.name,
)
def test_from_a_kept_checkpoint_the_whole_run_can_be_had(folder: Path) -> None:
    """Its first network is made again from the seed, unless it came from a file: then it is kept."""
    settings = read_config(folder / "config.yaml")
    kept = (folder / "first.safetensors").is_file()
    assert kept == (settings.start not in STARTS)
    if kept:
        assert load(folder / "first.safetensors").config == settings.network
